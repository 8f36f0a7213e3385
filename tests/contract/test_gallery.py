"""Contract of gallery stores: what any of them must keep, whatever keeps it. Subjects."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from operator import methodcaller

import numpy as np
import pytest

from ood_face.errors import (
    DuplicateSubjectError,
    InputError,
    SubjectNotFoundError,
    TemplateMismatchError,
    VersionConflictError,
)
from ood_face.matching.milvus.vector_index import VectorIndex
from ood_face.types import GalleryCounts, Profile, RequestToken
from tests.fakes.templates import feature, template

NOBODY = Profile()
TOKEN = RequestToken("key" * 20, "body" * 16)
# in the order of their code points; UTF-16 and most alphabets have another one
IDS = ["+1", "007", "A-1", "B", "Z", "_", "a", "b.c@d", "é", "Ω", "漢字", "\uff21", "\U0001d4b3"]


def test_a_new_subject_is_what_was_asked_for(gallery):
    profile = Profile("Ada \0 漢", {"team": ["a", 1, None], "deep": {"é": True, "f": 0.1}})
    before = datetime.now(UTC)

    made = gallery.create_subject(
        "ada", profile, [template(1), template(2, ood_score=None, token=TOKEN)], TOKEN
    )

    assert gallery.subject("ada") == made
    assert (made.subject_id, made.profile, made.token) == ("ada", profile, TOKEN)
    assert before <= made.created_at <= datetime.now(UTC)
    first, second = made.templates
    assert (first.ood_score, first.token, first.has_crop) == (0.75, None, False)
    assert (second.ood_score, second.token) == (None, TOKEN)
    assert first.source_hash == f"{1:064x}"
    assert 0 < first.template_id < 2**63
    assert first.template_id != second.template_id
    assert before <= first.created_at <= datetime.now(UTC)
    assert gallery.counts() == GalleryCounts(1, 2)


def test_a_gallery_says_what_its_searches_go_through(gallery):
    gallery.create_subject("ada", Profile("Ada"), [template(1)])

    # of a few templates: each is compared, or what Milvus makes of them
    assert gallery.index_kind() in {"flat", *VectorIndex}


def test_an_id_is_given_once(gallery):
    made = gallery.create_subject("ada", Profile("Ada"), [template(1)])

    with pytest.raises(DuplicateSubjectError, match="ada"):
        gallery.create_subject("ada", Profile("Eve"), [template(2)])

    assert gallery.subject("ada") == made
    assert len(gallery.search(feature(2)[None], 9)[0]) == 1


def test_nothing_wrong_is_enrolled(gallery):
    foreign = template(2, model_id="other-2")
    with pytest.raises(TemplateMismatchError, match="other-2"):
        gallery.create_subject("ada", NOBODY, [template(1), foreign])
    with pytest.raises(InputError, match="6"):
        gallery.create_subject("ada", NOBODY, [template(n) for n in range(6)])
    for malformed in ("", "a/b", "a:b", ".a", "a b", "x" * 129, "a\n", "\ud800"):
        with pytest.raises(InputError):
            gallery.create_subject(malformed, NOBODY, [template(1)])

    assert gallery.counts() == GalleryCounts(0, 0)
    assert gallery.search(feature(1)[None], 9) == [[]]


@pytest.mark.parametrize("unknown", ["eve", "", "ADA", "a" * 5000, "\ud800", "ad\0"])
def test_a_subject_that_is_not_there_is_not_found(gallery, unknown):
    gallery.create_subject("ada", NOBODY, [template(1)])

    for call in (
        methodcaller("subject", unknown),
        methodcaller("update_subject", unknown, NOBODY),
        methodcaller("change_templates", unknown, [template(2)], []),
        methodcaller("delete_subject", unknown),
    ):
        with pytest.raises(SubjectNotFoundError):
            call(gallery)
    assert gallery.enrolled([unknown]) == []
    assert gallery.counts() == GalleryCounts(1, 1)


def test_subjects_come_in_pages_by_code_point(gallery):
    assert gallery.subjects(None, 10) == []
    for number, subject_id in enumerate(reversed(IDS)):
        gallery.create_subject(subject_id, Profile(subject_id), [template(number)])

    pages, after = [], None
    while page := gallery.subjects(after, 4):
        pages.append(page)
        after = page[-1].subject_id

    assert sorted(IDS) == IDS
    assert [len(page) for page in pages] == [4, 4, 4, 1]
    assert [subject.subject_id for page in pages for subject in page] == IDS
    assert pages[1][2] == gallery.subject("a")
    assert [s.subject_id for s in gallery.subjects("AA", 2)] == ["B", "Z"]
    assert gallery.subjects("\U0010ffff", 4) == []
    assert gallery.subjects(None, 0) == []
    assert len(gallery.subjects(None, 10**30)) == len(IDS)


def test_features_come_in_the_order_asked(gallery):
    for number in range(4):
        templates = [template(10 * number + i) for i in range(number)]
        gallery.create_subject(f"p{number}", NOBODY, templates)

    found = gallery.enrolled(["p3", "nobody", "p0", "p2"])

    assert [one.subject for one in found] == [gallery.subject(name) for name in ("p3", "p0", "p2")]
    assert [one.features.shape for one in found] == [(3, 512), (0, 512), (2, 512)]
    assert all(one.features.dtype == np.float32 for one in found)
    np.testing.assert_array_equal(found[0].features, [feature(30), feature(31), feature(32)])
    assert gallery.enrolled([]) == []


def test_more_subjects_than_a_query_has_places_are_read(gallery):
    gallery.create_subject("ada", NOBODY, [template(1)])

    found = gallery.enrolled([*(f"p{number}" for number in range(40_000)), "ada"])

    assert [one.subject.subject_id for one in found] == ["ada"]


def test_an_updated_subject_has_the_new_profile_and_a_new_version(gallery):
    made = gallery.create_subject("ada", Profile("Ada", {"a": 1}), [template(1)], TOKEN)

    changed = gallery.update_subject("ada", Profile(None, {"b": 2}), if_version=made.version)

    assert changed.version > made.version
    assert changed == replace(made, profile=Profile(None, {"b": 2}), version=changed.version)
    assert gallery.subject("ada") == changed


def test_an_outdated_version_changes_no_subject(gallery):
    made = gallery.create_subject("ada", NOBODY, [template(1)])
    number = made.templates[0].template_id

    for version in (0, made.version - 1, made.version + 1):
        with pytest.raises(VersionConflictError, match=str(made.version)):
            gallery.update_subject("ada", Profile("Eve"), version)
        with pytest.raises(VersionConflictError):
            gallery.change_templates("ada", [template(2)], [number], version)
        with pytest.raises(VersionConflictError):
            gallery.delete_subject("ada", version)

    assert gallery.subject("ada") == made


def test_a_deleted_subject_is_gone(gallery):
    made = gallery.create_subject("ada", NOBODY, [template(1, token=TOKEN)], TOKEN)
    gallery.create_subject("bob", NOBODY, [template(2)])

    gallery.delete_subject("ada", if_version=made.version)

    with pytest.raises(SubjectNotFoundError):
        gallery.subject("ada")
    assert [subject.subject_id for subject in gallery.subjects(None, 9)] == ["bob"]
    assert gallery.counts() == GalleryCounts(1, 1)
    assert gallery.find_token(TOKEN.key_hash) is None
    assert [hit.subject_id for hit in gallery.search(feature(1)[None], 9)[0]] == ["bob"]


def test_versions_and_template_ids_are_never_used_again(store, gallery):
    seen = []
    for _ in range(3):
        made = gallery.create_subject("ada", NOBODY, [template(1)])
        seen += [(made.version, made.templates[0].template_id)]
        gallery.delete_subject("ada")
        store.update(gallery.info)

    versions, template_ids = zip(*seen, strict=True)
    assert sorted(set(versions)) == list(versions)
    assert sorted(set(template_ids)) == list(template_ids)

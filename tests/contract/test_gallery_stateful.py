"""Any sequence of calls leaves a store in SQLite with what the one in memory has."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ood_face.errors import GalleryError, InputError
from ood_face.matching.sqlite import SqliteGalleryStore
from ood_face.types import Profile, RequestToken
from tests.fakes.galleries import FakeGalleryStore
from tests.fakes.templates import feature, gallery_info, near, template

NAMES = st.sampled_from(["a", "b"])
SUBJECTS = st.sampled_from(["ada", "bob", "eve", "B", "漢"])
NUMBERS = st.lists(st.integers(0, 40), max_size=3)
PROFILES = st.builds(Profile, st.none() | st.text("ab\u00e9", min_size=1, max_size=3))
MODELS = st.sampled_from(["fake-1"] * 9 + ["other-2"])
TOKENS = st.none() | st.builds(RequestToken, st.sampled_from(["k1", "k2"]), st.just("body"))
# more templates than this are searched through a compressed index
COMPRESS_ABOVE = 1000


def told(subject):
    """Return a subject without what two stores cannot have in common."""
    templates = [
        (record.ood_score, record.model_id, record.source_hash, record.has_crop, record.token)
        for record in subject.templates
    ]
    return (subject.subject_id, subject.profile, templates, subject.token)


class TwoStores(RuleBasedStateMachine):
    """The same calls to the store under test and to the model."""

    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.real = SqliteGalleryStore(Path(self.folder.name), COMPRESS_ABOVE, save_after_s=0.05)
        self.model = FakeGalleryStore()

    def teardown(self):
        self.real.close()
        self.folder.cleanup()

    def both(self, act, seen=lambda outcome: outcome):
        """Call both; expect the same outcome, or errors of one key."""
        outcomes = []
        for store in (self.real, self.model):
            try:
                outcomes.append(seen(act(store)))
            except (GalleryError, InputError) as exc:
                outcomes.append((type(exc), exc.key))
        assert outcomes[0] == outcomes[1]

    @initialize(limit=st.integers(2, 4), keep=st.booleans())
    def first_gallery(self, limit, keep):
        self.create_gallery("a", limit, keep)

    @rule(name=NAMES, limit=st.integers(1, 4), keep=st.booleans())
    def create_gallery(self, name, limit, keep):
        info = gallery_info(name, max_templates=limit, keep_crops=keep)
        self.both(lambda store: replace(store.create(info).info, version=0))

    @rule(name=NAMES, limit=st.integers(1, 4), keep=st.booleans())
    def update_gallery(self, name, limit, keep):
        info = gallery_info(name, max_templates=limit, keep_crops=keep)
        self.both(lambda store: replace(store.update(info), version=0))

    @rule(name=NAMES, sure=st.integers(0, 3))
    def delete_gallery(self, name, sure):
        # seldom, lest there is never much in one
        if sure == 0:
            self.both(lambda store: store.delete(name))

    @rule(
        name=NAMES, who=SUBJECTS, profile=PROFILES, numbers=NUMBERS, model_id=MODELS, token=TOKENS
    )
    def create_subject(self, name, who, profile, numbers, model_id, token):
        new = [template(n, model_id=model_id, with_crop=n % 2 == 0, token=token) for n in numbers]
        self.both(lambda store: store.open(name).create_subject(who, profile, new, token), told)

    @rule(name=NAMES, who=SUBJECTS, profile=PROFILES)
    def update_subject(self, name, who, profile):
        self.both(lambda store: store.open(name).update_subject(who, profile), told)

    @rule(
        name=NAMES,
        who=SUBJECTS,
        numbers=NUMBERS,
        places=st.sets(st.integers(0, 4), max_size=3),
        outdated=st.integers(0, 5),
    )
    def change_templates(self, name, who, numbers, places, outdated):
        new = [template(n, with_crop=n % 2 == 0) for n in numbers]

        def act(store):
            gallery = store.open(name)
            subject = gallery.subject(who)
            ids = [record.template_id for record in subject.templates]
            remove = [ids[place] if place < len(ids) else 12345 for place in sorted(places)]
            version = subject.version - (outdated == 0)
            return gallery.change_templates(who, new, remove, version)

        self.both(act, told)

    @rule(name=NAMES, who=SUBJECTS)
    def delete_subject(self, name, who):
        self.both(lambda store: store.open(name).delete_subject(who))

    @rule(name=NAMES, number=st.integers(0, 40), count=st.integers(0, 30))
    def search(self, name, number, count):
        probes = np.stack([near(number, 0.8), feature(number + 1)])

        def seen(found):
            return [[pytest.approx(hit.similarity, abs=1e-5) for hit in hits] for hits in found]

        def best(found):
            # equal templates come in any order: only who stands apart from the rest is compared
            return [{hit.subject_id for hit in hits if hit.similarity > 0.5} for hits in found]

        everything = 10_000
        self.both(lambda store: store.open(name).search(probes, everything), best)
        try:
            real, model = (s.open(name).search(probes, count) for s in (self.real, self.model))
        except GalleryError:
            return
        assert [[hit.similarity for hit in hits] for hits in real] == seen(model)

    @rule(name=NAMES, key=st.sampled_from(["k1", "k2"]))
    def find_token(self, name, key):
        def seen(found):
            return found and found[0]

        self.both(lambda store: store.open(name).find_token(key), seen)

    @rule(save=st.booleans())
    def reopen(self, save):
        if save:
            self.real.save()
        self.real.close()
        self.real = SqliteGalleryStore(Path(self.folder.name), COMPRESS_ABOVE, save_after_s=0.05)

    @invariant()
    def both_have_the_same(self):
        def content(store):
            found = {}
            for info in store.galleries():
                gallery = store.open(info.name)
                subjects = gallery.subjects(None, 100)
                features = gallery.enrolled([subject.subject_id for subject in subjects])
                crops = [
                    None if crop is None else crop.tobytes()
                    for subject in subjects
                    for crop in (gallery.crop(t.template_id) for t in subject.templates)
                ]
                found[info.name] = (
                    replace(info, version=0),
                    gallery.counts(),
                    [told(subject) for subject in subjects],
                    [one.features.tobytes() for one in features],
                    crops,
                )
            return found

        assert content(self.real) == content(self.model)


TestTwoStores = TwoStores.TestCase
TestTwoStores.settings = settings(
    max_examples=120,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)

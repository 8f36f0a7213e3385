"""``ood-face gallery subjects``, ``subject`` and ``remove``: who is enrolled."""

from __future__ import annotations

from typing import Annotated

import typer

from ood_face.bootstrap import read_settings
from ood_face.cli.exits import errors_as_exits
from ood_face.cli.gallery_json import subject_json
from ood_face.cli.gallery_opening import GalleryName, opened_records
from ood_face.cli.options import AsJson, Lang
from ood_face.cli.render import print_json
from ood_face.cli.render_galleries import print_subject, print_subjects, say
from ood_face.messages import DEFAULT_LANGUAGE
from ood_face.service.records import MAX_PAGE

__all__ = ["SubjectId", "remove", "subject", "subjects"]

SubjectId = Annotated[str, typer.Argument(metavar="SUBJECT", help="Id of the subject.")]


def subjects(
    name: GalleryName,
    *,
    after: Annotated[str | None, typer.Option(help="The last id of the page before.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=MAX_PAGE, help="At most so many.")] = 100,
    as_json: AsJson = False,
    lang: Lang = DEFAULT_LANGUAGE,
) -> None:
    """List who is enrolled, by id, page by page."""
    with errors_as_exits(lang, as_json=as_json), opened_records(read_settings()) as records:
        found = records.subjects(name, after, limit)
        # a full page may be the last one
        more = len(found) == limit and bool(records.subjects(name, found[-1].subject_id, 1))
        following = found[-1].subject_id if more else None
        if as_json:
            print_json({"subjects": [subject_json(one) for one in found], "next": following})
            return
        print_subjects(found, lang)
        if following is not None:
            say("subjects_more", lang, subject=following)


def subject(
    name: GalleryName,
    subject_id: SubjectId,
    as_json: AsJson = False,
    lang: Lang = DEFAULT_LANGUAGE,
) -> None:
    """Show one subject and its templates."""
    with errors_as_exits(lang, as_json=as_json), opened_records(read_settings()) as records:
        found = records.subject(name, subject_id)
        if as_json:
            print_json(subject_json(found))
        else:
            print_subject(found, lang)


def remove(
    name: GalleryName,
    subject_id: SubjectId,
    *,
    template: Annotated[
        int | None, typer.Option(help="Erase this template alone; see 'subject'.")
    ] = None,
    as_json: AsJson = False,
    lang: Lang = DEFAULT_LANGUAGE,
) -> None:
    """Erase a subject and every trace of it, or one of its templates."""
    with errors_as_exits(lang, as_json=as_json), opened_records(read_settings()) as records:
        if template is None:
            records.remove_subject(name, subject_id)
            if as_json:
                print_json({"removed": subject_id})
            else:
                say("subject_removed", lang, gallery=name, subject=subject_id)
            return
        left = records.remove_template(name, subject_id, template)
        if as_json:
            print_json(subject_json(left))
        else:
            count = len(left.templates)
            say("template_removed", lang, subject=subject_id, template=template, left=count)

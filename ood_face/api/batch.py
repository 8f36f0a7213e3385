"""Many subjects enrolled by one request, each answered by a line as soon as it is done."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal, cast

from ood_face.api.enrolments import near_duplicates_out, outcomes_of, profile_of
from ood_face.api.errors import RequestFormError, told_of
from ood_face.api.pictures import PictureReader, check_count
from ood_face.api.search_schemas import BatchEnd, BatchLine, BatchSummary
from ood_face.api.values import Pairs, Values, as_text, from_base64, from_file, json_items
from ood_face.errors import InputError, OodFaceError, SubjectNotFoundError
from ood_face.messages import error_sentence
from ood_face.service import BulkItem, enroll_each

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ood_face.api.forms import Body
    from ood_face.config import Settings
    from ood_face.messages import Language
    from ood_face.service import GalleryService
    from ood_face.types import Caller, Enrolment, Subject

__all__ = ["MAX_ITEMS", "Batch", "BatchRun", "read_batch"]

MAX_ITEMS = 1000
_MANIFEST = "manifest"
_OPTIONS = ("force", "scenario")
_LONGEST_ID = 128

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Batch:
    """What a request asks for; its subjects are looked at one by one, when their turn comes.

    Attributes
    ----------
    subjects : as they came
    files : by the names that the subjects call them; None: the pictures are in the subjects
    force, scenario : for all subjects; see :class:`ood_face.types.EnrolmentRequest`
    """

    subjects: list[object]
    files: Mapping[str, bytes] | None
    force: bool
    scenario: str | None


def read_batch(sent: Body) -> Batch:
    """Return the batch of a body.

    Raises
    ------
    RequestFormError
        It has no list of subjects, a file that none of them names, or a file twice.
    InputError
        It has too many subjects.
    """
    if sent.form is None:
        fields, files = Values(sent.items(), ("subjects",), _OPTIONS), None
    else:
        fields, files = _manifest(sent.form)
    subjects = fields.listed("subjects")
    if len(subjects) > MAX_ITEMS:
        raise InputError(
            "batch.too_many",
            "a batch has up to {limit} subjects, this has {got}",
            limit=MAX_ITEMS,
            got=len(subjects),
        )
    if files is not None:
        _check_named(files, subjects)
    return Batch(subjects, files, fields.flag("force") or False, fields.text("scenario"))


class BatchRun:
    """Carries out a batch.

    Parameters
    ----------
    galleries : enrols
    gallery : its name
    caller : for the audit log
    settings : the limits on pictures
    language : of sentences in the answer
    """

    def __init__(
        self,
        galleries: GalleryService,
        gallery: str,
        caller: Caller,
        settings: Settings,
        language: Language,
    ) -> None:
        self._galleries = galleries
        self._gallery = gallery
        self._caller = caller
        self._settings = settings
        self._language = language

    def lines(self, batch: Batch) -> Iterator[str]:
        """Enrol one subject after the other and say of each what became of it; then sum up.

        A caller who goes away lets this end after the subject in hand; each subject is enrolled
        as a whole or not at all.
        """
        counts: Counter[str] = Counter()
        received = len(batch.subjects)
        stopped: OodFaceError | None = None
        for index in range(received):
            # what was enrolled is let go of: its pictures may be large
            subject, batch.subjects[index] = batch.subjects[index], None
            try:
                line = self._line(index, subject, batch)
            except OodFaceError as exc:
                _logger.error("request %s stopped: %s", self._caller.request_id, exc)  # noqa: TRY400
                stopped = told_of(exc)
                break
            counts[line.status] += 1
            yield f"{line.model_dump_json(exclude_none=True)}\n"
        summary = BatchSummary(
            received=received,
            created=counts["created"],
            updated=counts["updated"],
            unchanged=counts["unchanged"],
            refused=counts["refused"],
            complete=stopped is None,
            code=None if stopped is None else stopped.key,
            detail=None if stopped is None else error_sentence(stopped, self._language),
        )
        yield f"{BatchEnd(summary=summary).model_dump_json(exclude_none=True)}\n"

    def _line(self, index: int, subject: object, batch: Batch) -> BatchLine:
        subject_id = _id_of(subject)
        try:
            item, before = self._item(subject, batch.files)
        except InputError as exc:
            return self._refused(index, subject_id, exc)
        result = next(
            enroll_each(
                self._galleries,
                self._gallery,
                [item],
                scenario=batch.scenario,
                force=batch.force,
                caller=self._caller,
            )
        )
        if result.error is not None:
            return self._refused(index, subject_id, result.error)
        enrolment = cast("Enrolment", result.enrolment)
        return BatchLine(
            index=index,
            subject_id=subject_id,
            status=_status(enrolment, before),
            pictures=outcomes_of(enrolment, self._language),
            evicted=list(enrolment.evicted),
            near_duplicates=near_duplicates_out(enrolment.near_duplicates),
        )

    def _item(
        self, subject: object, files: Mapping[str, bytes] | None
    ) -> tuple[BulkItem, Subject | None]:
        # and the subject as it is; None: it is new
        if not isinstance(subject, Pairs):
            raise RequestFormError("batch.no_object", "each subject of a batch is a JSON object")
        fields = Values(subject, ("subject_id",), ("name", "metadata", "images"))
        images = fields.listed("images")
        check_count(len(images))
        reader = PictureReader(self._settings, self._galleries.work)
        subject_id = fields.text("subject_id") or ""
        present = self._present(subject_id)
        item = BulkItem(
            subject_id=subject_id,
            pictures=tuple(
                partial(reader.read, i, partial(_load, image, f"images[{i}]", files))
                for i, image in enumerate(images)
            ),
            profile=profile_of(fields, None if present is None else present.profile),
        )
        return item, present

    def _present(self, subject_id: str) -> Subject | None:
        try:
            return self._galleries.subject(self._gallery, subject_id)
        except SubjectNotFoundError:
            return None

    def _refused(self, index: int, subject_id: str | None, error: OodFaceError) -> BatchLine:
        reason = told_of(error)
        return BatchLine(
            index=index,
            subject_id=subject_id,
            status="refused",
            code=reason.key,
            detail=error_sentence(reason, self._language),
            field=None if error.picture is None else f"images[{error.picture}]",
        )


def _manifest(form: Sequence[tuple[str, bytes | str]]) -> tuple[Values, dict[str, bytes]]:
    manifests = [value for name, value in form if name == _MANIFEST]
    files: dict[str, bytes] = {}
    for name, value in form:
        if name == _MANIFEST:
            continue
        if name in files:
            raise RequestFormError(
                "batch.file_twice", "there are two files {name}", name=ascii(name[:64])
            )
        files[name] = from_file(ascii(name[:64]), value)
    if len(manifests) != 1:
        raise RequestFormError(
            "batch.manifest",
            "a form must have one part manifest, with the JSON of the batch, not {got}",
            got=len(manifests),
        )
    text = manifests[0]
    document = text if isinstance(text, bytes) else text.encode()
    return Values(json_items(document), ("subjects",), _OPTIONS), files


def _check_named(files: Mapping[str, bytes], subjects: Sequence[object]) -> None:
    named = {
        image
        for subject in subjects
        if isinstance(subject, Pairs)
        for name, images in subject
        if name == "images" and isinstance(images, list)
        for image in images
        if isinstance(image, str)
    }
    forgotten = sorted(set(files) - named)
    if forgotten:
        raise RequestFormError(
            "batch.file_not_named",
            "no subject of the manifest names the file {name}",
            name=ascii(forgotten[0][:64]),
        )


def _load(image: object, field: str, files: Mapping[str, bytes] | None) -> bytes:
    if files is None:
        return from_base64(field, image)
    name = as_text(field, image)
    if name not in files:
        raise RequestFormError(
            "batch.no_file",
            "the field {name} names the file {file}, which the form does not have",
            name=field,
            file=ascii(name[:64]),
        )
    return files[name]


def _id_of(subject: object) -> str | None:
    # to be told in the answer, whatever is wrong with it
    sent = dict(subject).get("subject_id") if isinstance(subject, Pairs) else None
    return sent[:_LONGEST_ID].encode(errors="replace").decode() if isinstance(sent, str) else None


def _status(
    enrolment: Enrolment, before: Subject | None
) -> Literal["created", "updated", "unchanged"]:
    if enrolment.created:
        return "created"
    same = before is not None and enrolment.subject.version == before.version
    return "unchanged" if same else "updated"

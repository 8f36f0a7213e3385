"""An enrolment: whom the pictures show, how far it has come, and what became of each."""

from __future__ import annotations

import base64
import csv
import io
from typing import TYPE_CHECKING

from ood_face.errors import (
    DuplicateFaceError,
    ImageDecodeError,
    ImageTooLargeError,
    LowQualityError,
    MultipleFacesError,
    NoFaceError,
)
from ood_face.messages import reason_sentence
from webui.job_progress import JobState
from webui.markup import Html, join, tag
from webui.views.parts import card, error_text
from webui.views.search import act, problem_card, problem_note
from webui.views.search_found import quality_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ood_face.errors import OodFaceError
    from webui.catalogue import Texts
    from webui.job_progress import JobView
    from webui.search_enrolment import EnrolReport, EnrolRow, Plan

__all__ = ["enrol_view", "plan_view", "progress_view"]

_NAMES_SHOWN = 12
# of each kind; the file to download has all
_ROWS_SHOWN = 200
_TITLES = (
    (NoFaceError, "no_face"),
    (MultipleFacesError, "several"),
    (LowQualityError, "quality"),
    (DuplicateFaceError, "duplicate"),
    (ImageTooLargeError, "too_large"),
    (ImageDecodeError, "no_picture"),
)


def plan_view(plan: Plan | None, words: Texts) -> Html:
    """Return whom the pictures show, to look at before anything is enrolled."""
    if plan is None:
        return Html()
    if plan.problem is not None:
        return problem_card(plan.problem, words)
    loose = Html()
    if plan.loose:
        loose = tag("p", words("enrol.loose", count=plan.loose), class_="problem")
    if not plan.people:
        return tag("div", tag("p", words("enrol.nobody"), class_="summary"), loose, class_="plan")
    names = [
        tag("li", name, " ", tag("small", f"{count:,}"))
        for name, count in plan.people[:_NAMES_SHOWN]
    ]
    if len(plan.people) > _NAMES_SHOWN:
        names.append(tag("li", words("enrol.more", count=len(plan.people) - _NAMES_SHOWN)))
    key = "enrol.plan_one" if len(plan.people) == 1 else "enrol.plan_many"
    text = words(key, people=f"{len(plan.people):,}", pictures=f"{plan.pictures:,}")
    people = tag("ul", *names, class_="names")
    return tag("div", tag("p", text, class_="summary"), people, loose, class_="plan")


def progress_view(view: JobView | None, words: Texts) -> Html:
    """Return how far an enrolment has come, with the button that ends it; empty: none is on."""
    if view is None or view.ended:
        return Html()
    step = view.step
    if view.state is JobState.WAITING:
        text = words("enrol.waiting", ahead=view.ahead)
    elif not step.total:
        text = words("enrol.beginning")
    else:
        text = words("enrol.working", done=step.done, total=step.total)
    share = round(100 * step.done / step.total) if step.total else 0
    bar = tag(
        "div",
        tag("div", class_="progress-fill", style=f"width:{share}%"),
        class_="progress",
        role="progressbar",
        aria_valuenow=share,
        aria_valuemin=0,
        aria_valuemax=100,
        aria_label=words("enrol.progress"),
    )
    return tag(
        "div",
        tag("p", tag("b", text), " ", tag("small", step.what)),
        bar,
        tag("p", tag("small", words("enrol.keep_open"))),
        act("cancel", words("enrol.cancel")),
        class_="enrol-progress",
    )


def enrol_view(view: JobView | None, problem: OodFaceError | None, words: Texts) -> Html:
    """Return what an enrolment did; empty: there was none, or it is not finished.

    Parameters
    ----------
    view : of the work; None: there is none
    problem : why it could not begin; None: nothing stood in its way
    words : the language
    """
    if problem is not None:
        return problem_card(problem, words)
    if view is None or not view.ended:
        return Html()
    if view.error is not None:
        return problem_card(view.error, words)
    if view.result is None:
        return card("waiting", words("enrol.cancelled"), tag("p", words("enrol.nothing_done")))
    return _report(view.result, words)


def _report(report: EnrolReport, words: Texts) -> Html:
    refused = [row for row in report.rows if row.status == "refused"]
    noted = [row for row in report.rows if row not in refused and _notes(row, words)]
    plain = [row for row in report.rows if row not in refused and row not in noted]
    left = report.total - len(report.rows)
    parts = [_counts(report, words), problem_note(report.error, words)]
    if left:
        parts.append(tag("p", words("enrol.left", count=left), class_="problem"))
    outside = _nobody_added(report)
    if outside:
        names = outside[:_NAMES_SHOWN]
        if len(outside) > _NAMES_SHOWN:
            names.append(words("enrol.more", count=len(outside) - _NAMES_SHOWN))
        text = words("enrol.outside", people=words("enrol.between").join(names))
        parts.append(tag("p", text, class_="problem"))
    if refused:
        title = tag("h3", words("enrol.refused_title"))
        parts += [title, tag("p", words("enrol.refused_note")), _table(refused, words)]
    if noted:
        parts += [tag("h3", words("enrol.noted_title")), _table(noted, words)]
    if plain:
        summary = tag("summary", words("enrol.plain_title", count=len(plain)))
        parts.append(tag("details", summary, _table(plain, words)))
    if report.rows:
        parts.append(tag("div", _download(report, words), class_="downloads"))
    kind = "review" if refused or left or report.error is not None else "same"
    key = {0: "none", 1: "people_one"}.get(report.people, "people_many")
    done = words(f"enrol.title_{key}", people=report.people, gallery=report.gallery)
    return card(kind, done, *parts)


def _nobody_added(report: EnrolReport) -> list[str]:
    # of whom no picture could be used, and who may believe to be in the gallery
    refused = {row.subject_id: None for row in report.rows if row.status == "refused"}
    present = {row.subject_id for row in report.rows if row.status != "refused"}
    return [subject_id for subject_id in refused if subject_id not in present]


def _counts(report: EnrolReport, words: Texts) -> Html:
    kinds = ("enrolled", "unchanged", "not_kept", "refused")
    counted = [(kind, sum(row.status == kind for row in report.rows)) for kind in kinds]
    items = [
        tag("li", tag("b", f"{count:,}"), " ", words(f"enrol.status_{kind}"))
        for kind, count in counted
        if count or kind == "enrolled"
    ]
    if report.created:
        items.append(tag("li", tag("b", f"{report.created:,}"), " ", words("enrol.created")))
    return tag("ul", *items, class_="counts")


def _table(rows: Sequence[EnrolRow], words: Texts) -> Html:
    head = [tag("th", words(f"enrol.{name}"), scope="col") for name in ("file", "who", "what")]
    body = [
        tag(
            "tr",
            tag("td", row.file),
            tag("td", row.subject_id, data_label=words("enrol.who")),
            tag("td", _what(row, words), class_="what"),
        )
        for row in rows[:_ROWS_SHOWN]
    ]
    table = tag("table", tag("thead", tag("tr", *head)), tag("tbody", *body), class_="faces became")
    label = words("enrol.table")
    more = Html()
    if len(rows) > _ROWS_SHOWN:
        more = tag("p", tag("small", words("enrol.rows_left", count=len(rows) - _ROWS_SHOWN)))
    shown = tag("div", table, class_="scroll", tabindex=0, role="region", aria_label=label)
    return join(shown, more)


def _what(row: EnrolRow, words: Texts) -> Html:
    if row.error is not None:
        return join(tag("b", _title(row.error, words)), " ", _why(row.error, words))
    notes = [tag("span", note) for note in _notes(row, words)]
    score = None if row.picture is None else row.picture.ood_score
    status = tag("b", words(f"enrol.one_{row.status}"))
    return join(
        status, " ", quality_words(score, words), *[part for n in notes for part in (" ", n)]
    )


def _title(error: OodFaceError, words: Texts) -> str:
    kind = next((key for cls, key in _TITLES if isinstance(error, cls)), "other")
    return words(f"enrol.why_{kind}")


def _why(error: OodFaceError, words: Texts) -> str:
    # what happens often, in the words and units of the page
    values = error.values
    if isinstance(error, NoFaceError):
        return words("search.advice_no_face")
    if isinstance(error, LowQualityError) and error.key == "enroll.low_quality":
        shares = {"quality": values["score"], "needed": values["needed"]}
        return words("enrol.poor", **{name: f"{100 * s:.0f}" for name, s in _numbers(shares)})
    if isinstance(error, DuplicateFaceError) and error.key == "enroll.duplicate_face":
        alike = {name: values[name] for name in ("similarity", "threshold")}
        written = {name: f"{number:.2f}" for name, number in _numbers(alike)}
        return words("enrol.taken", other=values["subject"], **written)
    return error_text(error, words)


def _numbers(values: Mapping[str, object]) -> Iterator[tuple[str, float]]:
    return ((name, value) for name, value in values.items() if isinstance(value, int | float))


def _notes(row: EnrolRow, words: Texts) -> list[str]:
    reasons = () if row.picture is None else row.picture.reasons
    forced = [
        words("enrol.forced", other=other.subject_id, similarity=f"{other.similarity:.2f}")
        for other in row.near
    ]
    return [reason_sentence(reason, words.language) for reason in reasons] + forced


def _download(report: EnrolReport, words: Texts) -> Html:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow(["picture", "subject_id", "status", "ood_score", "note"])
    for row in report.rows:
        score = None if row.picture is None else row.picture.ood_score
        notes = _notes(row, words) if row.error is None else [error_text(row.error, words)]
        shown = "" if score is None else f"{score:.4f}"
        cells = (row.file, row.subject_id, row.status, shown, " ".join(notes))
        writer.writerow([_as_text(cell) for cell in cells])
    # with a mark that lets spreadsheets read it as UTF-8; inside the page, not in a file
    encoded = base64.b64encode(buffer.getvalue().encode("utf-8-sig")).decode("ascii")
    return tag(
        "a",
        words("enrol.download"),
        href=f"data:text/csv;charset=utf-8;base64,{encoded}",
        download="enrolment.csv",
        class_="download",
    )


def _as_text(cell: str) -> str:
    # a spreadsheet takes such a beginning for a formula; the names come from outside
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell

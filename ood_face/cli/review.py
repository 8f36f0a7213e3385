"""``ood-face review``: doubtful verdicts to look at, to label, and to calibrate on."""

from __future__ import annotations

import io
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from ood_face.bootstrap import open_review, read_settings
from ood_face.cli.exits import (
    HELP_EPILOG,
    ExitCode,
    errors_as_exits,
    exit_code,
    printable,
    report,
)
from ood_face.cli.extracting import check_writable
from ood_face.cli.options import AsJson, Lang
from ood_face.cli.render import print_json, print_table
from ood_face.errors import InputError, ReviewNotFoundError
from ood_face.imaging import encode_png
from ood_face.messages import DEFAULT_LANGUAGE, reason_sentence, translate
from ood_face.types import ReviewLabel, ReviewOrder, ReviewQuery, ReviewState
from ood_face.types.review import MAX_PAGE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ood_face.messages import Language
    from ood_face.types import ReviewItem

__all__ = ["app"]

_MAX_ID = 2**63 - 1  # of SQLite
ItemId = Annotated[
    int, typer.Argument(metavar="ITEM", min=0, max=_MAX_ID, help="Id of the item, see 'list'.")
]
_COLUMNS = ("item", "at", "verdict", "who", "similarity", "scores", "ambiguity", "label")

app = typer.Typer(help="Doubtful verdicts, which people label.", no_args_is_help=True)


@app.command(name="list", epilog=HELP_EPILOG)
def list_items(
    *,
    state: Annotated[
        ReviewState, typer.Option(help="open: nobody has labelled it; labelled; all.")
    ] = ReviewState.OPEN,
    order: Annotated[
        ReviewOrder, typer.Option(help="Newest or most uncertain first.")
    ] = ReviewOrder.NEWEST,
    after: Annotated[str | None, typer.Option(help="'next' of the page before.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=MAX_PAGE, help="At most so many.")] = 100,
    as_json: AsJson = False,
    lang: Lang = DEFAULT_LANGUAGE,
) -> None:
    """List doubtful verdicts, page by page."""
    with errors_as_exits(lang, as_json=as_json), closing(open_review(read_settings())) as review:
        page = review.page(ReviewQuery(state, order, after, limit))
    if as_json:
        print_json({"items": [_json(item, lang) for item in page.items], "next": page.following})
        return
    titles = [translate(f"review.title_{title}", {}, lang) for title in _COLUMNS]
    print_table(titles, [_row(item) for item in page.items])
    if page.following is not None:
        typer.echo(translate("review.more", {"after": page.following}, lang))


@app.command(epilog=HELP_EPILOG)
def show(
    item_id: ItemId,
    *,
    crops: Annotated[
        Path | None, typer.Option(help="Write the aligned faces, if any are kept, to this folder.")
    ] = None,
    as_json: AsJson = False,
    lang: Lang = DEFAULT_LANGUAGE,
) -> None:
    """Show one verdict and its reasons."""
    with errors_as_exits(lang, as_json=as_json):
        with closing(open_review(read_settings())) as review:
            item = review.item(item_id)
            faces = [review.crop(item_id, index) for index in range(item.crop_count)]
        written = []
        for index, face in enumerate(faces if crops is not None else []):
            path = Path(crops or ".") / f"{item_id}-{index}.png"
            _write(path, encode_png(face))
            written.append(str(path))
        if as_json:
            print_json(_json(item, lang) | {"files": written})
            return
    titles = [translate(f"review.title_{title}", {}, lang) for title in _COLUMNS]
    print_table(titles, [_row(item)])
    for line in (*(reason_sentence(reason, lang) for reason in item.case.reasons), *written):
        typer.echo(printable(line))


@app.command(epilog=HELP_EPILOG)
def label(
    item_id: ItemId,
    label: Annotated[ReviewLabel, typer.Argument(help="unusable: nobody can tell.")],
    as_json: AsJson = False,
    lang: Lang = DEFAULT_LANGUAGE,
) -> None:
    """Say what an item shows, in place of what was said before."""
    with errors_as_exits(lang, as_json=as_json), closing(open_review(read_settings())) as review:
        item = review.label(item_id, label)
    if as_json:
        print_json(_json(item, lang))
    else:
        typer.echo(translate("review.labelled", {"number": item_id, "label": label.value}, lang))


@app.command(epilog=HELP_EPILOG)
def export(
    file: Annotated[Path, typer.Argument(help="The .npz file to write.")],
    *,
    model_id: Annotated[
        str | None, typer.Option(help="Only items of this model; needed if there are several.")
    ] = None,
    as_json: AsJson = False,
    lang: Lang = DEFAULT_LANGUAGE,
) -> None:
    """Write what is labelled as a calibration set, for 'ood-face calibrate --calib-data'."""
    with errors_as_exits(lang, as_json=as_json):
        check_writable(file)
        with closing(open_review(read_settings())) as review:
            arrays: dict[str, Any] = dict(review.export(model_id))
        stream = io.BytesIO()
        np.savez(stream, **arrays)
        _write(file, stream.getvalue())
    counts = {
        "file": str(file),
        "model_id": str(arrays["model_id"]),
        "same": int(np.sum(arrays["labels"] == 1)),
        "different": int(np.sum(arrays["labels"] == 0)),
        "groups": len(np.unique(arrays["groups"])),
    }
    if as_json:
        print_json(counts)
    else:
        typer.echo(printable(translate("review.exported", counts, lang)))


@app.command(epilog=HELP_EPILOG)
def delete(
    item_ids: Annotated[
        list[int],
        typer.Argument(metavar="ITEM...", min=0, max=_MAX_ID, help="Ids of the items, see 'list'."),
    ],
    as_json: AsJson = False,
    lang: Lang = DEFAULT_LANGUAGE,
) -> None:
    """Erase items for good; one that is not there keeps no other."""
    erased, codes = [], [ExitCode.OK]
    with errors_as_exits(lang, as_json=as_json), closing(open_review(read_settings())) as review:
        for item_id in dict.fromkeys(item_ids):
            try:
                review.delete(item_id)
            except ReviewNotFoundError as exc:
                report(exc, lang, as_json=as_json)
                codes.append(exit_code(exc))
            else:
                erased.append(item_id)
    if as_json:
        print_json({"erased": erased})
    else:
        typer.echo(translate("review.pruned", {"count": len(erased)}, lang))
    raise typer.Exit(max(codes))


@app.command(epilog=HELP_EPILOG)
def prune(as_json: AsJson = False, lang: Lang = DEFAULT_LANGUAGE) -> None:
    """Erase now what is older than OOD_FACE_REVIEW_DAYS; a server does so every hour."""
    with errors_as_exits(lang, as_json=as_json), closing(open_review(read_settings())) as review:
        erased = review.prune()
    if as_json:
        print_json({"erased": erased})
    else:
        typer.echo(translate("review.pruned", {"count": erased}, lang))


def _write(path: Path, data: bytes) -> None:
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(data)
        part.replace(path)
    except OSError as exc:
        part.unlink(missing_ok=True)
        raise InputError(
            "file.unwritable", "{file} cannot be written; check its folder", file=str(path)
        ) from exc


def _row(item: ReviewItem) -> Sequence[str]:
    case = item.case
    who = "-" if case.subject_id is None else f"{case.gallery}/{case.subject_id}"
    scores = ("-" if score is None else f"{score:.2f}" for score in (case.score_a, case.score_b))
    return [
        str(item.item_id),
        item.at.isoformat(timespec="seconds"),
        f"{case.kind}: {case.verdict}",
        who,
        f"{case.similarity:.3f}",
        " ".join(scores),
        f"{case.ambiguity:.2f}",
        "-" if item.mark is None else f"{item.mark.label} ({item.mark.by})",
    ]


def _json(item: ReviewItem, language: Language) -> dict[str, Any]:
    case, mark = item.case, item.mark
    return {
        "id": item.item_id,
        "at": item.at.isoformat(timespec="microseconds"),
        "kind": case.kind,
        "verdict": case.verdict,
        "reasons": [reason_sentence(reason, language) for reason in case.reasons],
        "scenario": case.scenario,
        "model_id": case.model_id,
        "similarity": case.similarity,
        "ood_score_a": case.score_a,
        "ood_score_b": case.score_b,
        "probability": case.probability,
        "ambiguity": case.ambiguity,
        "gallery": case.gallery,
        "subject_id": case.subject_id,
        "template_id": case.template_id,
        "crops": item.crop_count,
        "label": None if mark is None else mark.label,
        "labelled_by": None if mark is None else mark.by,
        "labelled_at": None if mark is None else mark.at.isoformat(timespec="microseconds"),
    }

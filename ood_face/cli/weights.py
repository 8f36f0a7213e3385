"""``ood-face weights``: check the weights folder, and import networks into it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ood_face.artifacts import Manifest, verified_path
from ood_face.bootstrap import read_settings
from ood_face.cli.exits import HELP_EPILOG, ExitCode, errors_as_exits, printable
from ood_face.cli.fit_probability import fit_probability
from ood_face.cli.options import AsJson, Lang
from ood_face.cli.render import print_json, print_table
from ood_face.errors import ArtifactError
from ood_face.messages import DEFAULT_LANGUAGE, error_sentence, quality_score_note, translate

if TYPE_CHECKING:
    from ood_face.importers import Imported
    from ood_face.messages import Language

__all__ = ["app"]

Name = Annotated[
    str | None,
    typer.Option(help="Name in the manifest, for OOD_FACE_MODEL; default: after the network."),
]

app = typer.Typer(help="The weights folder.", no_args_is_help=True)
_imports = typer.Typer(help="Make a model of a network trained elsewhere.", no_args_is_help=True)
app.add_typer(_imports, name="import")
app.command(epilog=HELP_EPILOG)(fit_probability)


@app.command()
def verify(as_json: AsJson = False, lang: Lang = DEFAULT_LANGUAGE) -> None:
    """Compare every file of every model with the manifest's sha256."""
    with errors_as_exits(lang, as_json=as_json):
        manifest = Manifest.load(read_settings().weights_dir)
        rows = []
        for entry in manifest.models.values():
            for file in entry.files:
                try:
                    verified_path(entry, file)
                    problem = None
                except ArtifactError as exc:
                    problem = error_sentence(exc, lang)
                rows.append((entry.name, file, problem))
        if as_json:
            keys = ("model", "file", "problem")
            print_json([dict(zip(keys, row, strict=True)) for row in rows])
        else:
            print_table(("model", "file", ""), ((m, f, p or "ok") for m, f, p in rows))
    raise typer.Exit(ExitCode.SETUP if any(problem for *_, problem in rows) else ExitCode.OK)


@_imports.command(epilog=HELP_EPILOG)
def modelscope(
    file: Annotated[Path, typer.Argument(help="pytorch_model.bin of DAMO's RTS network.")],
    name: Name = None,
    plus: Annotated[
        bool | None,
        typer.Option(
            help="Which form's variance to use where the file has both; default: as "
            "configuration.json beside the file says, else the one with 1 number."
        ),
    ] = None,
    as_json: AsJson = False,
    lang: Lang = DEFAULT_LANGUAGE,
) -> None:
    """Import DAMO's released RTS network (IR-SE-64); its score is not calibrated."""
    with errors_as_exits(lang, as_json=as_json):
        from ood_face.importers import import_modelscope  # noqa: PLC0415 - loads the engine

        _report(import_modelscope(file, read_settings().weights_dir, name, plus), lang, as_json)


@_imports.command(epilog=HELP_EPILOG)
def onnx(
    file: Annotated[
        Path,
        typer.Argument(
            help="Network from float32 (N, 3, 112, 112), RGB, (pixel - 127.5) / 127.5, to (N, 512)."
        ),
    ],
    name: Name = None,
    as_json: AsJson = False,
    lang: Lang = DEFAULT_LANGUAGE,
) -> None:
    """Import any ONNX network from aligned faces to features; it gives no quality score."""
    with errors_as_exits(lang, as_json=as_json):
        from ood_face.importers import import_onnx  # noqa: PLC0415 - loads the engine

        _report(import_onnx(file, read_settings().weights_dir, name), lang, as_json)


def _report(imported: Imported, language: Language, as_json: bool) -> None:
    note = quality_score_note(imported.quality_score, language)
    if as_json:
        body = {
            "model": imported.name,
            "model_id": imported.model_id,
            "quality_score": imported.quality_score,
            "note": note,
            "folder": str(imported.folder),
            **imported.details,
        }
        print_json(body)
        return
    values = {"model": imported.name, "model_id": imported.model_id, "folder": imported.folder}
    typer.echo(printable(translate("import.done", values, language)))
    if imported.details:
        details = (f"{key}: {value}" for key, value in imported.details.items())
        typer.echo(printable("  " + ", ".join(details)))
    if note:
        typer.echo(f"  {note}")
    typer.echo(printable("  " + translate("import.select", values, language)))

"""The reliability diagram of a calibration, before and after; needs the extra ``calibrate``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ood_face.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["draw_reliability"]

SIZE_IN = (9.0, 4.6)
DPI = 110
COLOURS = {"before": "#D55E00", "after": "#0072B2"}  # from Okabe and Ito's palette


def draw_reliability(report: Mapping[str, Any], path: Path) -> bool:
    """Draw the reliability diagrams of the test half beside each other.

    Parameters
    ----------
    report : with the tables ``before`` and ``after`` of a calibration
    path : the PNG file, replaced in one step

    Returns
    -------
    whether it was drawn: not so where matplotlib is not installed

    Raises
    ------
    InputError
        The file can't be written.
    """
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415 - an extra
    except ImportError:
        return False
    figure = Figure(figsize=SIZE_IN, dpi=DPI, layout="constrained")
    for axes, (key, colour) in zip(figure.subplots(1, 2), COLOURS.items(), strict=True):
        _draw(axes, key, report[key], colour)
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        # no date and no version in the file: the same figures give the same bytes
        figure.savefig(temporary, format="png", metadata={"Software": None})
        temporary.replace(path)
    except OSError as exc:
        raise InputError(
            "scaling.unwritable",
            "{file} cannot be written: {reason}",
            file=str(path),
            reason=exc.strerror or type(exc).__name__,
        ) from exc
    finally:
        temporary.unlink(missing_ok=True)
    return True


def _draw(axes: Any, key: str, figures: Mapping[str, Any], colour: str) -> None:  # noqa: ANN401
    bins = figures["reliability"]
    largest = max(bins["counts"])
    sizes = [20 + 180 * count / largest for count in bins["counts"]]
    axes.plot([0, 1], [0, 1], "--", color="#777777", label="perfect")
    axes.plot(bins["predicted"], bins["observed"], color=colour, linewidth=1)
    axes.scatter(
        bins["predicted"],
        bins["observed"],
        sizes,
        color=colour,
        label="bins (area: how many)",
        clip_on=False,
    )
    error, loss = figures["ece"], figures["nll"]
    axes.set(title=f"{key}: ECE {error:.4f}, log loss {loss:.4f}", xlim=(0, 1), ylim=(0, 1))
    axes.set(xlabel="predicted probability", ylabel="observed share")
    axes.grid(alpha=0.3)
    axes.legend()

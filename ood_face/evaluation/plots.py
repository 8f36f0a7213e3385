"""Plots of a report, drawn from what ``report.json`` holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ood_face.errors import InputError
from ood_face.evaluation.card.text import WORDS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from matplotlib.figure import Figure

__all__ = ["COLOURS", "draw_plots", "new_figure", "write_figure"]

# Okabe and Ito's palette, which most colour-blind people can tell apart
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999")
SIZE_IN = (6.4, 4.4)
DPI = 110


def draw_plots(report: Mapping[str, Any], training: Mapping[str, Any], folder: Path) -> list[Path]:
    """Draw what the report has figures for.

    Parameters
    ----------
    report, training : what ``report.json`` and ``training.json`` hold
    folder : where the PNG files go; created

    Returns
    -------
    the files

    Raises
    ------
    InputError
        One can't be written.
    """
    plots: dict[str, Callable[[Any], bool]] = {
        "det.png": lambda axes: _det(axes, report["verification"]),
        "identification.png": lambda axes: _identification(axes, report["identification"]),
        "discard.png": lambda axes: _discard(axes, report["discard"]),
        "severity.png": lambda axes: _severity(axes, report["severity"]),
        "scores.png": lambda axes: _scores(axes, report),
        "reliability.png": lambda axes: _reliability(axes, report["calibration"]),
        "training.png": lambda axes: _training(axes, training),
    }
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, draw in plots.items():
        figure = new_figure(SIZE_IN)
        axes = figure.subplots()
        if not draw(axes):
            (folder / name).unlink(missing_ok=True)  # of an earlier run
            continue
        axes.grid(alpha=0.3)
        write_figure(figure, folder / name)
        written.append(folder / name)
    return written


def new_figure(size_in: tuple[float, float]) -> Figure:
    """Return an empty figure of a size in inches, which belongs to no window."""
    from matplotlib.figure import Figure  # noqa: PLC0415 - only drawing needs it

    return Figure(figsize=size_in, dpi=DPI, layout="constrained")


def write_figure(figure: Figure, path: Path) -> None:
    """Write a figure to a PNG file, in one step; the same figures give the same bytes.

    Raises
    ------
    InputError
        The file can't be written; what was there is as it was.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        # no date and no version in the file
        figure.savefig(temporary, format="png", metadata={"Software": None})
        temporary.replace(path)
    except OSError as exc:
        raise InputError.unwritable(path, exc) from exc
    finally:
        temporary.unlink(missing_ok=True)


def _det(axes: Any, figures: Mapping[str, Any]) -> bool:  # noqa: ANN401 - matplotlib's Axes
    lowest = 1.0
    for colour, (name, f) in zip(COLOURS, figures.items(), strict=False):
        # zero cannot be drawn on a logarithmic axis
        points = [p for p in zip(f["det"]["fmr"], f["det"]["fnmr"], strict=True) if min(p) > 0]
        if len(points) > 1:
            rates, misses = zip(*points, strict=True)
            lowest = min(lowest, *rates)
            axes.plot(rates, misses, color=colour, label=WORDS.get(name, name))
        for fmr, at in f["at_fmr"].items():
            if at["tar"] is not None and at["tar"] < 1:
                axes.plot(float(fmr), 1 - at["tar"], "o", color=colour)
    if lowest == 1:
        return False
    axes.set(xscale="log", yscale="log", xlim=(lowest, 1), title="Detection error trade-off")
    axes.set(xlabel="false match rate", ylabel="false non-match rate")
    axes.legend()
    return True


def _identification(axes: Any, figures: Mapping[str, Any]) -> bool:  # noqa: ANN401
    if "reason" in figures:
        return False
    templates, gallery = next(iter(figures["galleries"].items()))
    lowest = 1.0
    for colour, (name, gates) in zip(COLOURS, gallery["probes"].items(), strict=False):
        for gate, f in gates.items():
            det = f.get("det", {"fpir": [], "fnir": []})
            points = [p for p in zip(det["fpir"], det["fnir"], strict=True) if min(p) > 0]
            if len(points) < 2:
                continue
            gated = gate == "with_gate"
            counts = f"{f['mated_searches']:,} / {f['stranger_searches']:,}"
            rates, misses = zip(*points, strict=True)
            lowest = min(lowest, *rates)
            label = f"{WORDS.get(name, name)}{', gate' if gated else ''}: {counts}"
            axes.plot(rates, misses, "--" if gated else "-", color=colour, label=label)
    if lowest == 1:
        return False
    axes.set(xscale="log", yscale="log", xlim=(lowest, 1))
    axes.set(xlabel="FPIR (strangers taken for somebody)", ylabel="FNIR (enrolled people missed)")
    pictures = "1 picture" if templates == "1" else f"{templates} pictures"
    axes.set(title=f"Search among {gallery['enrolled']} people, {pictures} each")
    axes.legend(fontsize="small", title="searches by enrolled people / strangers")
    return True


def _discard(axes: Any, figures: Mapping[str, Any]) -> bool:  # noqa: ANN401
    methods = figures["methods"]
    if methods is None:
        return False
    share = [100 * rate for rate in figures["discard_rate"]]
    styles = {"ideal": ("#000000", "--"), "random": ("#777777", ":")}
    colours = iter((*COLOURS[:-2], "#999999"))
    for name, f in methods.items():
        colour, line = styles.get(name) or (next(colours), "-")
        width = 2.5 if name == "ood_score" else 1.3
        label = WORDS.get(name, name.replace("_", " ")).replace("`", "")
        axes.plot(share, f["fnmr"], line, color=colour, linewidth=width, label=label)
    axes.axvline(20, color="#cccccc", linewidth=1)
    axes.set(xlabel="pairs discarded, worst quality first (%)")
    axes.set(ylabel=f"FNMR at FMR {figures['fmr']:g}", title="Error versus discard")
    axes.legend(fontsize="small")
    return True


def _severity(axes: Any, figures: Mapping[str, Any]) -> bool:  # noqa: ANN401
    if "kinds" not in figures:
        return False
    for index, (kind, f) in enumerate(figures["kinds"].items()):
        means = [figures["clean_mean"], *f["mean_score"]]
        axes.plot(
            range(len(means)),
            means,
            "-o" if index < len(COLOURS) else "--o",
            color=COLOURS[index % len(COLOURS)],
            markersize=3,
            label=kind.replace("_", " "),
        )
    axes.set(xlabel="severity (0: clean)", ylabel="mean ood_score", ylim=(0, 1))
    axes.set(title=f"Score under degradation, {figures['faces']} faces")
    axes.legend(fontsize="small", ncols=2)
    return True


def _scores(axes: Any, report: Mapping[str, Any]) -> bool:  # noqa: ANN401
    severity, far = report["severity"], report["ood"]
    if "kinds" not in severity:
        return False
    other = "objects" if "objects" in far else "texture"
    sets = {
        "clean faces": severity["histogram_clean"],
        "degraded faces": severity["histogram_degraded"],
        other: far[other]["histogram"],
    }
    for colour, (name, counts) in zip(COLOURS, sets.items(), strict=False):
        total = sum(counts)
        shares = [100 * count / total for count in counts]
        edges = [i / len(counts) for i in range(len(counts) + 1)]
        axes.stairs(shares, edges, color=colour, label=f"{name} ({total})", linewidth=1.8)
    axes.set(xlabel="ood_score", ylabel="share of the pictures (%)", xlim=(0, 1))
    axes.set(title="Scores of faces and of other things")
    axes.legend()
    return True


def _reliability(axes: Any, figures: Mapping[str, Any]) -> bool:  # noqa: ANN401
    if "reliability" not in figures:
        return False
    bins = figures["reliability"]
    largest = max(bins["counts"])
    sizes = [20 + 180 * count / largest for count in bins["counts"]]
    axes.plot([0, 1], [0, 1], "--", color="#777777", label="perfect")
    axes.plot(bins["predicted"], bins["observed"], color=COLOURS[0], linewidth=1)
    axes.scatter(
        bins["predicted"],
        bins["observed"],
        sizes,
        color=COLOURS[0],
        label="probes (area: how many)",
    )
    error = figures["expected_calibration_error"]
    axes.set(xlabel="ood_score", ylabel="share that matched", title=f"Reliability, ECE {error:.4f}")
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.legend()
    return True


def _training(axes: Any, record: Mapping[str, Any]) -> bool:  # noqa: ANN401
    before = 0
    for index, stage in enumerate(record.get("stages", [])):
        for name, line in (("cfp_ff", "-o"), ("cfp_fp", "--s")):
            points = [p for p in stage["curve"] if name in p]
            axes.plot(
                [(before + p["images"]) / 1000 for p in points],
                [100 * p[name] for p in points],
                line,
                color=COLOURS[index % len(COLOURS)],
                markersize=3,
                label=f"{stage['stage']}, {WORDS[name]}",
            )
        before += stage["images"]
    if not axes.lines:
        return False
    axes.set(xlabel="images seen (thousands)", ylabel="verification accuracy (%)")
    axes.set(title="Accuracy against images seen")
    axes.legend(fontsize="small")
    return True

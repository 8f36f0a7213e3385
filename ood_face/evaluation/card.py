"""The model card, written from the report: no figure in it is typed by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["model_card"]

COMMAND = "make evaluate"
SETS = {"cfp_ff": "CFP frontal-frontal", "cfp_fp": "CFP frontal-profile"}


def model_card(report: dict[str, Any], training: dict[str, Any]) -> str:
    """Render MODEL_CARD.md.

    Parameters
    ----------
    report : what ``report.json`` holds
    training : what ``training.json`` holds
    """
    parts = [
        _head(report, training),
        _verification(report["verification"]),
        _score(report["severity"]),
        _far(report["ood"]),
        _discard(report["discard"]),
        _calibration(report["calibration"]),
        _curve(training),
        TERMS,
    ]
    return "\n\n".join(parts) + "\n"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines)


def _head(report: dict[str, Any], training: dict[str, Any]) -> str:
    stages = ", then ".join(f"{s['stage']} ({s['images']:,} images)" for s in training["stages"])
    return f"""# {report["model_id"]}

An RTS backbone (Random Temperature Scaling, arXiv 2212.01015): aligned 112x112 RGB in,
a 512-d feature and an OOD quality score in 0..1 out. **Higher is better.** The score is the
probability that this template matches a good template of the same subject at a false match
rate of 1e-3, given by the RTS variance alone: no second signal goes into it.

{training["parameters"] / 1e6:.2f} M parameters, 0.91 GMAC, trained from random weights on a CPU:
{stages}.

Every figure below comes from `{COMMAND}` and stands in `report.json`."""


def _verification(figures: dict[str, Any]) -> str:
    rows = []
    for key, name in SETS.items():
        f = figures[key]
        at = [f["at_fmr"][k] for k in ("0.01", "0.001")]
        rows.append(
            [
                name,
                f"{100 * f['accuracy']:.2f} % +- {100 * f['accuracy_std']:.2f}",
                *(
                    f"{100 * a['tar']:.1f} % ({100 * a['tar_low']:.1f}-{100 * a['tar_high']:.1f})"
                    for a in at
                ),
                f"{f['mated_pairs']} / {f['impostor_pairs']}",
            ]
        )
    header = ["set", "10-fold accuracy", "TAR at FMR 1e-2", "TAR at FMR 1e-3", "mated / impostor"]
    thresholds = []
    for key, name in SETS.items():
        for threshold, f in figures[key]["at_threshold"].items():
            fmr, fnmr = f["fmr_interval"], f["fnmr_interval"]
            thresholds.append(
                [
                    name,
                    threshold,
                    f"{100 * f['fmr']:.2f} % ({100 * fmr[0]:.2f}-{100 * fmr[1]:.2f})",
                    f"{100 * f['fnmr']:.1f} % ({100 * fnmr[0]:.1f}-{100 * fnmr[1]:.1f})",
                ]
            )
    return f"""## Verification

In brackets: 95 % Wilson intervals. Missing pictures (6 of 7,000) score 0.

{_table(header, rows)}

At the default policy's thresholds:

{_table(["set", "similarity above", "false match rate", "false non-match rate"], thresholds)}"""


def _score(figures: dict[str, Any]) -> str:
    rows = []
    for kind, f in figures.items():
        if not isinstance(f, dict):
            continue
        rows.append(
            [
                kind.replace("_", " "),
                " ".join(f"{v:.2f}" for v in f["mean_score"]),
                " ".join(f"{v:.3f}" for v in f["auroc"]),
                "yes" if f["falls_at_every_step"] else "**no**",
                f"{100 * f['share_falling_first_to_last']:.1f} %",
            ]
        )
    header = [
        "degradation",
        "mean score at severity 1..5",
        "AUROC of clean against it, 1..5",
        "mean falls at every step",
        "faces that fall from 1 to 5",
    ]
    return f"""## The score under degradation

{figures["faces"]} clean frontal CFP faces; their mean score is {figures["clean_mean"]:.3f}.

{_table(header, rows)}"""


def _far(figures: dict[str, Any]) -> str:
    rows = [
        [
            name.replace("_", " "),
            f"{f['auroc']:.4f}",
            f"{100 * f['fpr_at_95_tpr']:.1f} %",
            f"{f['mean_score']:.3f}",
            str(f["pictures"]),
        ]
        for name, f in figures.items()
    ]
    header = ["faces against", "AUROC", "accepted at 95 % of faces", "mean score", "pictures"]
    return f"## Pictures that are no faces\n\n{_table(header, rows)}"


def _discard(figures: dict[str, Any]) -> str:
    rows = [
        [
            name.replace("_", " "),
            f"{f['area_to_20_percent']:.4f}",
            *(f"{100 * v:.1f} %" for v in f["fnmr_at_0_5_10_20"]),
        ]
        for name, f in figures["methods"].items()
    ]
    header = ["quality", "mean FNMR to 20 %", "at 0 %", "at 5 %", "at 10 %", "at 20 % discard"]
    return f"""## Error versus discard

FNMR at FMR {figures["fmr"]:g} on {figures["pairs"]} frontal-profile pairs, the second picture
degraded half the time; the pairs of worst quality are discarded first (ISO/IEC 29794-1).
Lower is better; "ideal" knows the answers.

{_table(header, rows)}"""


def _calibration(f: dict[str, Any]) -> str:
    bins = f["reliability"]
    rows = [
        [f"{p:.2f}", f"{o:.2f}", str(n)]
        for p, o, n in zip(bins["predicted"], bins["observed"], bins["counts"], strict=True)
    ]
    return f"""## Calibration of the score

{f["subjects"]} subjects that fitted nothing, {f["probes"]} probes, clean and degraded, of which
{100 * f["match_rate"]:.1f} % match at similarity {f["threshold"]:.3f} (FMR 1e-3 over
{f["impostor_pairs"]:,} frontal pairs).

ECE {f["expected_calibration_error"]:.4f}, MCE {f["maximum_calibration_error"]:.4f},
Brier {f["brier"]:.4f} (always answering the base rate: {f["brier_of_the_base_rate"]:.4f}),
AUROC of matching against non-matching probes {f["auroc_match_against_no_match"]:.4f}.

{_table(["score", "share that matched", "probes"], rows)}"""


def _curve(training: dict[str, Any]) -> str:
    rows = [
        [
            stage["stage"],
            f"{p['images']:,}",
            f"{p['cosine_distance']:.3f}",
            f"{100 * p['cfp_ff']:.1f} %",
            f"{100 * p['cfp_fp']:.1f} %",
        ]
        for stage in training["stages"]
        for p in stage["curve"]
    ]
    header = ["stage", "images seen", "cosine distance to the teacher", "CFP-FF", "CFP-FP"]
    return f"""## Training

`make train` (resumable) reruns it. The curve, on one in eight CFP pairs; the distance is of the
last batch (in the RTS stage of degraded pictures to the teacher's clean ones):

{_table(header, rows)}

The network was distilled from MobileFaceNet MBF (Espressif, MIT): stage by stage on its
activations, then end to end, then with Random Temperature Scaling on 428 identities and
degraded pictures. The feature layer was then refitted in closed form towards the teacher
(`ood_face/training/refit.py`). The checkpoint is the last one; CFP chose the refit's two
constants, nothing else. Half of the CFP subjects fitted the score's curve, the other half
tests it."""


TERMS = """## Terms and limits

- Training pictures: PINS, CelebA and a part of Glint360K, research data; validation: CFP. None
  of them is in this repository. Their owners' terms may restrict what a network trained on them
  is used for: read them before commercial use.
- The teacher's weights are not in this repository. These weights started from random numbers.
- No liveness detection: a photo of a face is a face. The score says how far a picture can be
  trusted for matching, not who is in it and not that a match is certain.
- Error rates differ between groups of people; they were not measured by group here."""

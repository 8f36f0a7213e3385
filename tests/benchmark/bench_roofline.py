"""How much of the machine's arithmetic each network uses.

The peak is the fastest matrix product that the libraries of this machine reach in the same run:
OpenBLAS (NumPy) and MKL (torch) in float32, oneDNN (torch) in bfloat16. The work of a network is
counted from its program file (:mod:`tests.benchmark.flops`). P-, R- and O-Net run in the number
formats and at the shapes that detection gives them in the tests' pictures, the backbone on 1, 8 and
16 faces. What is done in integers is compared with bfloat16's peak: of 16 bits as many are
multiplied at once, of 8 twice as many. Convolutions are counted by their definition: where the
backbone makes four of nine products (:mod:`ood_face.runtime.onednn.winograd`), its share may be
larger than 100 %. On several cores, every worker of the server's pool makes
one run at once.

``python -m tests.benchmark.bench_roofline [--rounds N] [--cores N ...]``
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

from ood_face.artifacts import Manifest
from ood_face.config import Settings
from ood_face.runtime.precision import has_bfloat16
from tests.benchmark.flops import count_flop
from tests.benchmark.machine import Figure, publish
from tests.benchmark.made_pictures import PICTURES
from tests.benchmark.players import (
    Player,
    cores_in_words,
    cores_to_measure,
    median_of,
    take_turns,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

    # program, number format, shape of its input
    Stage = tuple[str, str, tuple[int, ...]]

ROUNDS = 9
SIDES = (1024, 2048)
FACES = (1, 8, 16)
# of each network of the detector, the shapes it sees most
SHAPES = 3
LIBRARIES = {"float32": ("numpy", "torch"), "bfloat16": ("torch",)}


def products_of(products: Player, precision: str) -> dict[Hashable, Callable[[], dict[str, Any]]]:
    """Return what the libraries are asked for in a number format."""
    return {
        (precision, library, side): lambda library=library, side=side: products.ask(
            "multiply", library=library, precision=precision, side=side
        )
        for library in LIBRARIES[precision]
        for side in SIDES
    }


def peak_gflop_s(told: Mapping[Hashable, list[dict[str, Any]]]) -> tuple[float, str]:
    """Return the fastest of all products in one number format, and whose it was.

    The fastest and not the median: other work on the machine must not make the peak look low.
    """
    best = {key: max(each["gflop_s"] for each in rounds) for key, rounds in told.items()}
    _, library, side = key = max(best, key=best.__getitem__)
    return best[key], f"{library}, {side}x{side}"


def shapes_seen(ours: Player) -> list[Stage]:
    """Return what detection with the default settings runs most."""
    seen: dict[str, Counter[tuple[int, ...]]] = {}
    for path in sorted(PICTURES.glob("*.jpg")):
        answer = ours.ask("stages", path=str(path), settings="default")
        for name, shapes in answer["shapes"].items():
            counts = seen.setdefault(name, Counter())
            counts.update({tuple(shape): count for shape, count in shapes})
    return [
        (f"mtcnn/{network}", precision, shape)
        for (network, precision), counts in ((name.split(", "), seen[name]) for name in seen)
        for shape, _ in sorted(counts.most_common(SHAPES))
    ]


def backbone() -> str:
    """Return the program of the shipped model."""
    return f"{Manifest.load(Settings(_env_file=None).weights_dir).chosen(None).name}/backbone"


def stages(ours: Player, precisions: list[str]) -> list[Stage]:
    """Return everything that is measured."""
    faces = [
        (backbone(), precision, (count, 3, 112, 112)) for count in FACES for precision in precisions
    ]
    return [*shapes_seen(ours), *faces]


def measure(cores: int, precisions: list[str], rounds: int) -> list[Figure]:
    """Return peaks and, for each network, work, time, rate and share of the peak."""
    label, figures = cores_in_words(cores), []
    with Player("ours", cores) as ours, Player("products", cores) as products:
        asked: dict[Stage, Any] = {
            stage: lambda stage=stage: ours.ask(
                "run", program=stage[0], precision=stage[1], shape=list(stage[2])
            )
            for stage in stages(ours, precisions)
        }
        multiplied = {
            key: ask
            for precision in precisions
            for key, ask in products_of(products, precision).items()
        }
        everything = take_turns({**multiplied, **asked}, rounds)
    peaks = {}
    for precision in precisions:
        told = {key: everything[key] for key in multiplied if key[0] == precision}
        peaks[precision], whose = peak_gflop_s(told)
        figures.append(Figure(f"{label}: peak, {precision}", peaks[precision], "GFLOP/s", whose))
    weights = Settings(_env_file=None).weights_dir
    peaks["integers"] = peaks[precisions[-1]]
    shares = {}
    for (program, precision, shape), told in ((stage, everything[stage]) for stage in asked):
        gflop = count_flop(weights / f"{program}.json", shape) / 1e9
        ms = median_of(told, "wall_ms")
        runs = told[0]["runs"]
        rate = 1000 * runs * gflop / ms
        size = "x".join(map(str, shape))
        shares[program, shape[0], precision] = 100 * rate / peaks[precision]
        figures.append(
            Figure(
                f"{label}: {program} {size}, {precision}",
                shares[program, shape[0], precision],
                "% of peak",
                f"{runs} x {gflop:.3f} GFLOP in {ms:.2f} ms: {rate:.0f} GFLOP/s",
            )
        )
    for faces in FACES:  # as the server runs it
        name = f"{label}: backbone, {faces} face{'s' * (faces > 1)}, share of the peak"
        value = shares[backbone(), faces, precisions[-1]]
        figures.append(Figure(name, value, "%", precisions[-1]))
    return figures


def main(argv: list[str] | None = None) -> int:
    """Measure, print, write ``build/bench/roofline.json``."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--cores", type=int, nargs="+", default=cores_to_measure())
    options = parser.parse_args(argv)
    precisions = ["float32", *(["bfloat16"] if has_bfloat16() else [])]
    figures = [
        figure for cores in options.cores for figure in measure(cores, precisions, options.rounds)
    ]
    publish("roofline", "Floating point operations, as a share of the measured peak", figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())

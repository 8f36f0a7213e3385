"""What explaining a decision costs: without dropout, and with 10, 20 and 30 passes of it.

Comparisons with and without passes take turns in one run, on the same two 640x480 pictures; what
counts are the ratios. Each is the fastest of its rounds: other work on the machine only adds.
The explanation alone is measured on templates that are there already.

``python -m tests.benchmark.bench_explanation [--rounds N]``
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from ood_face import open_service
from ood_face.config import Settings
from ood_face.imaging import decode
from ood_face.matching.explanation import explain_comparison
from tests.benchmark.machine import Figure, median_ms, publish
from tests.benchmark.made_pictures import picture

PASSES = (0, 10, 20, 30)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--rounds", type=int, default=30)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        scenarios = Path(folder) / "scenarios.toml"
        tables = [f"[passes-{count}]\ndropout_passes = {count}\n" for count in PASSES]
        scenarios.write_text("".join(tables), encoding="utf-8")
        service = open_service(Settings(scenarios_file=scenarios, data_dir=Path(folder)))
    image_a, image_b = (decode(picture(shift)) for shift in (0, 8))
    took: dict[int, list[float]] = {count: [] for count in PASSES}
    for number in range(rounds + 2):
        for count in PASSES:
            began = time.perf_counter()
            service.compare(image_a, image_b, f"passes-{count}")
            if number >= 2:  # the first two warm up
                took[count].append(1000 * (time.perf_counter() - began))
    fastest = {count: min(values) for count, values in took.items()}
    figures = [
        Figure(f"comparison, {count} passes", ms, "ms", f"{ms / fastest[0]:.2f} of none")
        for count, ms in fastest.items()
    ]
    found = service.compare(image_a, image_b, "passes-20")
    model = None if found.explanation is None else found.explanation.model
    alone = 1000 * median_ms(lambda: explain_comparison(found, model), 500)
    with_spread = 1000 * median_ms(
        lambda: service.compare_templates(found.template_a, found.template_b, "passes-20"), 500
    )
    figures.append(Figure("explanation alone", alone, "us"))
    figures.append(Figure("decision of two templates with 20 passes", with_spread, "us"))
    publish("explanation", "What explaining a decision costs", figures)


if __name__ == "__main__":
    main()

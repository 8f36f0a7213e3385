"""``make bench``: run every ``bench_*.py`` of this folder, each in a process of its own.

The results are printed and lie in ``build/bench/*.json``; at the end stands one table of the
targets. Exits with 1 if a benchmark broke; how long anything took never decides. ``history`` is
run only where it is named: it keeps the targets' figures of this release.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from tests.benchmark.machine import RUN_VARIABLE, this_run
from tests.benchmark.targets import TARGETS, read_results, table

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
ONLY_NAMED = "history"


def main(argv: list[str] | None = None) -> int:
    """Run the benchmarks named on the command line, or all."""
    known = {path.stem.removeprefix("bench_"): path for path in sorted(HERE.glob("bench_*.py"))}
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("names", nargs="*", help=f"which: {', '.join(known)}; none: all")
    names = parser.parse_args(argv).names or [name for name in known if name != ONLY_NAMED]
    unknown = [name for name in names if name not in known]
    if unknown:
        parser.error(f"no benchmark {', '.join(unknown)}; there are: {', '.join(known)}")
    environment = os.environ | {RUN_VARIABLE: "{run} {commit}".format(**this_run())}
    broken = []
    for name in names:
        command = [sys.executable, "-m", f"tests.benchmark.{known[name].stem}"]
        code = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
        if code:  # negative: ended by that signal
            broken.append(f"{name} (exit code {code})")
    if {target.bench for target in TARGETS} & set(names):
        print("\n" + "\n".join(table(read_results())))
    if broken:
        print(f"broken: {', '.join(broken)}", file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())

"""Run the benchmarks and print one table: `python -m benchmarks [name …]`, all without a name.

Each runs in a process of its own, one after the other, so that its peak memory is its own. Ends
with 1 when a promise is missed or a benchmark could not be run.
"""

import argparse
import importlib
import json
import os
import subprocess
import sys
import time
from dataclasses import asdict
from typing import Final

from benchmarks.table import Line, draw

NAMES: Final = ("context", "door", "archive", "board", "weights")
_ALONE: Final = "--alone"


def main() -> int:
    """Run what the command line names; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join(NAMES)}")
    parser.add_argument(_ALONE, action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    unknown = set(given.names) - set(NAMES)
    if unknown:
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    if given.alone:
        lines = importlib.import_module(f"benchmarks.{given.names[0]}").run()
        print(json.dumps([asdict(line) for line in lines]))
        return 0
    return _run_all(given.names or NAMES)


def _run_all(names: list[str] | tuple[str, ...]) -> int:
    print(
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before the first benchmark",
        flush=True,
    )
    lines: list[Line] = []
    for name in names:
        began = time.monotonic()
        print(f"· {name}", end="", flush=True)
        lines += _run_alone(name)
        print(f"  {time.monotonic() - began:.0f} s, load {os.getloadavg()[0]:.1f}", flush=True)
    print(f"\n{draw(lines)}")
    return 0 if all(line.kept for line in lines) else 1


def _run_alone(name: str) -> list[Line]:
    # Its last line is the result; whatever else it says stands before, or goes to stderr.
    command = [sys.executable, "-m", "benchmarks", _ALONE, name]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        return [Line(name, "not measured", "-", "-", f"exit code {done.returncode}", False)]
    return [Line(**each) for each in json.loads(done.stdout.splitlines()[-1])]


if __name__ == "__main__":
    sys.exit(main())

"""What a benchmark says: a figure, its baseline in the same run, the ratio, the promise."""

import resource
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the table. `kept` says whether the promise held; `baseline` None: none applies."""

    what: str
    figure: str
    baseline: str
    ratio: str
    promise: str
    kept: bool


def draw(lines: Sequence[Line]) -> str:
    """Return the rows as a table of plain text, aligned."""
    heading = ("what", "figure", "baseline", "ratio", "promise", "")
    rows = [heading] + [
        (
            each.what,
            each.figure,
            each.baseline,
            each.ratio,
            each.promise,
            "ok" if each.kept else "MISSED",
        )
        for each in lines
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(heading))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def timed(run: Callable[[], object]) -> float:
    """Return the seconds that one call takes."""
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def p95(samples: Sequence[float]) -> float:
    """Return the 95th percentile of at least twenty samples."""
    return statistics.quantiles(samples, n=20)[-1]


def in_turn(
    first: Callable[[], object], second: Callable[[], object], *, runs: int, warm_up: int = 20
) -> tuple[list[float], list[float]]:
    """Time two calls A B A B …, so that a machine that slows down slows both."""
    for _ in range(warm_up):
        first()
        second()
    pairs = [(timed(first), timed(second)) for _ in range(runs)]
    return [a for a, _ in pairs], [b for _, b in pairs]


def peak_mib() -> float:
    """Return this process's peak memory so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def cpu_seconds() -> float:
    """Return the processor seconds of this process so far."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime

"""Processor seconds of a tree of processes, read from `/proc`: of a server and all it has forked.

What a child had used is its parent's when it has ended, so nothing is lost between two looks.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PROC: Final = Path("/proc")


def cpu_seconds_of(*roots: int) -> float:
    """Return what the processes and all below them have used so far, in user and system mode."""
    children: dict[int, list[int]] = {}
    used: dict[int, int] = {}
    for pid, parent, ticks in _processes():
        children.setdefault(parent, []).append(pid)
        used[pid] = ticks
    waiting, total = list(roots), 0
    while waiting:
        pid = waiting.pop()
        total += used.get(pid, 0)
        waiting += children.get(pid, [])
    return total / _TICKS


def parent_of(pid: int) -> int:
    """Return the process that forked `pid`; of a PostgreSQL session it is the server's first."""
    return next(parent for found, parent, _ in _processes() if found == pid)


def _processes() -> Iterator[tuple[int, int, int]]:
    """Yield (pid, parent, ticks with those of ended children) of every process."""
    for folder in _PROC.iterdir():
        if not folder.name.isdigit():
            continue
        try:
            text = (folder / "stat").read_text(encoding="ascii", errors="replace")
        except OSError:
            continue  # it has ended meanwhile
        # The name, in brackets, may hold anything; after it: state, parent, …, the four times.
        fields = text.rpartition(")")[2].split()
        yield int(folder.name), int(fields[1]), sum(map(int, fields[11:15]))

"""The home of a group's executive over a year of a hundred companies, and over one of ten.

Two databases of one server, each behind a web server of its own, asked in turn over HTTP through
the whole portal: session, policies, queries, figures, page, packing. The cast's own companies are
in both, without a figure.
"""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks import group_year
from benchmarks.cpu import cpu_seconds_of
from benchmarks.portal import Visitor, server_pid, superuser, web_server
from benchmarks.table import Line, in_turn, p95
from kernel.embedded import EmbeddedServer, Urls
from kernel.migrate import migrate
from portal.demo.cast import HE_JING
from portal.demo.load import load_cast

COMPANIES: Final = 100
FEWER: Final = 10
RUNS: Final = 60
WARM_UP: Final = 16  # two for each of the eight threads
CPU_RUNS: Final = 20
PROMISED_MS: Final = 300
PROMISED_RATIO: Final = 3
_PATH: Final = "/home"


@dataclass(frozen=True, slots=True)
class Group:
    """A group's executive before her web server, which is the process `pid`."""

    executive: Visitor
    pid: int

    def ask(self) -> None:
        """Open the home."""
        self.executive.read(_PATH)


def run() -> list[Line]:
    """Ask for both homes 60 times."""
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="gongyun-bench-")))
        server = opened.enter_context(EmbeddedServer(folder / "database"))
        many = opened.enter_context(_group(server, COMPANIES, folder))
        few = opened.enter_context(_group(server, FEWER, folder))
        of_many, of_few = in_turn(many.ask, few.ask, runs=RUNS, warm_up=WARM_UP)
        with superuser(server.urls()) as admin:
            database = server_pid(admin)
        many_cpu_ms, few_cpu_ms = (_cpu_ms(each, each.pid, database) for each in (many, few))
    many_ms, few_ms = p95(of_many) * 1000, p95(of_few) * 1000
    ratio = many_ms / few_ms
    return [
        Line(
            f"group board, {COMPANIES} companies, server p95",
            f"{many_ms:.0f} ms",
            f"{FEWER} companies {few_ms:.0f} ms",
            f"{ratio:.2f} x",
            f"<= {PROMISED_MS} ms, <= {PROMISED_RATIO} x",
            many_ms <= PROMISED_MS and ratio <= PROMISED_RATIO,
        ),
        Line(
            f"group board, {COMPANIES} companies, mean CPU",
            f"{many_cpu_ms:.0f} ms",
            f"{FEWER} companies {few_cpu_ms:.0f} ms",
            f"{many_cpu_ms / few_cpu_ms:.2f} x",
            "-",
            True,
        ),
    ]


def _cpu_ms(group: Group, *trees: int) -> float:
    """Return the mean processor time of a request, web and database, in milliseconds."""
    before = cpu_seconds_of(*trees)
    for _ in range(CPU_RUNS):
        group.ask()
    return (cpu_seconds_of(*trees) - before) / CPU_RUNS * 1000


@contextmanager
def _group(server: EmbeddedServer, companies: int, folder: Path) -> Iterator[Group]:
    """Yield the executive of a group of that many companies."""
    name = f"companies_{companies}"
    with superuser(server.urls()) as admin:
        admin.execute(f"CREATE DATABASE {name}")
    urls = server.urls(name)
    _fill(urls, companies)
    (folder / name).mkdir()
    with web_server(urls, folder / name) as web:
        yield Group(Visitor(web, HE_JING), web.pid)


def _fill(urls: Urls, companies: int) -> None:
    migrate(urls.admin)
    load_cast(urls.admin)
    with superuser(urls) as admin:
        rows = group_year.write(admin, companies)
    if rows != companies * group_year.MACHINES * group_year.DAYS:
        raise RuntimeError(f"{rows} daily sums of machines are not those of a year")

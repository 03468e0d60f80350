"""The home of a group's executive over a year of a hundred companies, and over one of ten.

Two databases of one server, asked in turn through the whole portal: session, policies, queries,
figures, page. The cast's own companies are in both, without a figure.
"""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from flask.testing import FlaskClient

from app import create_app
from benchmarks import group_year
from benchmarks.cpu import cpu_seconds_of
from benchmarks.portal import server_pid, superuser
from benchmarks.table import Line, in_turn, p95
from kernel.embedded import EmbeddedServer, Urls
from kernel.migrate import migrate
from kernel.settings import Settings
from portal.demo.cast import HE_JING
from portal.demo.load import load_cast
from tests.browsers import signed_in_client

COMPANIES: Final = 100
FEWER: Final = 10
RUNS: Final = 60
CPU_RUNS: Final = 20
PROMISED_MS: Final = 300
PROMISED_RATIO: Final = 3
_PATH: Final = "/home"


def run() -> list[Line]:
    """Ask for both homes 60 times."""
    with ExitStack() as opened:
        folder = opened.enter_context(tempfile.TemporaryDirectory(prefix="gongyun-bench-"))
        server = opened.enter_context(EmbeddedServer(Path(folder)))
        many = opened.enter_context(_executive(server, COMPANIES))
        few = opened.enter_context(_executive(server, FEWER))
        of_many, of_few = in_turn(_asking(many), _asking(few), runs=RUNS, warm_up=3)
        with superuser(server.urls()) as admin:
            trees = (os.getpid(), server_pid(admin))
            many_cpu_ms, few_cpu_ms = (_cpu_ms(_asking(each), *trees) for each in (many, few))
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


def _cpu_ms(ask: Callable[[], None], *trees: int) -> float:
    """Return the mean processor time of a request, web and database, in milliseconds."""
    before = cpu_seconds_of(*trees)
    for _ in range(CPU_RUNS):
        ask()
    return (cpu_seconds_of(*trees) - before) / CPU_RUNS * 1000


@contextmanager
def _executive(server: EmbeddedServer, companies: int) -> Iterator[FlaskClient]:
    """Yield a client of the group's executive before a database of that many companies."""
    urls = server.urls()
    with superuser(urls) as admin:
        name = f"companies_{companies}"
        admin.execute(f"CREATE DATABASE {name}")
    urls = server.urls(name)
    _fill(urls, companies)
    app = create_app(Settings.for_tests(urls))
    try:
        yield signed_in_client(app, HE_JING)
    finally:
        app.extensions["portal"].database.dispose()


def _fill(urls: Urls, companies: int) -> None:
    migrate(urls.admin)
    load_cast(urls.admin)
    with superuser(urls) as admin:
        rows = group_year.write(admin, companies)
    if rows != companies * group_year.MACHINES * group_year.DAYS:
        raise RuntimeError(f"{rows} daily sums of machines are not those of a year")


def _asking(client: FlaskClient) -> Callable[[], None]:
    def ask() -> None:
        answer = client.get(_PATH)
        if answer.status_code != 200:
            raise RuntimeError(f"the home answers {answer.status_code}")

    return ask

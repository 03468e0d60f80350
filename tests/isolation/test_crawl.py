"""T7: the canary crawl over the finished program, and the crawl is seen finding what is planted."""

import logging
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO

import psycopg
import pytest
import structlog
from flask import Flask
from werkzeug.test import TestResponse
from werkzeug.wrappers import Response

from kernel import clock
from kernel.db import Database, worker
from kernel.embedded import EmbeddedServer, Urls
from kernel.ids import TenantId
from kernel.jobs import run_now
from kernel.migrate import migrate
from kernel.settings import Settings
from tests.conftest import fresh_database, roles_to_oneself
from tests.isolation import plans, rows, world
from tests.isolation.conftest import dsn
from tests.isolation.crawl import Crawl, Finding, board_requests, changed_for_others, text_of
from tests.isolation.people import Crawler, crawlers, revive
from tests.isolation.routes import CALLBACKS, ROUTES


@dataclass
class Ground:
    """The database, the program on it, and everybody who tries its doors."""

    urls: Urls
    app: Flask
    crawlers: list[Crawler]

    def read(self) -> rows.Made:
        """Return every row as it is now."""
        with psycopg.connect(dsn(self.urls.admin)) as connection:
            return rows.read_all(connection)

    def revive(self) -> None:
        """Undo what one crawler's acts have ended for the others."""
        with psycopg.connect(dsn(self.urls.admin)) as connection:
            revive(connection)

    def crawler(self, label: str) -> Crawler:
        """Return one of them by name."""
        return next(each for each in self.crawlers if each.label == label)


@pytest.fixture(scope="module")
def ground(server: EmbeddedServer) -> Iterator[Ground]:
    """Make the rows, let the worker derive what banks read, open the program."""
    from app import create_app, register_jobs

    # Refusals by the thousand, and of a fault its traceback in colours, would take minutes.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    with fresh_database(server, None) as urls:
        with roles_to_oneself():
            migrate(urls.admin)
        with psycopg.connect(dsn(urls.admin)) as connection:
            rows.fill(connection, plans.PLANS)
            found = crawlers(connection)
            _forget_made_up_figures(connection)
        clock.thaw()
        register_jobs()
        _derive_figures(urls)
        app = create_app(Settings.for_tests(urls))
        app.testing = True
        yield Ground(urls, app, found)
        app.extensions["portal"].database.dispose()
    structlog.reset_defaults()


def _forget_made_up_figures(connection: psycopg.Connection) -> None:
    # The row suite's figures and documents are of no real kind; the worker makes real ones.
    connection.execute("SET LOCAL session_replication_role = replica")
    for table in ("bank_view", "metric_value", "metric_def"):
        connection.execute(f"DELETE FROM portal.{table}")  # type: ignore[call-overload]


def _derive_figures(urls: Urls) -> None:
    database = Database(urls.worker, pool_size=1)
    for company in (world.A, world.B):
        run_now("credit.refresh", database, tenant_id=str(company.id))
    with database.work(worker(TenantId(world.A.id))) as work:
        assert (
            work.session.connection().exec_driver_sql("SELECT count(*) FROM bank_view").scalar()
        ), "no document for the bank: the crawl would read empty pages"
    database.dispose()


@pytest.fixture(autouse=True)
def _real_clock() -> None:
    clock.thaw()  # policies and pages must mean the same moment


@pytest.fixture(scope="module")
def crawled(ground: Ground) -> Crawl:
    """Crawl once: reading first, then what must change nothing, then what may change one's own."""
    clock.thaw()
    crawl = Crawl(ground.app, ground.read(), ROUTES)
    faults = crawl.missing_entries()
    if faults:
        pytest.fail("\n".join(faults), pytrace=False)
    for each in ground.crawlers:
        crawl.run(each, (r for r in crawl.requests(each, READING) if r.method == "GET"))
        crawl.run(each, board_requests(crawl, each, CALLBACKS))
    for variants in (("missing", "foreign"), ("own",)):
        for each in ground.crawlers:
            ground.revive()
            before = ground.read()
            crawl.run(each, (r for r in crawl.requests(each, variants) if r.method != "GET"))
            for change in changed_for_others(before, ground.read(), each):
                crawl.findings.append(Finding(each.label, None, change))
    return crawl


READING = ("missing", "own", "foreign")


def test_nobody_meets_what_is_not_shared(crawled: Crawl) -> None:
    _expect_none([each for each in crawled.findings if not each.is_fault])


def test_no_door_breaks(crawled: Crawl) -> None:
    # A stranger's request, or a role that a page did not think of, is refused in words.
    _expect_none([each for each in crawled.findings if each.is_fault])


def _expect_none(findings: list[Finding]) -> None:
    if findings:
        # One of each kind: the same door breaks alike for everybody.
        kinds = {
            (each.request.endpoint if each.request else "", each.what.split(" of ")[0]): each
            for each in findings
        }
        lines = [str(each) for each in list(kinds.values())[:40]]
        pytest.fail("\n".join([f"{len(findings)} findings, such as", *lines]), pytrace=False)


def test_every_door_was_tried_and_a_valid_request_came_through(crawled: Crawl) -> None:
    doors = {(rule.endpoint, method) for rule, method in crawled.rules()}
    assert doors - crawled.tried == set()
    shut = {door for door in doors - crawled.worked if not ROUTES[door[0]].never_works}
    if shut:
        advice = "No valid request came through here, so the crawl has seen refusals only:"
        pytest.fail("\n".join([advice, *(f"{name} {how}" for name, how in sorted(shut))]), False)


def test_the_pages_were_not_empty(crawled: Crawl) -> None:
    # Own rows of these tables must have been met, else nothing foreign could have been, either.
    expected = {
        "audit_log", "auth_session", "consent", "consent_event", "count_fact", "data_source",
        "device_token", "energy_fact", "import_file", "ingest_batch", "operation", "person",
        "place", "product_rate", "quarantine", "shift_sheet", "state_fact", "tenant", "unit",
    }  # fmt: skip
    for code in ("alba", "bruno"):
        assert expected - crawled.seen[code] == set(), code
    assert "access_log" in crawled.seen["alba"]
    assert {"consent_request", "person", "tenant"} <= crawled.seen["delta-bank"]


def test_the_crawl_is_as_wide_as_it_claims(ground: Ground, crawled: Crawl) -> None:
    assert len(ground.crawlers) == 26
    assert crawled.count > 3_000


def leak_names(ground: Ground) -> Response:
    """Answer as a careless view would that opens a work of the worker to get at everything."""
    database: Database = ground.app.extensions["portal"].database
    jobs = Database(ground.urls.worker, pool_size=1)
    with jobs.work(worker()) as work:
        names = work.session.connection().exec_driver_sql("SELECT name_zh FROM place").scalars()
        answer = Response("\n".join(names))
    jobs.dispose()
    assert database is not jobs
    return answer


def test_a_planted_leak_is_found(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    planted = lambda: leak_names(ground)  # noqa: E731 - a view like any other
    monkeypatch.setitem(ground.app.view_functions, "shell.show_about", planted)
    crawl = Crawl(ground.app, ground.read(), {"shell.show_about": ROUTES["shell.show_about"]})
    crawl.rules = lambda: iter(  # type: ignore[method-assign]
        [(r, "GET") for r in ground.app.url_map.iter_rules("shell.show_about")]
    )
    stranger = ground.crawler("planner of bruno")
    crawl.run(stranger, crawl.requests(stranger, ("own",)))
    assert any("shows canary-alba-" in each.what for each in crawl.findings)


def test_a_planted_change_is_found(ground: Ground) -> None:
    before = ground.read()
    after = {table: [dict(row) for row in found] for table, found in before.items()}
    row = next(r for r in after["product"] if r["tenant_id"] == str(world.A.id))
    row["name_zh"] = "changed"
    after["place"] = [r for r in after["place"] if r["tenant_id"] != str(world.A.id)]
    stranger = ground.crawler("planner of bruno")
    found = changed_for_others(before, after, stranger)
    assert {each.split(":")[0] for each in found} == {"product", "place"}
    assert changed_for_others(before, after, ground.crawler("planner of alba")) == []


def test_a_canary_in_a_header_and_in_a_workbook_is_found() -> None:
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w") as book:
        book.writestr("xl/sharedStrings.xml", "<si>CANARY-alba-0123456789</si>")
    told = TestResponse([packed.getvalue()], "200 OK", {"X-Name": "canary-bruno-0123456789"}, None)  # type: ignore[arg-type]
    assert "canary-alba-0123456789" in text_of(told)
    assert "canary-bruno-0123456789" in text_of(told)

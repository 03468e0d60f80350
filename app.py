"""The composition root: `create_app()` puts the packages together; below it the command line.

Nobody imports this module but tests. Packages are imported inside the functions that need them,
so that a short command does not load the whole portal first.
"""

import json
import os
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import UUID

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from kernel.embedded_home import EmbeddedFailed
from kernel.logs import set_up_logs
from kernel.processes import ChildFailed
from kernel.running import AddressTaken, run, with_database
from kernel.settings import Need, Settings, SettingsError

if TYPE_CHECKING:
    from flask import Flask

    from kernel.db import Database
    from kernel.ids import TenantId

VERSION: Final = "0.1.0"
CATALOGUES: Final = Path(__file__).parent / "portal" / "ui" / "translations"
MOST_BYTES: Final = 16 * 1024 * 1024  # of a request's body; the doors of files and batches ask less
FAILED: Final = 1
USAGE: Final = 2
DEGRADED: Final = 3
out = Console()
err = Console(stderr=True)


def create_app(settings: Settings) -> "Flask":
    """Return the portal on the database of `settings`. Leaves no open connection behind.

    Raises `UnsafeDatabase` when that database would not keep companies apart.
    """
    from flask import Flask
    from flask_compress import Compress
    from werkzeug.middleware.proxy_fix import ProxyFix

    from kernel import i18n
    from kernel.db import Database
    from kernel.migrate import head
    from kernel.selfcheck import require_safe
    from kernel.web import install as close_doors
    from portal.shell.refusals import render_error
    from tenants import identity

    database = Database(settings.secret(Need.WEB), application_name="gongyun-web")
    require_safe(database, head=head())
    database.dispose()

    app = Flask("gongyun", static_folder=None)
    app.config.update(
        SECRET_KEY=settings.secret(Need.KEY),
        TRUSTED_HOSTS=list(settings.hosts),
        MAX_CONTENT_LENGTH=MOST_BYTES,
        # Beyond the defaults (3 and 4): a tenth fewer bytes for some milliseconds at first load.
        COMPRESS_ZSTD_LEVEL=9,
        COMPRESS_BR_LEVEL=5,
    )
    hops = settings.proxy_hops
    if hops:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    i18n.install(app, str(CATALOGUES))
    Compress(app)
    _add_pages(app, settings)
    _add_headers(app, https=settings.is_behind_https)
    close_doors(
        app,
        database,
        authenticate=identity.authenticate,
        render_error=render_error,
        step_up_fresh=identity.step_up_fresh,
    )
    return app


def _add_pages(app: "Flask", settings: Settings) -> None:
    import dashboards.mount
    import portal.credit.doors
    import portal.production.doors
    import portal.shell.web
    import portal.ui.setup
    import tenants.web
    from portal.production.queries import list_sources

    demo = settings.shows_demo
    portal.ui.setup.install(app, version=VERSION, demo=demo)
    tenants.web.install(app, var=settings.var, demo=demo, secure=settings.is_behind_https)
    portal.production.doors.install(app)
    portal.credit.doors.install(app)
    portal.shell.web.install(app)
    dashboards.mount.mount(app)
    app.extensions["data_sources"] = lambda work: [(row.id, row.name) for row in list_sources(work)]
    if demo:
        from portal.demo.people import demo_people

        app.extensions["demo_people"] = demo_people()


def _add_headers(app: "Flask", *, https: bool) -> None:
    from flask import Response, request
    from flask_wtf.csrf import generate_csrf

    from dashboards.mount import Boards
    from kernel.web import find_actor
    from portal.ui.headers import is_file, security_headers

    boards: Boards = app.extensions["boards"]
    hashes = boards.script_hashes()

    @app.after_request
    def add(response: Response) -> Response:
        board = request.path.startswith("/boards/")
        security_headers(response, board=board, script_hashes=hashes, https=https)
        if not is_file() and response.mimetype == "text/html" and find_actor() is not None:
            # Read by htmx and by the boards' renderer, which send it back as a header.
            response.set_cookie("_csrf_token", generate_csrf(), secure=https, samesite="Lax")
        return response


def work_on_jobs(settings: Settings) -> None:
    """Register every job and every subscriber, and work on the queue until told to stop."""
    from kernel.db import Database
    from kernel.jobs import run_worker

    register_jobs()
    url = settings.secret(Need.WORKER)
    database = Database(url, application_name="gongyun-worker")
    run_worker(url, database, name=f"{socket.gethostname()}-{os.getpid()}")


def register_jobs() -> None:
    """Make every package's jobs and long actions known, and say who hears of which event."""
    import portal.credit.jobs
    import portal.demo.history
    import portal.production.importer
    import portal.production.jobs
    import tenants.jobs  # noqa: F401
    from kernel.deliver import subscriptions

    portal.credit.jobs.subscribe(subscriptions)


def bring_up_to_date(settings: Settings) -> None:
    """Make roles and run missing migrations."""
    from kernel.migrate import migrate

    migrate(settings.secret(Need.ADMIN))


def load_demo(settings: Settings) -> bool:
    """Load the demo group unless the database holds companies; tell whether it was loaded."""
    from portal.demo.load import load_demo_if_empty

    return load_demo_if_empty(settings.secret(Need.ADMIN), settings.secret(Need.WORKER))


@contextmanager
def _failures_in_words() -> Iterator[None]:
    """Say what was foreseen in a sentence, without a traceback."""
    from kernel.selfcheck import UnsafeDatabase

    try:
        yield
    except SettingsError as error:
        table = Table(
            "setting", "value", "expected", title="Wrong settings", title_style="bold red"
        )
        for each in error.problems:
            table.add_row(each.name, escape(each.value or "not set"), escape(each.expected))
        err.print(table)
        sys.exit(USAGE)
    except UnsafeDatabase as error:
        err.print("[bold red]This database would not keep companies apart:[/]")
        for fault in error.faults:
            err.print(f"  {escape(fault)}")
        sys.exit(FAILED)
    except (AddressTaken, ChildFailed, EmbeddedFailed) as error:
        err.print(f"[bold red]{escape(str(error))}[/]", highlight=False)
        sys.exit(FAILED)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Gongyun: an industrial cloud portal of one group for its companies."""


@cli.command("run")
@click.option("--demo", is_flag=True, help="Load the demo group, also into a database server.")
def run_command(demo: bool) -> None:
    """Start database, web server and worker; Ctrl-C ends them."""
    began = time.monotonic()

    def prepare(settings: Settings) -> None:
        say("bringing the database up to date")
        bring_up_to_date(settings)
        if demo or wants_demo:
            say("looking for the demo group")
            load_demo(settings)

    def announce(settings: Settings) -> None:
        if settings.shows_demo:
            out.print(_accounts_table())
        took = time.monotonic() - began
        out.print(
            f"[bold green]http://{settings.bind}/[/]  ready after {took:.1f} s, Ctrl-C ends it"
        )

    with _failures_in_words():
        settings = Settings.from_environ()
        wants_demo = settings.embedded and settings.shows_demo
        program = [sys.executable, str(Path(__file__).absolute())]
        run(settings, program, prepare=prepare, announce=announce, say=say)


@cli.command()
def web() -> None:
    """Start the web server alone (gunicorn)."""
    from kernel.serving import serve

    with _failures_in_words():
        settings = Settings.from_environ(needs=(Need.WEB, Need.KEY))
        set_up_logs(settings.log_level)
        with with_database(settings) as ready:
            serve(lambda: create_app(ready), ready)


@cli.command()
def worker() -> None:
    """Start one worker; several may run, on several machines."""
    with _failures_in_words():
        settings = Settings.from_environ(needs=(Need.WORKER, Need.KEY))
        set_up_logs(settings.log_level)
        with with_database(settings) as ready:
            work_on_jobs(ready)


@cli.command()
def migrate() -> None:
    """Make the database roles and run missing migrations; twice is once."""
    from kernel.migrate import head

    with _failures_in_words(), with_database(Settings.from_environ(needs=(Need.ADMIN,))) as ready:
        bring_up_to_date(ready)
        out.print(f"The database is at revision {head()}.")


@cli.group("demo")
def demo_group() -> None:
    """The demo group: invented companies with seeded plants."""


@demo_group.command("load")
def demo_load() -> None:
    """Load the demo group into an empty database."""
    with _failures_in_words(), with_database(Settings.from_environ()) as ready:
        bring_up_to_date(ready)
        loaded = load_demo(ready)
        out.print("The demo group is loaded." if loaded else "Companies are here already.")


@demo_group.command("accounts")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def demo_accounts(as_json: bool) -> None:
    """List who can sign in to the demo, and how."""
    if as_json:
        click.echo(json.dumps(_accounts(), ensure_ascii=False, indent=2))
    else:
        out.print(_accounts_table())


def _accounts() -> list[dict[str, object]]:
    """One entry for each company of each person who can sign in."""
    from portal.demo.cast import PASSWORD, PEOPLE

    return [
        {
            "company": company.name_en,
            "company_zh": company.name_zh,
            "kind": company.kind,
            "person": person.name_en,
            "person_zh": person.name_zh,
            "roles": [seat.role.value for seat in person.seats if seat.company is company],
            "sign_in_name": person.login_name,
            "password": PASSWORD,
        }
        for person in PEOPLE
        if not person.left
        for company in dict.fromkeys(seat.company for seat in person.seats)
    ]


def _accounts_table() -> Table:
    from portal.demo.cast import PASSWORD

    table = Table(title="Demo sign-ins", caption=f"password of all: {PASSWORD}")
    for heading in ("company", "person", "roles"):
        table.add_column(heading)
    table.add_column("sign-in name", no_wrap=True)
    for each in _accounts():
        roles = ", ".join(str(role) for role in each["roles"])  # type: ignore[attr-defined]
        table.add_row(
            str(each["company"]),
            f"{each['person']} {each['person_zh']}",
            roles,
            str(each["sign_in_name"]),
        )
    return table


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def doctor(as_json: bool) -> None:
    """Look at settings, database, revision, disk and worker; say what to do."""
    from kernel.doctor import Finding, Verdict, examine
    from kernel.migrate import head

    try:
        with with_database(Settings.from_environ(needs=(Need.WEB,))) as ready:
            found = examine(ready, head=head())
    except (SettingsError, EmbeddedFailed) as error:
        found = [Finding("start", Verdict.FAIL, str(error))]
    if as_json:
        lines = [{"check": f.check, "verdict": f.verdict, "text": f.text} for f in found]
        click.echo(json.dumps(lines, ensure_ascii=False, indent=2))
    else:
        marks = {Verdict.OK: "green", Verdict.WARN: "yellow", Verdict.FAIL: "red"}
        for each in found:
            mark = f"[{marks[each.verdict]}]{each.verdict.value:4}[/]"
            out.print(f"{mark} {each.check:10} {escape(each.text)}")
    worst = {each.verdict for each in found}
    sys.exit(FAILED if Verdict.FAIL in worst else DEGRADED if Verdict.WARN in worst else 0)


@cli.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--company", required=True, help="Code of the company whose facts these are.")
@click.option("--form", required=True, type=click.Choice(["archive", "table", "shdr"]))
@click.option("--from", "first", required=True, type=click.DateTime(), help="Window, UTC.")
@click.option("--until", required=True, type=click.DateTime(), help="Window, UTC, not included.")
@click.option("--unit", help="Machine of adapter lines (shdr).")
def import_file(
    file: Path, company: str, form: str, first: datetime, until: datetime, unit: str | None
) -> None:
    """Send a file of facts through the door and show its progress; a worker must be running."""
    from kernel.db import worker
    from portal.production.importer import Upload, send_file
    from portal.production.words import ImportForm

    with _database_of_the_worker() as database:
        upload = Upload(
            name=file.name,
            form=ImportForm(form),
            body=file.read_bytes(),
            window_from=first.replace(tzinfo=UTC),
            window_until=until.replace(tzinfo=UTC),
            unit=unit,
        )
        tenant_id = _find_company(database, company)
        with database.work(worker(tenant_id)) as work:
            _import, operation_id = send_file(work, upload, tenant_id=tenant_id)
        with _draw_bar() as show:
            sys.exit(_watch(database, operation_id, show))


@contextmanager
def _database_of_the_worker() -> Iterator["Database"]:
    """Yield the way in of one command; what was foreseen is said in words."""
    from kernel.db import Database

    with (
        _failures_in_words(),
        with_database(Settings.from_environ(needs=(Need.WORKER,))) as ready,
    ):
        database = Database(ready.secret(Need.WORKER), pool_size=1)
        try:
            yield database
        finally:
            database.dispose()


def _find_company(database: "Database", code: str) -> "TenantId":
    from kernel.db import worker
    from tenants.queries import list_companies

    with database.work(worker(), read_only=True) as work:
        found = [row.id for row in list_companies(work) if row.code == code]
    if not found:
        err.print(f"There is no company {escape(code)}.")
        sys.exit(USAGE)
    return found[0]


@cli.command()
@click.argument("company")
@click.option("--days", default=90, show_default=True, help="How far back.")
def verify(company: str, days: int) -> None:
    """Derive a company's closed days from their facts again and compare; nothing is written.

    Ends with 1 when a stored figure does not follow from its facts.
    """
    from kernel import clock
    from portal.production.verifying import verify as verdicts

    with _database_of_the_worker() as database:
        today = clock.now().date()
        looked, wrong = 0, 0
        tenant_id = _find_company(database, company)
        for each in verdicts(database, tenant_id, first=today - timedelta(days=days), last=today):
            looked += 1
            if not each.holds:
                wrong += 1
                err.print(
                    f"{each.production_day} {each.level.value} {each.place_id}"
                    f" version {each.version}: does not follow from its facts"
                )
        out.print(f"{looked} closed days of places looked at, {wrong} do not hold")
        sys.exit(FAILED if wrong else 0)


@cli.group()
def operations() -> None:
    """Long actions: imports, histories, reports."""


@operations.command("watch")
@click.argument("operation_id", type=click.UUID)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a change, a line each.")
def watch_operation(operation_id: UUID, as_json: bool) -> None:
    """Show how far an operation is until it ends; exit 0 if it succeeded."""
    with (
        _database_of_the_worker() as database,
        _echo_changes() if as_json else _draw_bar() as show,
    ):
        sys.exit(_watch(database, operation_id, show))


Shown = tuple[str, str, int, int | None, str | None]


def _watch(database: "Database", operation_id: UUID, show: Callable[[Shown], None]) -> int:
    from kernel.actor import WORKER
    from kernel.errors import NotFound
    from kernel.ids import OperationId
    from kernel.operations import OPERATION, OperationState, get_operation

    while True:
        try:
            with database.work(WORKER, read_only=True) as work:
                row = get_operation(work, OperationId(operation_id))
                show((row.state.value, row.stage, row.done, row.total, row.error_code))
                state = row.state
        except NotFound:
            err.print("There is no such operation.")
            return USAGE
        if state in OPERATION.final_states():
            return 0 if state is OperationState.SUCCEEDED else FAILED
        time.sleep(0.5)


@contextmanager
def _echo_changes() -> Iterator[Callable[[Shown], None]]:
    last: list[Shown] = []

    def show(now: Shown) -> None:
        if last != [now]:
            last[:] = [now]
            names = ("state", "stage", "done", "total", "error_code")
            click.echo(json.dumps(dict(zip(names, now, strict=True)), ensure_ascii=False))

    yield show


@contextmanager
def _draw_bar() -> Iterator[Callable[[Shown], None]]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=out) as bar:
        line = bar.add_task("", total=None)

        def show(now: Shown) -> None:
            state, stage, done, total, error_code = now
            words = " ".join(filter(None, (state, stage, error_code)))
            bar.update(line, description=escape(words), completed=done, total=total)

        yield show


def say(text: str) -> None:
    """Tell the operator one thing that happens."""
    err.print(f"[dim]·[/] {escape(text)}", highlight=False)


if __name__ == "__main__":
    cli()

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

FAILED: Final = 1
USAGE: Final = 2
DEGRADED: Final = 3
out = Console()
err = Console(stderr=True)


def create_app(settings: Settings) -> "Flask":
    """Return the portal on the database of `settings`. Leaves no open connection behind."""
    from flask import Flask, jsonify
    from flask.typing import ResponseReturnValue

    app = Flask("gongyun")
    app.config.update(
        SECRET_KEY=settings.secret(Need.KEY),
        TRUSTED_HOSTS=list(settings.hosts),
    )

    @app.get("/healthz")
    def show_health() -> ResponseReturnValue:
        return jsonify(status="ok")

    return app


def work_on_jobs(settings: Settings) -> None:
    """Register every job and work on the queue until told to stop."""
    from kernel.db import Database
    from kernel.jobs import run_worker

    url = settings.secret(Need.WORKER)
    database = Database(url, application_name="gongyun-worker")
    run_worker(url, database, name=f"{socket.gethostname()}-{os.getpid()}")


def bring_up_to_date(settings: Settings) -> None:
    """Make roles and run missing migrations."""
    from kernel.migrate import migrate

    migrate(settings.secret(Need.ADMIN))


def load_demo(settings: Settings) -> bool:
    """Load the demo group unless the database holds companies; tell whether it was loaded."""
    from portal.demo.load import load_demo_if_empty

    return load_demo_if_empty(settings)


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
    for heading in ("company", "person", "roles", "sign-in name"):
        table.add_column(heading)
    for each in _accounts():
        roles = ", ".join(str(role) for role in each["roles"])  # type: ignore[attr-defined]
        table.add_row(
            f"{each['company_zh']} {each['company']}",
            f"{each['person_zh']} {each['person']}",
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


@cli.group()
def operations() -> None:
    """Long actions: imports, histories, reports."""


@operations.command("watch")
@click.argument("operation_id", type=click.UUID)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a change, a line each.")
def watch_operation(operation_id: UUID, as_json: bool) -> None:
    """Show how far an operation is until it ends; exit 0 if it succeeded."""
    from kernel.db import Database

    with _failures_in_words():
        settings = Settings.from_environ(needs=(Need.WORKER,))
        with with_database(settings) as ready:
            database = Database(ready.secret(Need.WORKER), pool_size=1)
            try:
                with _echo_changes() if as_json else _draw_bar() as show:
                    sys.exit(_watch(database, operation_id, show))
            finally:
                database.dispose()


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

"""A small app that shows every macro of `ui/macros.html` with names that try to break out."""

from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

from flask import Flask, render_template
from flask_wtf.csrf import CSRFProtect

from kernel import clock, i18n
from kernel.errors import FieldProblem
from portal.shell import web as shell
from portal.ui import setup, svg, tables
from portal.ui.chrome import Chrome, Entry, mark_current

EVIL = "<b onclick=x>\"'&</b>"
CATALOGUES = Path(setup.__file__).parent / "translations"
NAVIGATION = (
    Entry("Home", "/home", "home"),
    Entry(
        "Production",
        "/production/sources",
        "building-factory-2",
        children=(Entry("Sources", "/production/sources", count=2), Entry(EVIL, "/kit")),
    ),
)


def make_app() -> Flask:
    """Return the app; `/kit` shows everything, `/kit/failed` a form that came back."""
    app = Flask("kit", template_folder=str(Path(__file__).with_name("templates")))
    app.secret_key = "k" * 40
    app.config["WTF_CSRF_CHECK_DEFAULT"] = False
    CSRFProtect(app)
    i18n.install(app, str(CATALOGUES))
    setup.install(app, version="1.0", demo=True)
    shell.install(app)
    app.extensions["portal.chrome"] = _chrome
    app.add_url_rule("/kit", "kit", lambda: _show(()))
    app.add_url_rule("/kit/failed", "failed", lambda: _show((FieldProblem("mail", EVIL, "t"),)))
    return app


def _chrome() -> Chrome:
    return Chrome(
        person=EVIL,
        role="Planner",
        company=EVIL,
        company_kind="Subsidiary",
        navigation=mark_current(NAVIGATION, "/kit"),
        own=(Entry("Mine", "/me", "settings"),),
        can_switch=True,
    )


def _show(problems: tuple[FieldProblem, ...]) -> str:
    now = clock.now()
    spans = [
        svg.Span(now + timedelta(hours=n), now + timedelta(hours=n + 1), state, EVIL)
        for n, state in enumerate(svg.STATES)
    ]
    table = tables.Table(
        "kit",
        EVIL,
        [tables.Column("Part"), tables.Column("OEE", tables.CellKind.RATIO, digits=2)],
        [(EVIL, 0.7451), ("002", None)],
    )
    return render_template(
        "kit.html",
        now=now,
        evil=EVIL,
        problems=problems,
        table_of=table,
        lane=svg.Lane(spans),
        until=now + timedelta(hours=len(spans)),
        rows=svg.waterfall([svg.Step("All", 10, total=True), svg.Step(EVIL, 4, fill="down")]),
        running=_operation("running", 3, 10),
        ended=_operation("succeeded", 10, 10),
    )


def _operation(state: str, done: int, total: int) -> SimpleNamespace:
    number = "00000000-0000-7000-8000-000000000007"
    return SimpleNamespace(id=number, state=state, stage=EVIL, done=done, total=total)

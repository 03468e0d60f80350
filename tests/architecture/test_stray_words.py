"""Words that belong in one place: commits, clocks, the environment, Dash's global registries."""

import ast
from collections.abc import Iterator

import pytest

from tests.architecture.sources import Source, dotted, imported, sources

Found = tuple[str, str, str]
"""File, word, what to write instead."""

HOMES: dict[str, tuple[frozenset[str], str]] = {
    "commit": (
        frozenset({"kernel/db.py"}),
        "return from the view, job or command: `Database.work` commits",
    ),
    "rollback": (frozenset({"kernel/db.py"}), "raise: `Database.work` rolls back"),
    "create_engine": (frozenset({"kernel/db.py"}), "take the `Database` that is handed to you"),
    "os.environ": (frozenset({"kernel/settings.py"}), "add a field to `Settings`"),
    "os.getenv": (frozenset({"kernel/settings.py"}), "add a field to `Settings`"),
    "datetime.now": (frozenset({"kernel/clock.py"}), "`work.now`, or `kernel.clock.now()`"),
    "datetime.utcnow": (frozenset(), "`work.now`, or `kernel.clock.now()`"),
    "datetime.today": (frozenset(), "`work.now`, or `kernel.clock.now()`"),
    "date.today": (frozenset(), "the production day of `work.now`"),
    "time.time": (frozenset({"kernel/clock.py"}), "`kernel.clock.now()`; spans: time.monotonic"),
    "dash.callback": (frozenset(), "`app.callback(…, permission=…)` of the guarded app"),
    "dash.clientside_callback": (frozenset(), "`app.clientside_callback` of the guarded app"),
    "dash.register_page": (frozenset(), "a route in `dashboards/web.py`"),
    "print": (frozenset(), "structlog in the program, `out.print` of rich in `app.py`"),
}
METHODS = frozenset({"commit", "rollback"})
ENDINGS = tuple(word for word in HOMES if word not in METHODS and word != "print")
"""Found behind any prefix: `sqlalchemy.create_engine`, `datetime.datetime.now`."""

EXCEPTIONS: dict[tuple[str, str], str] = {
    ("kernel/selfcheck.py", "rollback"): "asks a raw connection on purpose: it is the self-check",
    ("kernel/doctor.py", "rollback"): "asks a raw connection on purpose, before anything is sound",
    ("kernel/migrate.py", "create_engine"): "migrations run as the owner, not as an actor",
}
"""File and word, with the reason; each one by one."""


def find_stray_words(source: Source) -> Iterator[Found]:
    """Yield each word of `HOMES` that stands in a file where it is not at home."""
    for word in words(source):
        homes, instead = HOMES[word]
        if source.name not in homes and (source.name, word) not in EXCEPTIONS:
            yield source.name, word, instead


def words(source: Source) -> Iterator[str]:
    """Yield each word of `HOMES` in a file, at home or not."""
    names = {name.rpartition(".")[2]: name for name in imported(source)}
    for node in ast.walk(source.tree):
        word = _word(node, names)
        if word is not None:
            yield word


def _word(node: ast.AST, names: dict[str, str]) -> str | None:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return node.func.attr if node.func.attr in METHODS else None
    if isinstance(node, ast.Name):
        full = names.get(node.id, node.id)
    elif isinstance(node, ast.Attribute):
        first, _, rest = dotted(node).partition(".")
        full = f"{names.get(first, first)}.{rest}"
    else:
        return None
    exact = full if full in HOMES and full not in METHODS else None
    return exact or next((word for word in ENDINGS if full.endswith(f".{word}")), None)


def test_no_word_is_away_from_home() -> None:
    found = [each for source in sources() for each in find_stray_words(source)]
    if found:
        lines = sorted({f"{file}: {word} – write instead: {how}" for file, word, how in found})
        pytest.fail("\n".join(lines), pytrace=False)


def test_the_walk_sees_the_homes() -> None:
    files = {source.name: source for source in sources()}
    assert len(files) > 60
    assert {"commit", "rollback", "create_engine"} <= set(words(files["kernel/db.py"]))
    assert "datetime.now" in set(words(files["kernel/clock.py"]))
    assert "os.environ" in set(words(files["kernel/settings.py"]))


def test_no_exception_has_outlived_its_word() -> None:
    files = {source.name: source for source in sources()}
    for file, word in EXCEPTIONS:
        assert word in set(words(files[file])), (file, word)


@pytest.mark.parametrize(
    ("code", "word"),
    [
        ("work.session.commit()", "commit"),
        ("session.rollback()", "rollback"),
        ("from sqlalchemy import create_engine\ncreate_engine('x')", "create_engine"),
        ("import sqlalchemy as sa\nsa.create_engine('x')", "create_engine"),
        ("import os\nos.environ['A']", "os.environ"),
        ("from os import environ\nenviron['A']", "os.environ"),
        ("from datetime import datetime\ndatetime.now()", "datetime.now"),
        ("import datetime\ndatetime.datetime.now()", "datetime.now"),
        ("from datetime import datetime\nDEFAULT = datetime.utcnow", "datetime.utcnow"),
        ("import time\ntime.time()", "time.time"),
        ("from time import time\ntime()", "time.time"),
        ("from dash import callback\n@callback()\ndef f(): ...", "dash.callback"),
        ("import dash\ndash.register_page(__name__)", "dash.register_page"),
        ("print('x')", "print"),
    ],
)
def test_a_planted_word_is_found(code: str, word: str) -> None:
    assert word in {each[1] for each in find_stray_words(Source("portal/planted.py", code))}


@pytest.mark.parametrize("code", ["app.callback()", "clock.now()", "out.print('x')", "x = 'print'"])
def test_what_is_meant_is_left_alone(code: str) -> None:
    assert list(find_stray_words(Source("portal/planted.py", code))) == []

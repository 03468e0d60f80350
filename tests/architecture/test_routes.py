"""Every door of the finished program: declared, typed, in kebab-case, and no address forgotten."""

import re
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from flask import Flask
from werkzeug.routing import Rule

from kernel.web import Door, pages, requires

ADDRESSES = Path(__file__).parents[1] / "golden" / "addresses.txt"
"""Every address ever released; `python -m tests.architecture.test_routes` adds new ones."""

WORD = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+)?")
TYPED = ("UUIDConverter", "IntegerConverter", "AnyConverter")
MOVED: dict[str, str] = {}
"""Address that was released and is gone: the endpoint that redirects from it."""

LIBRARY: dict[str, str] = {
    "/boards/": "Dash's own doors: its addresses begin with an underscore and name files",
    "/static/": "files of the release, the same for everybody",
}
"""Beginnings of addresses that a library makes, each with its reason."""

UNTYPED: dict[tuple[str, str], str] = {
    ("credit_bank.show_figure", "code"): "a metric's code, of a closed list",
    ("credit.export_readers", "ending"): "csv or xlsx",
    ("shell.choose_language", "code"): "zh_CN or en",
    ("shell.choose_theme", "mode"): "light, dark or auto",
}
"""Endpoint and place of an address that is a word and no id, each with its reason."""


def find_faulty_routes(app: Flask, doors: dict[str, Door]) -> Iterator[str]:
    """Yield every route that is not declared, typed and written as ours are."""
    for rule in app.url_map.iter_rules():
        if _is_file(rule):
            continue
        door = doors.get(rule.endpoint)
        if door is None:
            yield f"{rule.endpoint}: say requires(…), signed_in() or public('why')"
        elif door.public is not None and len(door.public.split()) < 3:
            yield f"{rule.endpoint}: public needs a reason that a stranger understands"
        if rule.rule.startswith(tuple(LIBRARY)):
            continue
        for word in re.sub(r"<[^>]+>", "", rule.rule).strip("/").split("/"):
            if word and not WORD.fullmatch(word):
                yield f"{rule.rule}: {word!r} is not kebab-case"
        for name, converter in rule._converters.items():
            kind = type(converter).__name__
            if kind not in TYPED and (rule.endpoint, name) not in UNTYPED:
                yield f"{rule.rule}: write <uuid:{name}> (or <int:…>, <any(…):…>), not a bare text"


def _is_file(rule: Rule) -> bool:
    return rule.endpoint == "static" or rule.endpoint.endswith(".static")


def addresses(app: Flask) -> list[str]:
    """Return every address a browser can have kept, without the names of its places."""
    return sorted(
        {
            re.sub(r"<(\w+(\([^)]*\))?:)?\w+>", "<>", rule.rule)
            for rule in app.url_map.iter_rules()
            if "GET" in (rule.methods or ()) and not rule.rule.startswith(tuple(LIBRARY))
        }
    )


def test_every_route_is_declared_typed_and_named(app: Flask) -> None:
    found = list(find_faulty_routes(app, app.extensions["portal"].doors))
    if found:
        pytest.fail("\n".join(sorted(set(found))), pytrace=False)


def test_no_address_is_forgotten(app: Flask) -> None:
    released = set(ADDRESSES.read_text(encoding="utf-8").split())
    now = set(addresses(app))
    gone = released - now - set(MOVED)
    assert not gone, f"keep a redirect for {sorted(gone)} and name it in MOVED"
    new = now - released
    assert not new, f"`python -m tests.architecture.test_routes` notes {sorted(new)}"


def test_the_walk_is_long_enough(app: Flask) -> None:
    assert len(addresses(app)) > 30
    assert all(prefix.endswith("/") for prefix in LIBRARY)


def test_planted_routes_are_found() -> None:
    planted = Flask("planted", static_folder=None)
    blueprint = pages("planted", __name__, template_folder=None)

    @blueprint.get("/planted/<uuid:thing_id>")
    @requires("planted.thing.read")
    def good(thing_id: UUID) -> str:
        return ""

    @blueprint.get("/planted/By_Name/<name>")
    def bad(name: str) -> str:
        return ""

    planted.register_blueprint(blueprint)
    declared = {"planted.good": good.__door__}  # type: ignore[attr-defined]
    found = list(find_faulty_routes(planted, declared))
    assert len(found) == 3
    assert {each.split(": ")[0] for each in found} == {"planted.bad", "/planted/By_Name/<name>"}


def _write_addresses() -> None:
    import tempfile

    from app import create_app
    from kernel.embedded import EmbeddedServer
    from kernel.migrate import migrate
    from kernel.settings import Settings

    with tempfile.TemporaryDirectory() as folder, EmbeddedServer(Path(folder), fast=True) as server:
        migrate(server.urls().admin)
        kept = set(ADDRESSES.read_text(encoding="utf-8").split()) if ADDRESSES.exists() else set()
        kept |= set(addresses(create_app(Settings.for_tests(server.urls()))))
        ADDRESSES.write_text("".join(f"{each}\n" for each in sorted(kept)), encoding="utf-8")


if __name__ == "__main__":
    _write_addresses()

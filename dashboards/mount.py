"""Put the boards into the portal: two Dash apps, their pages, the doors of Dash's own."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from dash.exceptions import DependencyException, InvalidResourceError
from dash.fingerprint import check_fingerprint
from flask import Flask, Response, request, send_from_directory

from dashboards.audience import AUDIENCES, Audience
from dashboards.guard import ASSETS, GuardedDash
from dashboards.pages.layout import register
from dashboards.web import make_pages, show_group_home
from kernel.errors import NotFound
from kernel.web import Door, secure
from portal.shell.home import register_group_home

_DATA: Final = ("_dash-layout", "_dash-dependencies", "_dash-update-component")
_CLOSED: Final = ("<path:path>", "_reload-hash", "_favicon.ico", "")
_YEAR_S: Final = 365 * 24 * 3600
_SUITES: Final = "_dash-component-suites/<string:package_name>/<path:fingerprinted_path>"


@dataclass(frozen=True, slots=True)
class Boards:
    """The mounted apps by audience, and the hashes their pages need in the security policy."""

    apps: dict[str, GuardedDash]

    def script_hashes(self) -> list[str]:
        """Return the CSP sources of the inline scripts that Dash writes, each quoted."""
        found = [each for app in self.apps.values() for each in app.csp_hashes()]
        return sorted(set(found))


def mount(server: Flask) -> Boards:
    """Add both boards to `server`. Called once, before `kernel.web.install` closes the doors.

    Raises `UnguardedCallback` where a callback has passed by the guard.
    """
    apps = {audience.name: _mount(server, audience) for audience in AUDIENCES}
    register_group_home(server, show_group_home)
    # Runs after the portal's own headers are set, which keep nothing but static files.
    server.after_request(_keep_files)
    boards = Boards(apps)
    server.extensions["boards"] = boards
    return boards


def _mount(server: Flask, audience: Audience) -> GuardedDash:
    app = GuardedDash(server, prefix=audience.prefix, audience=audience.kind)
    register(app, audience)
    app.check_callbacks()
    _set_doors(server, audience)
    server.register_blueprint(make_pages(audience, app))
    return app


def _set_doors(server: Flask, audience: Audience) -> None:
    views = server.view_functions
    mine = Door(permissions=(audience.permission,), audience=frozenset({audience.kind}))
    for name in _DATA:
        endpoint = audience.prefix + name
        views[endpoint] = _plain(views[endpoint])
        secure(server, endpoint, mine)
    for name in _CLOSED:
        endpoint = audience.prefix + name
        views[endpoint] = _plain(_closed)
        secure(server, endpoint, mine)
    assets = f"_boards_{audience.name}_dash_assets.static"
    views[assets] = _packed(views[assets])
    suites = audience.prefix + _SUITES
    views[suites] = _files(views[suites])
    secure(server, suites, Door(public="files of the release, the same for everybody"))


def _plain(view: Callable[..., Any]) -> Callable[..., Any]:
    # A door is an attribute of the view, and a bound method takes none.
    @functools.wraps(view)
    def show(*args: Any, **kwargs: Any) -> Any:
        return view(*args, **kwargs)

    return show


def _closed(*_args: Any, **_kwargs: Any) -> Any:
    """Answer for doors of Dash that are not ours: pages are the routes of `web.py` alone."""
    raise NotFound


def _files(view: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(view)
    def show(*args: Any, **kwargs: Any) -> Any:
        try:
            return view(*args, **kwargs)
        except (DependencyException, InvalidResourceError, OSError):
            # Dash would list in its answer what it has registered.
            raise NotFound from None

    return show


def _packed(view: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(view)
    def show(filename: str) -> Any:
        # The chart bundle is packed once and best, not anew and worse for every reader.
        packed = ASSETS / f"{filename}.br"
        if not request.accept_encodings["br"] or not packed.is_file():
            return view(filename=filename)
        response = send_from_directory(ASSETS, packed.name, mimetype="text/javascript")
        response.headers["Content-Encoding"] = "br"
        response.vary.add("Accept-Encoding")
        return response

    return show


def _keep_files(response: Response) -> Response:
    """Let browsers keep Dash's own files: for a year where the address has a fingerprint."""
    if (request.endpoint or "").endswith(_SUITES) and response.status_code in (200, 304):
        path = (request.view_args or {}).get("fingerprinted_path", "")
        is_versioned = check_fingerprint(path)[1]  # type: ignore[no-untyped-call]
        response.headers["Cache-Control"] = (
            f"public, max-age={_YEAR_S}, immutable" if is_versioned else "no-cache"
        )
    return response

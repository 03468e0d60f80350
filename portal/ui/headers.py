"""Headers of every answer: what a page may load, who may frame it, what may be kept.

Pages run no script and no style but our own files. Boards add what Dash and Plotly cannot do
without: the hashes of Dash's own inline scripts, and styles set by script.
"""

import re
from collections.abc import Sequence
from typing import Final

from flask import Response, request

_SOURCES: Final = {
    "default-src": ("'none'",),
    "script-src": ("'self'",),
    "style-src": ("'self'",),
    "img-src": ("'self'", "data:"),
    "font-src": ("'self'",),
    "connect-src": ("'self'",),
    "form-action": ("'self'",),
    "frame-ancestors": ("'none'",),
    "base-uri": ("'none'",),
}
_ALWAYS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_YEAR_S: Final = 365 * 24 * 3600
# Dash writes version and time of change into the names of its own files.
_FINGERPRINT: Final = re.compile(r"\.v\d+_\d+_\d+m\d+\.")
HSTS: Final = f"max-age={_YEAR_S}; includeSubDomains"


def content_security_policy(*, board: bool = False, script_hashes: Sequence[str] = ()) -> str:
    """Return the policy of a page, or of a board with the hashes of its inline scripts."""
    sources = dict(_SOURCES)
    if board:
        sources["script-src"] += tuple(script_hashes)
        sources["style-src"] += ("'unsafe-inline'",)
        sources["img-src"] += ("blob:",)
    return "; ".join(f"{name} {' '.join(values)}" for name, values in sources.items())


def security_headers(
    response: Response,
    *,
    board: bool = False,
    script_hashes: Sequence[str] = (),
    https: bool = False,
) -> Response:
    """Add the headers to an answer; `https` where a browser reaches the portal that way.

    Our own files are kept for a year when their address has a fingerprint; all else is not stored,
    so nobody finds another person's page in the browser.
    """
    response.headers.update(_ALWAYS)
    response.headers["Content-Security-Policy"] = content_security_policy(
        board=board, script_hashes=script_hashes
    )
    if https:
        response.headers["Strict-Transport-Security"] = HSTS
    response.headers["Cache-Control"] = _keeping(response)
    return response


def _keeping(response: Response) -> str:
    if not is_file():
        return "no-store"
    named = request.args.get("v") or _FINGERPRINT.search(request.path)
    if named and response.status_code in (200, 206, 304):
        return f"public, max-age={_YEAR_S}, immutable"
    return "no-cache"


def is_file() -> bool:
    """Say whether this request asks for a file of the release, the same for everybody."""
    endpoint = request.endpoint or ""
    return endpoint.rpartition(".")[2] == "static" or "_dash-component-suites" in endpoint

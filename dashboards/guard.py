"""One Dash app per audience on the portal's own server, every callback behind a permission.

Dash is kept to what we use: its catch-all, reload and favicon doors answer 404, pages are routes of
`web.py`, the browser learns no versions and no foreign address. A callback is an endpoint open to
everybody who can write JSON, so its body is checked against what was registered before it runs.
"""

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar, get_type_hints

from dash import ClientsideFunction, Dash
from flask import Flask, g, render_template
from markupsafe import Markup
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from sqlalchemy import text

from kernel.actor import Kind
from kernel.db import Work
from kernel.errors import BadRequest, NotFound
from kernel.web import current_actor, current_work

ASSETS: Final = Path(__file__).parent / "assets"
VERSIONS: Final = (
    "dash_version",
    "python_version",
    "plotly_version",
    "ddk_version",
    "dash_version_url",
)
LONGEST_INPUT: Final = 2_000

_F = TypeVar("_F", bound=Callable[..., Any])


class UnguardedCallback(RuntimeError):
    """A callback reached the app past the guard: a programming error, found at start."""


class _Slot(BaseModel):
    """One property of one component, as the renderer names it."""

    model_config = ConfigDict(extra="ignore", strict=True)

    id: str = Field(max_length=100)
    of: str = Field(max_length=100, alias="property")
    value: Any = None

    @property
    def name(self) -> tuple[str, str]:
        return (self.id, self.of)


class _Call(BaseModel):
    """The body of a callback's request: what may be hand-made."""

    model_config = ConfigDict(extra="ignore", strict=True)

    output: str = Field(max_length=1_000)
    inputs: list[_Slot] = Field(max_length=20)
    state: list[_Slot] = Field(default=[], max_length=20)
    changedPropIds: list[str] = Field(default=[], max_length=20)


@dataclass(frozen=True, slots=True)
class Guarded:
    """One registered callback: what it asks, and the slots its body must name."""

    permission: str | None
    outputs: Any
    inputs: tuple[tuple[str, str], ...]
    states: tuple[tuple[str, str], ...]
    clientside: bool = False


@dataclass
class _Registry:
    callbacks: dict[str, Guarded] = field(default_factory=dict)


class GuardedDash(Dash):
    """A Dash app of one audience whose callbacks are registered with a permission or not at all."""

    def __init__(self, server: Flask, *, prefix: str, audience: Kind) -> None:
        self.audience = audience
        self._guard = _Registry()
        super().__init__(
            "dashboards",
            server=server,  # type: ignore[arg-type]
            url_base_pathname=prefix,
            assets_folder=str(ASSETS),
            serve_locally=True,
            title="",
            update_title=None,  # type: ignore[arg-type]
            enable_mcp=False,
            suppress_callback_exceptions=True,
            include_pages_meta=False,
            add_log_handler=False,
            websocket_callbacks=False,
            use_pages=False,
            # procrastinate brings asgiref; with it Dash would make every callback a coroutine,
            # and a coroutine is committed before it has run.
            use_async=False,
        )

    @property
    def guarded(self) -> Mapping[str, Guarded]:
        """The registered callbacks by Dash's key."""
        return self._guard.callbacks

    def page(self, template: str, **context: object) -> str:
        """Return a whole page of the portal, this app's scripts and mount point inside it."""
        g.board = (template, context)
        return str(self.index())  # type: ignore[no-untyped-call]

    def interpolate_index(self, **parts: str) -> str:  # type: ignore[override]
        """Set Dash's parts into the page that `page` was asked for."""
        template, context = g.board
        safe = {name: Markup(part) for name, part in parts.items()}  # noqa: S704 - Dash's own
        return render_template(template, dash=safe, **context)

    def _generate_scripts_html(self) -> str:
        return _as_kept(str(super()._generate_scripts_html()))

    def _generate_css_dist_html(self) -> str:
        return _as_kept(str(super()._generate_css_dist_html()))  # type: ignore[no-untyped-call]

    def _config(self) -> dict[str, Any]:
        hidden = dict.fromkeys(VERSIONS, "") | {"disable_version_check": True}
        return super()._config() | hidden  # type: ignore[no-any-return, no-untyped-call]

    def callback(
        self, *dependencies: Any, permission: str, write: bool = False, **options: Any
    ) -> Callable[[_F], _F]:
        """Register a callback: the only way. It runs read-only unless `write` is said.

        The function's parameters are annotated; a value of another type is a `BadRequest`.
        """

        def register(function: _F) -> _F:
            known = set(self.callback_map)
            add = super(GuardedDash, self).callback(*dependencies, **options)
            self._note(known, permission)
            add(_guard(function, audience=self.audience, permission=permission, write=write))
            return function

        return register

    def clientside_callback(self, clientside_function: Any, *args: Any, **kwargs: Any) -> Any:
        """Register a function of our own asset file; inline source is refused."""
        if not isinstance(clientside_function, ClientsideFunction):
            raise UnguardedCallback("name a function of an asset, not source text")
        known = set(self.callback_map)
        super().clientside_callback(clientside_function, *args, **kwargs)  # type: ignore[no-untyped-call]
        self._note(known, None, clientside=True)

    def check_callbacks(self) -> None:
        """Raise `UnguardedCallback` on any callback that the guard did not register."""
        strangers = sorted(set(self.callback_map) - set(self.guarded))
        if strangers:
            raise UnguardedCallback(f"not registered through the guard: {', '.join(strangers)}")

    def _note(self, known: set[str], permission: str | None, *, clientside: bool = False) -> None:
        (key,) = set(self.callback_map) - known
        entry = self.callback_map[key]
        self._guard.callbacks[key] = Guarded(
            permission=permission,
            outputs=_output_slots(entry["output"]),
            inputs=_names(entry["inputs"]),
            states=_names(entry["state"]),
            clientside=clientside,
        )

    def _initialize_context(self, body: Any) -> Any:
        try:
            call = _Call.model_validate(body)
        except ValidationError as faulty:
            raise BadRequest from faulty
        wanted = self.guarded.get(call.output)
        if wanted is None or wanted.clientside:
            raise NotFound
        if _slots(call.inputs) != wanted.inputs or _slots(call.state) != wanted.states:
            raise BadRequest
        # The outputs are ours, whatever was sent: Dash builds the answer from this list.
        sound = call.model_dump(by_alias=True) | {"outputs": wanted.outputs}
        body.clear()
        body.update(sound)
        return super()._initialize_context(body)


def _guard(
    function: Callable[..., Any], *, audience: Kind, permission: str, write: bool
) -> Callable[..., Any]:
    readers = _readers(function)

    @functools.wraps(function)
    def run(*values: Any) -> Any:
        # The endpoint's door has asked for kind and session; each callback asks for its own.
        if current_actor().kind is not audience:
            raise NotFound
        work = current_work()
        work.require(permission)
        if not write:
            _make_read_only(work)
        return function(
            *(_read(reader, value) for reader, value in zip(readers, values, strict=True))
        )

    return run


def _make_read_only(work: Work) -> None:
    # Callbacks are POSTs, so the door's work may write; PostgreSQL takes that back here.
    if not work.read_only:
        work.session.execute(text("SELECT set_config('transaction_read_only', 'on', true)"))


def _readers(function: Callable[..., Any]) -> list[TypeAdapter[Any]]:
    hints = get_type_hints(function)
    names = list(inspect.signature(function).parameters)
    missing = [name for name in names if name not in hints]
    if missing:
        raise UnguardedCallback(f"annotate {', '.join(missing)} of {function.__qualname__}")
    return [TypeAdapter(hints[name]) for name in names]


def _read(reader: TypeAdapter[Any], value: Any) -> Any:
    if isinstance(value, str) and len(value) > LONGEST_INPUT:
        raise BadRequest
    try:
        return reader.validate_python(value, strict=True)
    except ValidationError as faulty:
        raise BadRequest from faulty


def _as_kept(tags: str) -> str:
    # Our files are kept by browsers for a year when their address says which version they are.
    return tags.replace("?m=", "?v=")


def _names(dependencies: Sequence[Mapping[str, Any]]) -> tuple[tuple[str, str], ...]:
    return tuple((str(each["id"]), str(each["property"])) for each in dependencies)


def _slots(slots: Sequence[_Slot]) -> tuple[tuple[str, str], ...]:
    return tuple(slot.name for slot in slots)


def _output_slots(outputs: Any) -> Any:
    if isinstance(outputs, list | tuple):
        return [_output_slots(each) for each in outputs]
    return {"id": outputs.component_id, "property": outputs.component_property}

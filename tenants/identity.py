"""Who asks: from a browser's session row or a device's token row to an `Actor`, on every request.

Nothing is cached: what was revoked is revoked at the next request. One query in one transaction of
`authn`, before the request's own. Flask-Login keeps the sid in Flask's signed cookie; how sessions
begin and end stands in `sessions.py`.
"""

import functools
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from flask import Flask, Request, current_app
from flask_login import LoginManager, UserMixin, current_user
from sqlalchemy import ColumnElement, Row, Select, and_, bindparam, func, or_, select, update

from kernel import clock
from kernel.actor import AUTHN, Actor, Kind
from kernel.db import Database, Work
from kernel.errors import Unauthenticated
from kernel.ids import PersonId, PlaceId, SessionId, TenantId
from kernel.web import current_database
from tenants import seats, tokens
from tenants.models import (
    AuthSession,
    DeviceToken,
    Membership,
    Person,
    Place,
    RoleGrant,
    Tenant,
)
from tenants.passwords import Passwords
from tenants.roles import CompanyKind, Role
from tenants.seats import Held, Seat
from tenants.words import CompanyState, Level, localised

EXTENSION: Final = "sign_in"
COOKIE: Final = "gongyun"
_USED_EVERY: Final = seats.SEEN_EVERY


@dataclass(frozen=True, slots=True)
class SignIn:
    """How people sign in here: the hasher, the key that hides whom attempts are counted for."""

    passwords: Passwords
    throttle_key: bytes
    demo: bool


@dataclass(frozen=True)
class SignedIn(UserMixin):  # type: ignore[misc]
    """The person in front of the browser, for Flask-Login and for the header of the page."""

    sid: str
    actor: Actor
    seat: Seat
    name_zh: str
    name_en: str
    provider: str

    def get_id(self) -> str:
        """Return what the cookie holds: the sid, never the person."""
        return self.sid

    def name(self, locale: object = None) -> str:
        """The person's name in the reader's language."""
        return localised(self.name_zh, self.name_en, locale)


def install(app: Flask, *, var: Path, demo: bool, secure: bool) -> None:
    """Give `app` its sign-in. `var` holds the lock files; `secure`: browsers reach it by HTTPS.

    Demo people are listed in `app.extensions["demo_people"]`, with `demo` alone.
    """
    key = app.secret_key
    if not key:
        raise ValueError("sign-in needs the app's secret key")
    plain = key if isinstance(key, bytes) else key.encode()
    throttle_key = hmac.digest(plain, b"throttle", hashlib.sha256)
    app.extensions[EXTENSION] = SignIn(Passwords(var / "locks"), throttle_key, demo)
    app.config.update(
        # The prefix binds the cookie to this host and to HTTPS; browsers refuse it without.
        SESSION_COOKIE_NAME=f"__Host-{COOKIE}" if secure else COOKIE,
        SESSION_COOKIE_SECURE=secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_PATH="/",
    )
    manager = LoginManager()
    manager.session_protection = None
    manager.user_loader(_load_user)
    manager.init_app(app)


def sign_in_settings() -> SignIn:
    """Return how people sign in to the running app."""
    settings: SignIn = current_app.extensions[EXTENSION]
    return settings


def authenticate(database: Database, request: Request) -> Actor | None:
    """Return who asks: below `/api/` by bearer token alone, elsewhere by the session cookie alone.

    So a foreign site can never make a browser's cookie act on the API, which asks no CSRF token.
    """
    if request.path.startswith("/api/"):
        return authenticate_device(database, request.headers.get("Authorization"))
    user = find_user()
    return user.actor if user else None


def find_user() -> SignedIn | None:
    """Return the person in front of the browser, or None."""
    user = current_user._get_current_object()
    return user if isinstance(user, SignedIn) else None


def current_user_or_401() -> SignedIn:
    """Return the person in front of the browser. Raises `Unauthenticated`."""
    user = find_user()
    if user is None:
        raise Unauthenticated
    return user


def step_up_fresh(actor: Actor) -> bool:
    """Say whether the actor has proved who she is within the last 15 minutes."""
    return seats.is_stepped_up(actor.stepped_up_at, now=clock.now())


def _load_user(sid: str) -> SignedIn | None:
    return find_session(current_database(), sid)


def find_session(database: Database, sid: str) -> SignedIn | None:
    """Return the person of a live session: not ended, within its limits, her membership running."""
    with database.work(AUTHN) as work:
        values = {"now": work.now, "sid_sha256": tokens.digest(sid)}
        row = work.session.execute(_live_session(), values).one_or_none()
        if row is None:
            return None
        seat = _seat_of(row, row.kind)
        if seat is None:
            return None  # her last role of this kind in the group's company was revoked
        if work.now - row.seen_at >= seats.SEEN_EVERY:
            _mark_seen(work, row, seat)
        return _signed_in(sid, row, seat)


def actor_of(
    work: Work, *, person_id: PersonId, tenant_id: TenantId, kind: Kind | None = None
) -> Actor:
    """Return the actor of a person in a company without a session: for jobs and commands.

    `work` is one of `authn` or the worker; with `kind` None the first seat. Raises
    `Unauthenticated` when the person has no such seat now.
    """
    statement = _members().where(
        Membership.person_id == person_id, Membership.tenant_id == tenant_id
    )
    row = work.session.execute(statement, {"now": work.now}).one_or_none()
    seat = _seat_of(row, kind) if row is not None else None
    if row is None or seat is None:
        raise Unauthenticated
    return _actor(row, seat)


def list_seats(work: Work, person_id: PersonId) -> Sequence[Seat]:
    """Return the seats that a person may take now; `work` is one of `authn`.

    The company she has worked for longest comes first: there she begins.
    """
    statement = (
        _members()
        .where(Membership.person_id == person_id)
        .order_by(Membership.created_at, Tenant.code)
    )
    rows = work.session.execute(statement, {"now": work.now})
    return [seat for row in rows for seat in _seats(row)]


def authenticate_device(database: Database, header: str | None) -> Actor | None:
    """Return the device that an `Authorization: Bearer gyd_…` header proves, or None."""
    scheme, _space, written = (header or "").partition(" ")
    parts = tokens.read_device_token(written.strip()) if scheme.lower() == "bearer" else None
    if parts is None:
        return None
    public_id, secret = parts
    with database.work(AUTHN) as work:
        values = {"now": work.now, "public_id": public_id}
        row = work.session.execute(_live_token(), values).one_or_none()
        if row is None or not tokens.is_same(secret, row.secret_sha256):
            return None
        if row.last_used_at is None or work.now - row.last_used_at >= _USED_EVERY:
            work.session.execute(
                update(DeviceToken)
                .where(DeviceToken.id == row.id)
                .values(last_used_at=work.now)
                .execution_options(synchronize_session=False)
            )
        return Actor(Kind.INGEST, tenant_id=row.tenant_id, source_id=row.source_id, name=row.name)


# Asked on every request, so each statement is put together once; `now` and the key are parameters.
@functools.cache
def _live_token() -> Select[*tuple[Any, ...]]:
    return (
        select(
            DeviceToken.id,
            DeviceToken.tenant_id,
            DeviceToken.source_id,
            DeviceToken.name,
            DeviceToken.secret_sha256,
            DeviceToken.last_used_at,
        )
        .join(Tenant, Tenant.id == DeviceToken.tenant_id)
        .where(
            DeviceToken.public_id == bindparam("public_id"),
            DeviceToken.revoked_at.is_(None),
            DeviceToken.expires_at > bindparam("now"),
            Tenant.state == CompanyState.ACTIVE,
        )
    )


@functools.cache
def _members() -> Select[*tuple[Any, ...]]:
    return (
        select(
            Membership.person_id,
            Membership.tenant_id,
            Person.name_zh.label("person_zh"),
            Person.name_en.label("person_en"),
            Tenant.kind.label("company_kind"),
            Tenant.code.label("company_code"),
            Tenant.name_zh.label("company_zh"),
            Tenant.name_en.label("company_en"),
            _grants().label("grants"),
        )
        .select_from(Membership)
        .join(Person, Person.id == Membership.person_id)
        .join(Tenant, Tenant.id == Membership.tenant_id)
        .where(Membership.ended_at.is_(None), Tenant.state == CompanyState.ACTIVE)
    )


@functools.cache
def _live_session() -> Select[*tuple[Any, ...]]:
    return (
        _members()
        .add_columns(
            AuthSession.id.label("session_id"),
            AuthSession.kind,
            AuthSession.provider,
            AuthSession.stepped_up_at,
            AuthSession.seen_at,
            AuthSession.absolute_until,
        )
        .join(
            AuthSession,
            and_(
                AuthSession.tenant_id == Membership.tenant_id,
                AuthSession.person_id == Membership.person_id,
            ),
        )
        .where(
            AuthSession.sid_sha256 == bindparam("sid_sha256"),
            AuthSession.revoked_at.is_(None),
            AuthSession.idle_until > bindparam("now"),
            AuthSession.absolute_until > bindparam("now"),
        )
    )


def _grants() -> ColumnElement[Any]:
    # One row of JSON instead of one row per grant: the session is found in one query.
    grant = func.json_build_array(RoleGrant.role, RoleGrant.place_id, Place.level)
    return (
        select(func.json_agg(grant))
        .select_from(RoleGrant)
        .join(Place, and_(Place.tenant_id == RoleGrant.tenant_id, Place.id == RoleGrant.place_id))
        .where(
            RoleGrant.tenant_id == Membership.tenant_id,
            RoleGrant.person_id == Membership.person_id,
            RoleGrant.revoked_at.is_(None),
            or_(RoleGrant.valid_until.is_(None), RoleGrant.valid_until > bindparam("now")),
        )
        .correlate(Membership)
        .scalar_subquery()
    )


def _seats(row: Row[Any]) -> tuple[Seat, ...]:
    held = (
        Held(Role(role), PlaceId(UUID(place)), level == Level.COMPANY)
        for role, place, level in row.grants or ()
    )
    return seats.seats_of(
        row.tenant_id,
        company_kind=CompanyKind(row.company_kind),
        code=row.company_code,
        name_zh=row.company_zh,
        name_en=row.company_en,
        held=held,
    )


def _seat_of(row: Row[Any], kind: Kind | None) -> Seat | None:
    return next((seat for seat in _seats(row) if kind is None or seat.kind is kind), None)


def _actor(
    row: Row[Any],
    seat: Seat,
    *,
    session_id: SessionId | None = None,
    stepped_up_at: datetime | None = None,
) -> Actor:
    return Actor(
        kind=seat.kind,
        tenant_id=seat.tenant_id,
        person_id=row.person_id,
        session_id=session_id,
        name=localised(row.person_zh, row.person_en),
        stepped_up_at=stepped_up_at,
        grants=seats.expand(seat.held, seat.kind),
    )


def _signed_in(sid: str, row: Row[Any], seat: Seat) -> SignedIn:
    actor = _actor(row, seat, session_id=row.session_id, stepped_up_at=row.stepped_up_at)
    return SignedIn(
        sid=sid,
        actor=actor,
        seat=seat,
        name_zh=row.person_zh,
        name_en=row.person_en,
        provider=row.provider,
    )


def _mark_seen(work: Work, row: Row[Any], seat: Seat) -> None:
    limits = seats.lasting(seat.kind, seat.roles)
    work.session.execute(
        update(AuthSession)
        .where(AuthSession.id == row.session_id)
        .values(
            seen_at=work.now,
            idle_until=seats.idle_until(work.now, limits=limits, absolute_until=row.absolute_until),
        )
        .execution_options(synchronize_session=False)
    )

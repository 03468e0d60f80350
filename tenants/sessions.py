"""How sessions begin, change and end: sign-in, switch, step-up, sign-out.

Everything here works inside a transaction of `authn` but ending, which a person does herself. A
refused sign-in is an answer, not an exception: its failure must be counted and committed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, cast

from sqlalchemy import CursorResult, Row, delete, insert, or_, select, update

from kernel.db import Work
from kernel.errors import NotFound
from kernel.ids import PersonId, SessionId, TenantId, new_id
from tenants import attempts, audit, seats, throttle, tokens
from tenants.errors import NoSeat
from tenants.identity import SignedIn, SignIn, list_seats
from tenants.models import AuthSession, LocalAccount, LoginAttempt, Person, Tenant
from tenants.passwords import check_new
from tenants.roles import CompanyKind
from tenants.seats import Seat

AGENT_LENGTH: Final = 200
_LOCAL: Final = "local"
_DEMO: Final = "demo"


@dataclass(frozen=True, slots=True)
class Browser:
    """Where a request came from."""

    address: str
    agent: str


@dataclass(frozen=True, slots=True)
class Begun:
    """A session has begun; the browser keeps `sid`."""

    sid: str


@dataclass(frozen=True, slots=True)
class MustChange:
    """The password is right but was given by somebody else: choose an own one first."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Name and password do not belong together; which of the two is wrong is not said."""


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session as its person sees it."""

    id: SessionId
    is_this: bool
    in_this_company: bool
    created_at: datetime
    seen_at: datetime
    address: str
    agent: str


def sign_in(
    work: Work, how: SignIn, *, name: str, password: str, browser: Browser
) -> Begun | MustChange | Refused:
    """Begin a session for who knows the password of `name` (sign-in name or e-mail address).

    Raises `TooMany` while the account or the address waits (then no hash is computed), `NoSeat`
    when the person belongs to no company, `Unavailable` when too many sign in at once.
    """
    account = _find_account(work, name)
    if not _is_right(work, how, account, name=name, password=password, browser=browser):
        return Refused()
    assert account is not None
    if account.must_change:
        return MustChange()
    if how.passwords.is_outdated(account.password_hash):
        _set_password(work, how, account.person_id, password)
    return Begun(_begin_last_seat(work, account.person_id, provider=_LOCAL, browser=browser))


def change_password(
    work: Work, how: SignIn, *, name: str, password: str, new_password: str, browser: Browser
) -> Begun | Refused:
    """Replace the password of `name` by a new one, end her other sessions, begin a new one.

    Raises `PasswordRefused` for a new password that is easy to guess, else as `sign_in`.
    """
    account = _find_account(work, name)
    if not _is_right(work, how, account, name=name, password=password, browser=browser):
        return Refused()
    assert account is not None
    own_seats = list_seats(work, account.person_id)
    companies = [word for s in own_seats for word in (s.company_code, s.company_zh, s.company_en)]
    own = [account.name_zh, account.name_en, account.login_name, account.email or "", password]
    check_new(new_password, own_words=[*own, *companies])
    _set_password(work, how, account.person_id, new_password)
    _end(work, AuthSession.person_id == account.person_id, because="password_changed")
    _record(work, "tenants.password.change", account.person_id, _home(own_seats))
    return Begun(_begin_last_seat(work, account.person_id, provider=_LOCAL, browser=browser))


def demo_sign_in(work: Work, *, login_name: str, browser: Browser) -> Begun:
    """Begin a session for a person of the demo; the caller has made sure that she is one.

    Counts as a fresh proof of identity. Raises `NotFound`, `NoSeat`.
    """
    statement = select(Person.id).where(Person.login_name == login_name)
    person_id = work.session.scalars(statement).one_or_none()
    if person_id is None:
        raise NotFound
    return Begun(_begin_last_seat(work, person_id, provider=_DEMO, browser=browser))


def switch(work: Work, user: SignedIn, *, seat_key: str, browser: Browser) -> Begun:
    """End this session and begin one in another of the person's own seats.

    Raises `NotFound` for a seat that she does not have.
    """
    person_id = _person_of(user)
    seat = next((s for s in list_seats(work, person_id) if s.key == seat_key), None)
    if seat is None:
        raise NotFound
    _end(work, AuthSession.id == user.actor.session_id, because="switched")
    _record(work, "tenants.session.switch", person_id, seat.tenant_id, kind=seat.kind.value)
    sid = _begin(work, person_id, seat, provider=user.provider, browser=browser,
                 stepped_up_at=user.actor.stepped_up_at)  # fmt: skip
    return Begun(sid)


def step_up(
    work: Work, how: SignIn, user: SignedIn, *, password: str | None, browser: Browser
) -> Begun | Refused:
    """Take the password again as a fresh proof; the session goes on under a new sid.

    `password` None is the demo's button: only a session that began so, while the demo runs.
    Raises `TooMany`, `Unavailable` as `sign_in` does.
    """
    person_id = _person_of(user)
    if password is None:
        if not (how.demo and user.provider == _DEMO):
            return Refused()
    else:
        account = _find_account(work, person_id)
        right = _is_right(work, how, account, name="", password=password, browser=browser)
        if not right:
            return Refused()
    sid = tokens.new_sid()
    work.session.execute(
        update(AuthSession)
        .where(AuthSession.id == user.actor.session_id, AuthSession.revoked_at.is_(None))
        .values(sid_sha256=tokens.digest(sid), stepped_up_at=work.now)
        .execution_options(synchronize_session=False)
    )
    _record(work, "tenants.session.step-up", person_id, user.seat.tenant_id)
    return Begun(sid)


def sign_out(work: Work) -> None:
    """End the actor's own session."""
    _end(work, AuthSession.id == work.actor.session_id, because="signed_out")
    audit.record(work, "tenants.session.sign-out", "person", work.actor.person_id)


def list_sessions(work: Work) -> Sequence[SessionRow]:
    """Return the actor's live sessions, in whatever company, the last used first."""
    statement = (
        select(
            AuthSession.id,
            AuthSession.tenant_id,
            AuthSession.created_at,
            AuthSession.seen_at,
            AuthSession.address,
            AuthSession.agent,
        )
        .where(AuthSession.person_id == work.actor.person_id, *_alive(work.now))
        .order_by(AuthSession.seen_at.desc())
        .limit(100)
    )
    rows = work.session.execute(statement).all()
    return [
        SessionRow(
            id=row.id,
            is_this=row.id == work.actor.session_id,
            in_this_company=row.tenant_id == work.actor.tenant_id,
            created_at=row.created_at,
            seen_at=row.seen_at,
            address=row.address,
            agent=row.agent,
        )
        for row in rows
    ]


def end_session(work: Work, session_id: SessionId) -> None:
    """End one of the actor's own sessions. Raises `NotFound` for any other."""
    own = (AuthSession.id == session_id, AuthSession.person_id == work.actor.person_id)
    if not _end(work, *own, because="ended_by_owner"):
        raise NotFound
    audit.record(work, "tenants.session.end", "session", session_id)


def end_other_sessions(work: Work) -> int:
    """End all of the actor's sessions but this one; return how many."""
    ended = _end(
        work,
        AuthSession.person_id == work.actor.person_id,
        AuthSession.id != work.actor.session_id,
        because="ended_by_owner",
    )
    audit.record(work, "tenants.session.end-others", "person", work.actor.person_id, count=ended)
    return ended


def end_sessions_of(work: Work, person_id: PersonId) -> int:
    """End a person's sessions in the actor's company, because her membership ended."""
    own = (AuthSession.person_id == person_id, AuthSession.tenant_id == work.tenant_id)
    return _end(work, *own, because="membership_ended")


def drop_expired(work: Work, *, now: datetime) -> None:
    """Delete sessions and counters that no rule needs any more; `work` is the worker's."""
    kept = now - timedelta(days=90)
    work.session.execute(delete(AuthSession).where(AuthSession.absolute_until < kept))
    idle = now - timedelta(days=1)
    over = or_(LoginAttempt.wait_until.is_(None), LoginAttempt.wait_until < now)
    work.session.execute(delete(LoginAttempt).where(LoginAttempt.first_at < idle, over))


def _find_account(work: Work, who: str | PersonId) -> Row[*tuple[Any, ...]] | None:
    statement = select(
        LocalAccount.person_id,
        LocalAccount.password_hash,
        LocalAccount.must_change,
        Person.name_zh,
        Person.name_en,
        Person.login_name,
        Person.email,
    ).join(Person, Person.id == LocalAccount.person_id)
    if isinstance(who, str):
        name = who.strip().lower()
        statement = statement.where(or_(Person.login_name == name, Person.email == name))
    else:
        statement = statement.where(Person.id == who)
    return work.session.execute(statement).first()


def _is_right(
    work: Work,
    how: SignIn,
    account: Row[*tuple[Any, ...]] | None,
    *,
    name: str,
    password: str,
    browser: Browser,
) -> bool:
    # An unknown name goes the same way and costs the same time: it is counted, and hashed.
    subject = str(account.person_id) if account else name.strip().lower()
    counted = throttle.subjects(how.throttle_key, account=subject, address=browser.address)
    attempts.require_no_wait(
        work, counted, person_id=account.person_id if account else None, address=browser.address
    )
    if how.passwords.verify(account.password_hash if account else None, password):
        attempts.clear(work, counted)
        return True
    attempts.count_failure(work, counted)
    home = _home(list_seats(work, account.person_id)) if account else None
    _record(work, "tenants.session.begin", account.person_id if account else None, home, "failed")
    return False


def _set_password(work: Work, how: SignIn, person_id: PersonId, password: str) -> None:
    work.session.execute(
        update(LocalAccount)
        .where(LocalAccount.person_id == person_id)
        .values(password_hash=how.passwords.hash(password), changed_at=work.now, must_change=False)
        .execution_options(synchronize_session=False)
    )


def _begin_last_seat(work: Work, person_id: PersonId, *, provider: str, browser: Browser) -> str:
    own_seats = list_seats(work, person_id)
    if not own_seats:
        raise NoSeat
    seat = _last_used(work, person_id, own_seats)
    _record(work, "tenants.session.begin", person_id, seat.tenant_id, kind=seat.kind.value)
    return _begin(work, person_id, seat, provider=provider, browser=browser, stepped_up_at=work.now)


def _last_used(work: Work, person_id: PersonId, own_seats: Sequence[Seat]) -> Seat:
    statement = (
        select(AuthSession.tenant_id, AuthSession.kind)
        .where(AuthSession.person_id == person_id)
        .order_by(AuthSession.seen_at.desc())
        .limit(1)
    )
    last = work.session.execute(statement).one_or_none()
    return next(
        (s for s in own_seats if last and (s.tenant_id, s.kind) == (last.tenant_id, last.kind)),
        own_seats[0],
    )


def _begin(
    work: Work,
    person_id: PersonId,
    seat: Seat,
    *,
    provider: str,
    browser: Browser,
    stepped_up_at: datetime | None,
) -> str:
    sid = tokens.new_sid()
    limits = seats.lasting(seat.kind, seat.roles)
    absolute_until = work.now + limits.absolute
    work.session.execute(
        insert(AuthSession).values(
            id=SessionId(new_id()),
            sid_sha256=tokens.digest(sid),
            tenant_id=seat.tenant_id,
            person_id=person_id,
            kind=seat.kind,
            provider=provider,
            stepped_up_at=stepped_up_at,
            created_at=work.now,
            seen_at=work.now,
            idle_until=seats.idle_until(work.now, limits=limits, absolute_until=absolute_until),
            absolute_until=absolute_until,
            address=browser.address,
            agent=browser.agent[:AGENT_LENGTH],
        )
    )
    return sid


def _alive(now: datetime) -> tuple[Any, ...]:
    return (
        AuthSession.revoked_at.is_(None),
        AuthSession.idle_until > now,
        AuthSession.absolute_until > now,
    )


def _end(work: Work, *which: Any, because: str) -> int:
    ended = work.session.execute(
        update(AuthSession)
        .where(*which, AuthSession.revoked_at.is_(None))
        .values(revoked_at=work.now, revoked_because=because)
        .execution_options(synchronize_session=False)
    )
    return cast("CursorResult[Any]", ended).rowcount


def _person_of(user: SignedIn) -> PersonId:
    assert user.actor.person_id is not None
    return user.actor.person_id


def _home(own_seats: Sequence[Seat]) -> TenantId | None:
    return own_seats[0].tenant_id if own_seats else None


def _record(
    work: Work,
    action: str,
    person_id: PersonId | None,
    tenant_id: TenantId | None,
    outcome: str = "ok",
    **detail: Any,
) -> None:
    # What concerns no company that we know stands on the group's page, where operators see it.
    page = (
        tenant_id
        or work.session.scalars(
            select(Tenant.id).where(Tenant.kind == CompanyKind.GROUP)
        ).one_or_none()
    )
    if page is not None:
        audit.record(
            work, action, "person" if person_id else None, person_id, outcome, page, **detail
        )

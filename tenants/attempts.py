"""The counters behind `throttle.py`: rows of `login_attempt`, inside a transaction of `authn`."""

from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from kernel.db import Work
from kernel.errors import TooMany
from kernel.ids import PersonId
from tenants import throttle
from tenants.models import AuthSession, LoginAttempt
from tenants.throttle import Counter, Failures

Counted = Mapping[Counter, bytes]


def require_no_wait(
    work: Work, counted: Counted, *, person_id: PersonId | None, address: str
) -> None:
    """Raise `TooMany` while the account or the address has to wait; no hash is computed then."""
    waits = {
        counter: throttle.waiting(failures, now=work.now)
        for counter, failures in _failures(work, counted).items()
    }
    # Else whoever knows a name could lock its owner out from anywhere.
    if waits.get(Counter.ACCOUNT) and _is_known_address(work, person_id, address):
        del waits[Counter.ACCOUNT]
    longest = max(waits.values(), default=timedelta(0))
    if longest > timedelta(0):
        raise TooMany(retry_after_s=int(longest.total_seconds()) + 1)


def count_failure(work: Work, counted: Counted) -> None:
    """Count one more failure of each subject."""
    fresh = [
        {"kind": counter.value, "subject_hmac": subject, "failures": 0, "first_at": work.now}
        for counter, subject in sorted(counted.items())
    ]
    # Made first, locked then: two first failures at once would otherwise count as one.
    work.session.execute(upsert(LoginAttempt).values(fresh).on_conflict_do_nothing())
    for counter, before in _failures(work, counted, lock=True).items():
        after = throttle.after_failure(before, throttle.LIMITS[counter], now=work.now)
        work.session.execute(
            update(LoginAttempt)
            .where(
                LoginAttempt.kind == counter.value,
                LoginAttempt.subject_hmac == counted[counter],
            )
            .values(failures=after.count, first_at=after.first_at, wait_until=after.wait_until)
            .execution_options(synchronize_session=False)
        )


def clear(work: Work, counted: Counted) -> None:
    """Forget the failures of this account from this address, after a right password."""
    # The other two counters stay: one who knows one password may still try others.
    work.session.execute(
        delete(LoginAttempt).where(
            LoginAttempt.kind == Counter.PAIR.value,
            LoginAttempt.subject_hmac == counted[Counter.PAIR],
        )
    )


def _is_known_address(work: Work, person_id: PersonId | None, address: str) -> bool:
    since = work.now - throttle.KNOWN_ADDRESS
    statement = (
        select(AuthSession.address)
        .where(AuthSession.person_id == person_id, AuthSession.seen_at >= since)
        .distinct()
    )
    network = throttle.network_of(address)
    return any(throttle.network_of(used) == network for used in work.session.scalars(statement))


def _failures(work: Work, counted: Counted, *, lock: bool = False) -> Mapping[Counter, Failures]:
    # In key order, because two attempts that lock A, B and B, A deadlock.
    statement = (
        select(
            LoginAttempt.kind,
            LoginAttempt.failures,
            LoginAttempt.first_at,
            LoginAttempt.wait_until,
        )
        .where(
            or_(
                *(
                    (LoginAttempt.kind == counter.value) & (LoginAttempt.subject_hmac == subject)
                    for counter, subject in counted.items()
                )
            )
        )
        .order_by(LoginAttempt.kind, LoginAttempt.subject_hmac)
    )
    rows = work.session.execute(statement.with_for_update() if lock else statement)
    return {Counter(row.kind): Failures(row.failures, row.first_at, row.wait_until) for row in rows}

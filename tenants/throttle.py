"""How many wrong passwords are too many. Pure; `identity.py` keeps the counters.

Subjects are HMACs, so the table collects no names, and an unknown name counts like a known one.
"""

import hashlib
import hmac
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final


class Counter(StrEnum):
    """What is counted: one account from one address, an address, an account from anywhere."""

    PAIR = "pair"
    ADDRESS = "address"
    ACCOUNT = "account"


@dataclass(frozen=True, slots=True)
class Limit:
    """So many failures within `window` make the next one wait for `wait`."""

    failures: int
    window: timedelta
    wait: timedelta


LIMITS: Final[Mapping[Counter, Limit]] = {
    Counter.PAIR: Limit(5, timedelta(minutes=15), timedelta(minutes=15)),
    Counter.ADDRESS: Limit(30, timedelta(minutes=10), timedelta(minutes=10)),
    Counter.ACCOUNT: Limit(50, timedelta(hours=1), timedelta(hours=1)),
}
KNOWN_ADDRESS: Final = timedelta(days=30)
"""While an account waits, addresses that it used within this time are still let in."""


@dataclass(frozen=True, slots=True)
class Failures:
    """The running count of one subject."""

    count: int
    first_at: datetime
    wait_until: datetime | None


def after_failure(before: Failures | None, limit: Limit, *, now: datetime) -> Failures:
    """Return the count after one more failure at `now`; an old window begins anew."""
    if before is None or now - before.first_at >= limit.window:
        return Failures(1, now, None)
    count = before.count + 1
    # The window begins anew with the wait, else the first failure after it would wait again.
    if count >= limit.failures:
        return Failures(0, now, now + limit.wait)
    return Failures(count, before.first_at, before.wait_until)


def waiting(failures: Failures | None, *, now: datetime) -> timedelta:
    """Return how long the subject still has to wait; zero if it need not."""
    if failures is None or failures.wait_until is None:
        return timedelta(0)
    return max(failures.wait_until - now, timedelta(0))


def network_of(address: str) -> str:
    """Return the network that counts as one address: IPv4 itself, IPv6 its /64."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)


def subjects(key: bytes, *, account: str, address: str) -> Mapping[Counter, bytes]:
    """Return what to count for one attempt, each hidden by an HMAC under `key`."""
    network = network_of(address)
    named = {
        Counter.PAIR: f"{account}\n{network}",
        Counter.ADDRESS: network,
        Counter.ACCOUNT: account,
    }
    return {
        counter: hmac.digest(key, f"{counter.value}\n{subject}".encode(), hashlib.sha256)
        for counter, subject in named.items()
    }

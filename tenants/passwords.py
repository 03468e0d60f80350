"""Passwords of local accounts: argon2id, one computation at a time on this machine.

A hash takes 64 MiB and a core for a moment. Without a queue, sign-ins alone could take the machine;
so one is computed at a time, four may wait up to two seconds, the next is told to come back.
"""

import fcntl
import os
import re
import secrets
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError
from flask_babel import gettext as _

from kernel.errors import Unavailable
from tenants.errors import PasswordRefused

SHORTEST: Final = 12
LONGEST: Final = 128
WAITING: Final = 4
LONGEST_WAIT_S: Final = 2.0
_POLL_S: Final = 0.02
# The hash of a random word that nobody knows: an unknown name costs the same time as a known one.
_NOBODY: Final = (
    "$argon2id$v=19$m=65536,t=3,p=1$QTJDkhELlzdLn7UZNyQ1zQ$5ZDuRB"
    "qoX2BZw8t5pXa/nFCBFFyELu+wMJWnCJAVzWY"
)
_REPEATED: Final = re.compile(r"(.{1,4})\1+.{0,3}", re.DOTALL)


_HASHER: Final = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=1)


def hash_password(password: str) -> str:
    """Return the salted hash to store, without queueing: for commands, not for requests."""
    return _HASHER.hash(password)


class Passwords:
    """Computes and compares hashes; `folder` holds the lock files, one folder per machine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def hash(self, password: str) -> str:
        """Return the salted hash to store. Raises `Unavailable` when too many wait."""
        with self._turn():
            return _HASHER.hash(password)

    def verify(self, stored: str | None, password: str) -> bool:
        """Say whether the password is right; None (no such account) costs the same time.

        Raises `Unavailable` when too many wait.
        """
        with self._turn():
            try:
                _HASHER.verify(stored or _NOBODY, password[: LONGEST + 1])
            except (VerifyMismatchError, VerificationError, InvalidHashError):
                return False
        return stored is not None

    def is_outdated(self, stored: str) -> bool:
        """Say whether the parameters have risen since this hash was computed."""
        return _HASHER.check_needs_rehash(stored)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        with self._open("turn") as turn:
            if not _locked(turn):
                with self._place_in_queue():
                    self._wait_for(turn)
            yield

    @contextmanager
    def _place_in_queue(self) -> Iterator[None]:
        for number in range(WAITING):
            with self._open(f"queue.{number}") as place:
                if _locked(place):
                    yield
                    return
        raise Unavailable(retry_after_s=int(LONGEST_WAIT_S))

    def _wait_for(self, turn: int) -> None:
        until = time.monotonic() + LONGEST_WAIT_S
        while not _locked(turn):
            if time.monotonic() >= until:
                raise Unavailable(retry_after_s=int(LONGEST_WAIT_S))
            time.sleep(_POLL_S)

    @contextmanager
    def _open(self, name: str) -> Iterator[int]:
        # flock belongs to the open file: it works between threads and ends with the process.
        self._folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._folder / f"password.{name}", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            yield descriptor
        finally:
            os.close(descriptor)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def check_new(password: str, *, own_words: Iterable[str]) -> None:
    """Raise `PasswordRefused` for a password that is too short, too long or easy to guess.

    `own_words` are the person's and the company's names, sign-in name and e-mail address.
    """
    if len(password) < SHORTEST:
        raise PasswordRefused(
            field="new_password", why=_("it needs at least %(n)s characters.", n=SHORTEST)
        )
    if len(password) > LONGEST:
        raise PasswordRefused(
            field="new_password", why=_("it may have at most %(n)s characters.", n=LONGEST)
        )
    plain = password.casefold()
    if plain in common() or _REPEATED.fullmatch(plain):
        raise PasswordRefused(
            field="new_password", why=_("it is among the first that others would try.")
        )
    if any(word in plain for word in _telling(own_words)):
        raise PasswordRefused(
            field="new_password", why=_("it contains a name of yours or of the company.")
        )


def _telling(words: Iterable[str]) -> set[str]:
    parts = {part for word in words for part in re.split(r"[\s@/._-]+", word.casefold())}
    # Two Chinese characters are a whole name; three latin letters are in every other word.
    return {part for part in parts if len(part) >= (4 if part.isascii() else 2)}


@cache
def common() -> frozenset[str]:
    """Return the commonest passwords that are long enough to be tried here."""
    lines = Path(__file__).with_name("common_passwords.txt").read_text(encoding="utf-8")
    return frozenset(line for line in lines.splitlines() if not line.startswith("# "))


def first_password() -> str:
    """Return a random first password: 4 groups of 5 letters and digits that cannot be mixed up."""
    letters = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(letters) for _n in range(5)) for _g in range(4))

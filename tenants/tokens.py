"""Secrets that browsers and devices hold: made here, stored as hashes, compared safely."""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from typing import Final

_DEVICE: Final = re.compile(r"gyd_([0-9a-f]{8})_([A-Za-z0-9_-]{43})", re.ASCII)


@dataclass(frozen=True, slots=True)
class NewToken:
    """A device token at its birth: `shown` is seen once, the rest is stored."""

    shown: str
    public_id: str
    secret_sha256: bytes


def new_sid() -> str:
    """Return a new session id of 256 random bits."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> bytes:
    """Return the SHA-256 under which a secret of full strength is stored."""
    return hashlib.sha256(secret.encode()).digest()


def new_device_token() -> NewToken:
    """Return a new token `gyd_<8>_<43>`: a public id to find it by, and 256 random bits."""
    public_id, secret = secrets.token_hex(4), secrets.token_urlsafe(32)
    return NewToken(f"gyd_{public_id}_{secret}", public_id, digest(secret))


def read_device_token(written: str) -> tuple[str, str] | None:
    """Return (public id, secret) of a well-formed device token, else None."""
    found = _DEVICE.fullmatch(written)
    return (found[1], found[2]) if found else None


def is_same(secret: str, secret_sha256: bytes) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(digest(secret), secret_sha256)

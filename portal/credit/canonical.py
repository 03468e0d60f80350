"""Canonical JSON (RFC 8785) of what we sign, hash and disclose, and the root over commitments.

Values are strings, integers, lists and objects under ASCII keys; for those the standard's form is
one `json.dumps`. Floats, booleans and null are refused: their texts differ between languages.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256

Json = str | int | Sequence["Json"] | Mapping[str, "Json"]


def canonical(value: Json) -> str:
    """Return the one text of `value`. Raises `TypeError` for anything it may not hold."""
    _check(value)
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(value: Json) -> bytes:
    """Return the SHA-256 of the canonical text."""
    return sha256(canonical(value).encode()).digest()


def commitment(salt: bytes, body: str) -> bytes:
    """Return SHA-256 over salt and body: it binds a fact and shows nothing of it."""
    return sha256(salt + body.encode()).digest()


def root(commitments: Iterable[bytes]) -> bytes:
    """Return the Merkle root (RFC 9162) over the sorted commitments; none give SHA-256 of ''.

    Sorted, so that the same facts have the same root in whatever order they were read.
    """
    leaves = [sha256(b"\x00" + each).digest() for each in sorted(commitments)]
    return _root(leaves) if leaves else sha256(b"").digest()


def _root(leaves: Sequence[bytes]) -> bytes:
    # The standard splits at the largest power of two below n; pairing from the left, with an odd
    # last one carried up, gives the same tree without recursion.
    level = list(leaves)
    while len(level) > 1:
        paired = [
            sha256(b"\x01" + level[i] + level[i + 1]).digest() for i in range(0, len(level) - 1, 2)
        ]
        level = paired + level[len(level) - len(level) % 2 :]
    return level[0]


def _check(value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, str | int | Mapping | Sequence):
        raise TypeError(f"not canonical: {type(value).__name__}")
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if not isinstance(key, str) or not key.isascii():
                raise TypeError("keys are ASCII text")
            _check(inner)
    elif not isinstance(value, str | int):
        for inner in value:
            _check(inner)

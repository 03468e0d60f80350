"""Unified social credit codes of Chinese organisations (GB 32100-2015): check and complete."""

from typing import Final

ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
LENGTH: Final = 18
_MODULUS: Final = 31


def check_character(body: str) -> str:
    """Return the 18th character for the first 17. Raises `ValueError` for any other input."""
    if len(body) != LENGTH - 1:
        raise ValueError("a code has 17 characters before its check character")
    total = sum(
        ALPHABET.index(character) * pow(3, place, _MODULUS) for place, character in enumerate(body)
    )
    return ALPHABET[(_MODULUS - total % _MODULUS) % _MODULUS]


def is_valid(code: str) -> bool:
    """Say whether `code` is a well-formed code with a right check character."""
    if len(code) != LENGTH or not set(code) <= set(ALPHABET):
        return False
    return check_character(code[:-1]) == code[-1]


def complete(body: str) -> str:
    """Return the whole code for its first 17 characters."""
    return body + check_character(body)


def tidy(written: str) -> str:
    """Return a code as people write it (spaces, small or full-width letters) in its plain form."""
    narrow = (chr(ord(c) - 0xFEE0) if 0xFF01 <= ord(c) <= 0xFF5E else c for c in written)
    return "".join(c for c in narrow if not c.isspace() and c != "-").upper()

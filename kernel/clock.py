"""The one clock. Rules take `now` as an argument; services read `work.now`, read from here."""

from datetime import UTC, datetime

_frozen: datetime | None = None


def now() -> datetime:
    """Return the present moment, aware, in UTC."""
    return _frozen or datetime.now(UTC)


def freeze(moment: datetime) -> None:
    """Stop the clock at `moment` (aware). For tests alone."""
    global _frozen
    _frozen = moment.astimezone(UTC)


def thaw() -> None:
    """Let the clock run again."""
    global _frozen
    _frozen = None

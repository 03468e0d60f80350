"""Events: what has happened, written beside the change and delivered after the commit.

Who reacts is said in the composition root with `Subscriptions.subscribe`; who emits does not
know. Delivery is a job of its own transaction: all subscribers succeed together, or it is repeated.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from kernel.ids import TenantId

if TYPE_CHECKING:
    from kernel.db import Work


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Base of events; `kind` is `<package>.<past_tense>.v<n>`."""

    kind: ClassVar[str]


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event on its way to a subscriber: `body` as emitted, its ids as text."""

    kind: str
    tenant_id: TenantId
    body: Mapping[str, Any]


Subscriber = Callable[["Work", Delivery], None]


class Subscriptions:
    """Who hears of which kind of event; made once in the composition root."""

    def __init__(self) -> None:
        self._by_kind: dict[str, list[Subscriber]] = {}

    def subscribe(self, kind: str, subscriber: Subscriber) -> None:
        """Let `subscriber` hear of every event of `kind`, inside a work of the worker."""
        self._by_kind.setdefault(kind, []).append(subscriber)

    def of(self, kind: str) -> tuple[Subscriber, ...]:
        """Return the subscribers of `kind` in the order in which they were added."""
        return tuple(self._by_kind.get(kind, ()))

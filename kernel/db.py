"""One session, one actor, one transaction: the only module that opens, commits and rolls back.

The database keeps companies apart, not this code: each transaction enters the role of its actor's
kind and tells the policies who asks. There is no other way to a session. See `tenancy` in the docs.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date, datetime, time
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, TypeVar, get_origin
from uuid import UUID

import psycopg
from sqlalchemy import (
    BigInteger,
    Boolean,
    Connection,
    Date,
    DateTime,
    Double,
    Engine,
    LargeBinary,
    MetaData,
    Numeric,
    Text,
    Time,
    TypeDecorator,
    Uuid,
    create_engine,
    event,
    make_url,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Session, SessionTransaction
from sqlalchemy.orm.decl_api import TypeResolve
from sqlalchemy.types import TypeEngine

from kernel import clock
from kernel.actor import Actor, Kind
from kernel.errors import Forbidden, NoActor
from kernel.ids import TenantId, ViewId, WorkId, new_id
from kernel.outbox import Event

SETTINGS: Final = (
    "role",
    "app.tenant_id",
    "app.person_id",
    "app.source_id",
    "app.work_id",
    "app.view_id",
    "transaction_read_only",
)
_ENTER: Final = "SELECT " + ", ".join(f"set_config('{name}', %s, true)" for name in SETTINGS)

E_ = TypeVar("E_", bound=Event)


class Base(DeclarativeBase):
    """Base of every table; constraints are named by one convention, so refusals can name them."""

    metadata = MetaData(
        naming_convention={
            "ck": "ck__%(table_name)s__%(constraint_name)s",
            "uq": "uq__%(table_name)s__%(column_0_N_name)s",
            "ix": "ix__%(table_name)s__%(column_0_N_name)s",
            "fk": "fk__%(table_name)s__%(column_0_N_name)s",
            "pk": "pk__%(table_name)s",
        }
    )


_PLAIN: Final[dict[type, TypeEngine[Any]]] = {
    bool: Boolean(),
    int: BigInteger(),
    float: Double(),
    str: Text(),
    bytes: LargeBinary(),
    UUID: Uuid(),
    datetime: DateTime(timezone=True),
    date: Date(),
    time: Time(),
    Decimal: Numeric(18, 3),
}


class Word(TypeDecorator[StrEnum]):
    """A StrEnum in a text column: states stay readable in SQL and leakproof under policies."""

    impl = Text
    cache_ok = True

    def __init__(self, words: type[StrEnum]) -> None:
        super().__init__()
        self.words = words

    def process_bind_param(self, value: StrEnum | None, dialect: Dialect) -> str | None:
        """Write the word's value; a plain string must be one of the words."""
        return None if value is None else self.words(value).value

    def process_result_value(self, value: str | None, dialect: Dialect) -> StrEnum | None:
        """Read the word back as its member."""
        return None if value is None else self.words(value)


@event.listens_for(Base, "resolve_type_annotation")
def _resolve(resolve: TypeResolve) -> TypeEngine[Any] | None:
    # SQLAlchemy maps neither a NewType nor a StrEnum to our column types by itself.
    wanted: Any = resolve.resolved_type
    while hasattr(wanted, "__supertype__"):
        wanted = wanted.__supertype__
    origin = get_origin(wanted)
    if origin is dict or wanted is dict:
        return JSONB()
    if isinstance(wanted, type) and issubclass(wanted, StrEnum):
        return Word(wanted)
    return _PLAIN.get(wanted)


def one_of(column: str, words: type[StrEnum]) -> str:
    """Return the text of a CHECK that `column` holds one of `words`."""
    return f"{column} IN ({', '.join(repr(word.value) for word in words)})"


@dataclass(frozen=True, slots=True)
class Work:
    """One unit of work: one session, one actor, one moment. Services take it first."""

    session: Session
    actor: Actor
    now: datetime
    id: WorkId
    read_only: bool = False
    view_id: ViewId | None = None

    @property
    def tenant_id(self) -> TenantId:
        """The actor's company. Raises `NoActor` for an actor that has none."""
        if self.actor.tenant_id is None:
            raise NoActor
        return self.actor.tenant_id

    def context(self) -> tuple[str, ...]:
        """Return the values of `SETTINGS`; '' where there is none (policies read it as NULL)."""
        actor = self.actor
        ids = (actor.tenant_id, actor.person_id, actor.source_id, self.id, self.view_id)
        return (
            f"portal_{actor.kind.value}",
            *("" if each is None else str(each) for each in ids),
            "on" if self.read_only else "off",
        )

    def require(self, permission: str) -> None:
        """Raise `Forbidden` unless the actor holds the permission somewhere."""
        if not self.actor.may(permission):
            raise Forbidden

    def defer(self, task: str, *, priority: int = 0, **args: str | int) -> None:
        """Queue a job in this transaction: it exists if and only if the change does."""
        self.session.execute(
            text(
                "SELECT jobs.procrastinate_defer_jobs_v1(ARRAY[ROW('portal', :task, :priority,"
                " NULL, NULL, CAST(:args AS jsonb), NULL)::jobs.procrastinate_job_to_defer_v1])"
            ),
            {"task": task, "priority": priority, "args": json.dumps(args)},
        )

    def emit(self, happened: E_, *, tenant_id: TenantId | None = None) -> E_:
        """Write the event beside the change and queue its delivery; return it.

        `tenant_id` names the company when a worker, who has none, acts for it.
        """
        outbox_id = new_id()
        self.session.execute(
            text(
                "INSERT INTO outbox (id, tenant_id, kind, body, recorded_at)"
                " VALUES (:id, :tenant_id, :kind, CAST(:body AS jsonb), :now)"
            ),
            {
                "id": outbox_id,
                "tenant_id": tenant_id or self.actor.tenant_id,
                "kind": happened.kind,
                "body": json.dumps(asdict(happened), default=str),
                "now": self.now,
            },
        )
        self.defer("kernel.deliver", outbox_id=str(outbox_id))
        return happened


class WorkSession(Session):
    """A session that refuses to begin a transaction for nobody."""


@event.listens_for(WorkSession, "after_begin")
def _enter(session: Session, transaction: SessionTransaction, connection: Connection) -> None:
    # Every transaction, also one after a savepoint: settings are local to it and end with it.
    if transaction.nested:
        return  # a savepoint keeps what its transaction was told
    work = session.info.get("work")
    driver: Any = connection.connection.dbapi_connection
    if work is None or driver is None or driver.autocommit:
        raise NoActor
    try:
        # Straight to the driver: this is paid by every transaction there is.
        driver.execute(_ENTER, work.context())
    except psycopg.Error:
        # Again through SQLAlchemy, which says it in its own words and drops a connection that is
        # gone. Nothing else has happened in this transaction.
        if not driver.closed:
            driver.rollback()
        connection.exec_driver_sql(_ENTER, work.context())


class Database:
    """The way in: `with database.work(actor) as work:` is one transaction of that actor."""

    def __init__(self, url: str, *, pool_size: int = 8, application_name: str = "gongyun") -> None:
        self.engine: Engine = create_engine(
            make_url(url),
            pool_size=pool_size,
            max_overflow=4,
            pool_pre_ping=True,
            hide_parameters=True,  # the text of an error goes into logs, facts and names do not
            connect_args={"application_name": application_name, "options": "-c timezone=UTC"},
        )

    @contextmanager
    def work(
        self,
        actor: Actor,
        *,
        read_only: bool = False,
        view_id: ViewId | None = None,
        now: datetime | None = None,
        work_id: WorkId | None = None,
    ) -> Iterator[Work]:
        """Open one transaction as `actor`; commit it at the end, roll it back on any exception."""
        with WorkSession(self.engine, expire_on_commit=False) as session:
            work = Work(
                session=session,
                actor=actor,
                now=now or clock.now(),
                id=work_id or WorkId(new_id()),
                read_only=read_only,
                view_id=view_id,
            )
            session.info["work"] = work
            try:
                yield work
                session.commit()
            except BaseException:
                session.rollback()
                raise

    def dispose(self) -> None:
        """Close the pool's connections."""
        self.engine.dispose()


def worker(tenant_id: TenantId | None = None) -> Actor:
    """Return the worker's actor, with the company it acts for where there is one."""
    return Actor(Kind.WORKER, tenant_id=tenant_id)

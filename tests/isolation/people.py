"""Who crawls: a person for every role of two companies, the banks and the group; devices; nobody.

Their rows come on top of those of the row suite. Sessions are rows, too: no password is hashed.
"""

import hashlib
import os
import secrets
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import psycopg
from flask import Flask
from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer

from kernel.actor import Kind
from tenants import tokens
from tenants.roles import CompanyKind, Role, fitting, seat_kind
from tests.isolation import world
from tests.isolation.rows import Row, canary, database_time
from tests.isolation.world import BANK, GROUP, OTHER_BANK, WORK, A, B, Company, Viewer

FIRST_NUMBER = 10
"""Numbers of the crawling people; smaller ones belong to the row suite."""


@dataclass(frozen=True)
class Crawler:
    """One actor who tries every door; `viewer` is what the database knows of her."""

    label: str
    company: Company | None
    role: Role | None
    viewer: Viewer | None
    sid: str = ""
    bearer: str = ""

    def client(self, app: Flask) -> FlaskClient:
        """Return a browser in which this session is open, with a CSRF token in it."""
        client = app.test_client()
        if self.bearer:
            client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {self.bearer}"
            return client
        raw = hashlib.sha256(os.urandom(64)).hexdigest()
        with client.session_transaction() as session:
            session["csrf_token"] = raw
            if self.sid:
                session["_user_id"], session["_fresh"] = self.sid, True
        key = app.secret_key
        assert key is not None
        signed = URLSafeTimedSerializer(key, salt="wtf-csrf-token").dumps(raw)
        client.environ_base["HTTP_X_CSRFTOKEN"] = str(signed)
        return client


def crawlers(connection: psycopg.Connection) -> list[Crawler]:
    """Write everybody's rows as superuser and return them, strangers last."""
    found = [
        _person(connection, company, role, FIRST_NUMBER + number)
        for company in (A, B, GROUP, BANK, OTHER_BANK)
        for number, role in enumerate(fitting(CompanyKind(company.kind)))
    ]
    found += [_device(connection, company) for company in (A, B)]
    return [*found, Crawler("nobody", None, None, None)]


def _person(connection: psycopg.Connection, company: Company, role: Role, number: int) -> Crawler:
    kind = seat_kind(CompanyKind(company.kind), role)
    assert kind is not None
    person, sid = company.person(number), secrets.token_urlsafe(32)
    now = database_time(connection)
    add = _Adder(connection)
    add(
        "person",
        id=person,
        name_zh=canary(company, "person zh", number),
        name_en=canary(company, "person en", number),
        login_name=canary(company, "login", number),
        made_in=WORK,
        created_at=now,
    )
    add("membership", tenant_id=company.id, person_id=person, created_at=now)
    add(
        "role_grant",
        id=world.fixed("grant", person),
        tenant_id=company.id,
        tenant_kind=company.kind,
        person_id=person,
        place_id=world.fixed("place", company.code, 0),
        role=role.value,
        granted_by=world.CONSOLE,
        granted_at=now,
    )
    add(
        "operation",
        id=world.fixed("operation", person),
        tenant_id=company.id,
        person_id=person,
        kind=canary(company, "operation", number),
        created_at=now,
    )
    open_session(connection, company, person, kind, sid)
    viewer = Viewer(role.value, kind.value, company.id, person, work=WORK)
    return Crawler(f"{role.value} of {company.code}", company, role, viewer, sid=sid)


def open_session(
    connection: psycopg.Connection, company: Company, person: UUID, kind: Kind, sid: str
) -> None:
    """Open a session that has just proved who it is, and lasts for the whole run."""
    now = database_time(connection)
    until = now + timedelta(hours=6)
    _Adder(connection)(
        "auth_session",
        id=world.fixed("session", sid),
        sid_sha256=tokens.digest(sid),
        tenant_id=company.id,
        person_id=person,
        kind=kind.value,
        provider="local",
        stepped_up_at=now + timedelta(hours=1),
        created_at=now,
        seen_at=now,
        idle_until=until,
        absolute_until=until,
        address="192.0.2.1",
        agent=canary(company, "agent", person),
    )


def revive(connection: psycopg.Connection) -> None:
    """Give everybody back what a colleague's crawl has ended: session, membership, role, place."""
    connection.execute("SET LOCAL session_replication_role = replica")
    for statement in (
        "UPDATE portal.auth_session SET revoked_at = NULL, revoked_because = NULL",
        "UPDATE portal.membership SET ended_at = NULL, ended_by = NULL",
        "UPDATE portal.role_grant SET revoked_at = NULL, revoked_by = NULL",
        "UPDATE portal.place SET retired_at = NULL",
        "UPDATE portal.device_token SET revoked_at = NULL, revoked_by = NULL",
    ):
        connection.execute(statement)  # type: ignore[call-overload]


def _device(connection: psycopg.Connection, company: Company) -> Crawler:
    token, now = tokens.new_device_token(), database_time(connection)
    source = world.source(company)
    _Adder(connection)(
        "device_token",
        id=world.fixed("token", token.public_id),
        tenant_id=company.id,
        source_id=source,
        name=canary(company, "token"),
        public_id=token.public_id,
        secret_sha256=token.secret_sha256,
        made_by=company.person(),
        created_at=now,
        expires_at=now + timedelta(days=30),
    )
    viewer = Viewer("device", "ingest", company.id, source=source, work=WORK)
    return Crawler(f"device of {company.code}", company, None, viewer, bearer=token.shown)


class _Adder:
    def __init__(self, connection: psycopg.Connection) -> None:
        self.connection = connection

    def __call__(self, table: str, **values: object) -> None:
        names, places = ", ".join(values), ", ".join(["%s"] * len(values))
        statement = f"INSERT INTO portal.{table} ({names}) VALUES ({places})"
        self.connection.execute(statement, list(values.values()))  # type: ignore[call-overload]


def is_of(crawler: Crawler, table: str, row: Row) -> bool:
    """Say whether a row is the crawler's own company's; a consent is its bank's, too."""
    if crawler.company is None:
        return False
    mine = str(crawler.company.id)
    if table == "consent" and row["bank_id"] == mine:
        return row["state"] == "active"
    return (row["id"] if table == "tenant" else row.get("tenant_id")) == mine

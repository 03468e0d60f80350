"""Tables of the credit view; private to this package.

`tenant_id` is the company whose data a row holds, but in `consent_request`, where it is the bank
that asks: whether the company is here must not show. Evidence, reads and figures are append-only.
"""

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import UserDefinedType

from kernel.db import Base, one_of
from kernel.ids import PersonId, TenantId, ViewId
from portal.credit.ids import (
    AccessId,
    ConsentEventId,
    ConsentId,
    ConsentRequestId,
    EvidenceId,
    FigureId,
)
from portal.credit.lifecycle import ConsentState, RequestState
from portal.credit.metrics.figure import Better, Unit
from portal.credit.words import Outcome, Page, Purpose, Quality
from tenants.models import Tenant

KNOWN_DATASETS = "datasets <@ ARRAY['H', 'B', 'C', 'G'] AND 'H' = ANY (datasets)"


class Xid8(UserDefinedType[int]):
    """PostgreSQL's 64-bit transaction id; SQLAlchemy has no name for it."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "xid8"


class ConsentRequest(Base):
    """A bank asks a company, named by its registration code, to be let in."""

    __tablename__ = "consent_request"

    id: Mapped[ConsentRequestId] = mapped_column(primary_key=True)
    tenant_id: Mapped[TenantId] = mapped_column(ForeignKey(Tenant.id))  # the bank
    name: Mapped[str]
    uscc: Mapped[str]
    purpose: Mapped[Purpose]
    datasets: Mapped[list[str]] = mapped_column(ARRAY(Text))
    level: Mapped[int]
    days: Mapped[int]
    reason: Mapped[str]
    state: Mapped[RequestState]
    asked_by: Mapped[PersonId]
    asked_at: Mapped[datetime]
    due_at: Mapped[datetime]

    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        Index("ix__consent_request__due_at", "due_at", postgresql_where=text("state = 'sent'")),
        CheckConstraint(one_of("state", RequestState), name="state_known"),
        CheckConstraint(one_of("purpose", Purpose), name="purpose_known"),
        CheckConstraint(KNOWN_DATASETS, name="datasets_known"),
        CheckConstraint("level BETWEEN 0 AND 2", name="level_known"),
        CheckConstraint("days BETWEEN 1 AND 365", name="days_within_a_year"),
    )


class Consent(Base):
    """What a company opens to one bank, for one purpose, until when, and who gave it.

    Names of both parties are those of the day it was made. `pseudonym_key` makes the names under
    which this bank sees the machines; it is not granted to banks.
    """

    __tablename__ = "consent"

    id: Mapped[ConsentId] = mapped_column(primary_key=True)
    tenant_id: Mapped[TenantId] = mapped_column(ForeignKey(Tenant.id))
    bank_id: Mapped[TenantId] = mapped_column(ForeignKey(Tenant.id))
    request_id: Mapped[ConsentRequestId | None]
    company_uscc: Mapped[str]
    company_name_zh: Mapped[str]
    company_name_en: Mapped[str]
    bank_name_zh: Mapped[str]
    bank_name_en: Mapped[str]
    purpose: Mapped[Purpose]
    datasets: Mapped[list[str]] = mapped_column(ARRAY(Text))
    level: Mapped[int]
    data_from: Mapped[date]
    days: Mapped[int]
    reason: Mapped[str]
    valid_from: Mapped[datetime | None]
    valid_until: Mapped[datetime | None]
    notice_sha256: Mapped[bytes | None] = mapped_column(LargeBinary)
    prepared_by: Mapped[PersonId | None]
    prepared_at: Mapped[datetime | None]
    approved_by: Mapped[PersonId | None]
    approved_at: Mapped[datetime | None]
    one_person: Mapped[bool] = mapped_column(server_default=text("false"))
    acr: Mapped[str | None]
    state: Mapped[ConsentState]
    due_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    pseudonym_key: Mapped[bytes] = mapped_column(
        LargeBinary, deferred=True, deferred_raiseload=True
    )
    version: Mapped[int] = mapped_column()

    # Two people decide at once: the later save is refused instead of winning unseen.
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        UniqueConstraint("id", "tenant_id", "bank_id"),
        ForeignKeyConstraint(
            ["bank_id", "request_id"], [ConsentRequest.tenant_id, ConsentRequest.id]
        ),
        Index(
            "uq__consent__one_live",
            "tenant_id",
            "bank_id",
            "purpose",
            unique=True,
            postgresql_where=text("state IN ('active', 'suspended')"),
        ),
        Index(
            "uq__consent__one_waiting",
            "tenant_id",
            "bank_id",
            "purpose",
            unique=True,
            postgresql_where=text("state IN ('requested', 'draft', 'prepared')"),
        ),
        Index("ix__consent__bank_id", "bank_id", "created_at"),
        CheckConstraint(one_of("state", ConsentState), name="state_known"),
        CheckConstraint(one_of("purpose", Purpose), name="purpose_known"),
        CheckConstraint(KNOWN_DATASETS, name="datasets_known"),
        CheckConstraint("level BETWEEN 0 AND 2", name="level_known"),
        CheckConstraint("days BETWEEN 1 AND 365", name="days_within_a_year"),
        CheckConstraint(
            "valid_until <= valid_from + interval '366 days'", name="valid_within_a_year"
        ),
        CheckConstraint(
            "approved_by IS NULL OR one_person = (approved_by = prepared_by)", name="four_eyes"
        ),
        CheckConstraint(
            "state NOT IN ('active', 'suspended', 'withdrawn', 'expired', 'superseded')"
            " OR (prepared_by IS NOT NULL AND approved_by IS NOT NULL AND notice_sha256 IS NOT NULL"
            " AND valid_from IS NOT NULL AND valid_until IS NOT NULL)",
            name="given_is_whole",
        ),
        CheckConstraint("bank_id <> tenant_id", name="two_parties"),
        CheckConstraint("length(pseudonym_key) = 32", name="key_is_whole"),
    )


class ConsentEvent(Base):
    """What happened to a consent, by whom; `receipt` is what the company can show (TS 27560)."""

    __tablename__ = "consent_event"

    id: Mapped[ConsentEventId] = mapped_column(primary_key=True)
    tenant_id: Mapped[TenantId]
    consent_id: Mapped[ConsentId]
    state: Mapped[ConsentState]
    person_id: Mapped[PersonId | None]
    recorded_at: Mapped[datetime]
    receipt: Mapped[str | None]

    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "consent_id"], [Consent.tenant_id, Consent.id]),
        Index("ix__consent_event__tenant_id_consent_id", "tenant_id", "consent_id", "recorded_at"),
        CheckConstraint(one_of("state", ConsentState), name="state_known"),
    )


class AccessLog(Base):
    """One read, written and committed before the first figure is shown.

    `opened_at` and `top_xid` are the database's own: nobody may write them.
    """

    __tablename__ = "access_log"

    id: Mapped[AccessId] = mapped_column(primary_key=True)
    tenant_id: Mapped[TenantId]
    view_id: Mapped[ViewId]
    bank_id: Mapped[TenantId]
    person_id: Mapped[PersonId]
    person_name_zh: Mapped[str]  # the company may not look up people of a bank
    person_name_en: Mapped[str]
    consent_id: Mapped[ConsentId]
    page: Mapped[Page]
    datasets: Mapped[list[str]] = mapped_column(ARRAY(Text))
    level: Mapped[int]
    fields: Mapped[list[str]] = mapped_column(ARRAY(Text))
    outcome: Mapped[Outcome]
    refused_because: Mapped[str | None]
    opened_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    top_xid: Mapped[int] = mapped_column(Xid8, server_default=func.pg_current_xact_id())

    __table_args__ = (
        ForeignKeyConstraint(
            ["consent_id", "tenant_id", "bank_id"],
            [Consent.id, Consent.tenant_id, Consent.bank_id],
        ),
        Index("ix__access_log__view_id", "view_id"),
        Index("ix__access_log__tenant_id_opened_at", "tenant_id", "opened_at"),
        Index("ix__access_log__bank_id_consent_id", "bank_id", "consent_id", "opened_at"),
        CheckConstraint(one_of("page", Page), name="page_known"),
        CheckConstraint(one_of("outcome", Outcome), name="outcome_known"),
        CheckConstraint(
            "(outcome = 'refused') = (refused_because IS NOT NULL)", name="refusal_has_reason"
        ),
    )


class BankView(Base):
    """One document of what a live consent opens; the only company data a bank can select."""

    __tablename__ = "bank_view"

    consent_id: Mapped[ConsentId] = mapped_column(primary_key=True)
    as_of: Mapped[date] = mapped_column(primary_key=True)
    dataset: Mapped[str] = mapped_column(primary_key=True)
    part: Mapped[str] = mapped_column(primary_key=True)
    tenant_id: Mapped[TenantId]
    doc: Mapped[dict[str, Any]]
    sha256: Mapped[bytes] = mapped_column(LargeBinary)
    made_at: Mapped[datetime]

    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "consent_id"], [Consent.tenant_id, Consent.id]),
        CheckConstraint("dataset IN ('H', 'B', 'C', 'G')", name="dataset_known"),
    )


class Evidence(Base):
    """One fact that figures are made of: canonical text under a commitment with its salt."""

    __tablename__ = "evidence"

    id: Mapped[EvidenceId] = mapped_column(primary_key=True)
    tenant_id: Mapped[TenantId] = mapped_column(ForeignKey(Tenant.id))
    kind: Mapped[str]
    key: Mapped[str]
    revision: Mapped[int]
    supersedes_id: Mapped[EvidenceId | None]
    occurred_on: Mapped[date]
    recorded_at: Mapped[datetime]
    body: Mapped[str | None]
    salt: Mapped[bytes | None] = mapped_column(LargeBinary)
    commit_sha256: Mapped[bytes] = mapped_column(LargeBinary)
    erased_at: Mapped[datetime | None]
    quality: Mapped[Quality]

    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        UniqueConstraint("tenant_id", "kind", "key", "revision"),
        ForeignKeyConstraint(["tenant_id", "supersedes_id"], ["evidence.tenant_id", "evidence.id"]),
        Index("ix__evidence__tenant_id_kind_occurred_on", "tenant_id", "kind", "occurred_on"),
        Index("ix__evidence__tenant_id_recorded_at", "tenant_id", "recorded_at"),
        CheckConstraint("kind IN ('day')", name="kind_known"),
        CheckConstraint(one_of("quality", Quality), name="quality_known"),
        CheckConstraint("(revision = 1) = (supersedes_id IS NULL)", name="revision_supersedes"),
        CheckConstraint(
            "erased_at IS NOT NULL OR commit_sha256 = sha256(salt || convert_to(body, 'UTF8'))",
            name="commit_binds",
        ),
    )


class MetricDef(Base):
    """A released definition of a figure; never changed, a new one is a new version."""

    __tablename__ = "metric_def"

    code: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    family: Mapped[str]
    kind: Mapped[str]
    unit: Mapped[Unit]
    window_d: Mapped[int]
    better: Mapped[Better]
    min_level: Mapped[int]
    min_count: Mapped[int]
    formula: Mapped[str]
    source_sha256: Mapped[bytes] = mapped_column(LargeBinary)

    __table_args__ = (
        CheckConstraint(one_of("unit", Unit), name="unit_known"),
        CheckConstraint(one_of("better", Better), name="better_known"),
    )


class MetricValue(Base):
    """One figure of one company at one day, as known at one moment."""

    __tablename__ = "metric_value"

    id: Mapped[FigureId] = mapped_column(primary_key=True)
    tenant_id: Mapped[TenantId] = mapped_column(ForeignKey(Tenant.id))
    code: Mapped[str]
    version: Mapped[int]
    as_of: Mapped[date]
    known_at: Mapped[datetime]
    first_on: Mapped[date]
    first_fact_on: Mapped[date | None]
    value: Mapped[int | None]
    low: Mapped[int | None]
    high: Mapped[int | None]
    num: Mapped[int]
    den: Mapped[int]
    fact_count: Mapped[int]
    coverage_permille: Mapped[int | None]
    why_missing: Mapped[str | None]
    evidence_root: Mapped[bytes] = mapped_column(LargeBinary)

    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        UniqueConstraint("tenant_id", "code", "version", "as_of", "known_at"),
        Index("ix__metric_value__tenant_id_known_at", "tenant_id", "known_at"),
        ForeignKeyConstraint(["code", "version"], [MetricDef.code, MetricDef.version]),
        CheckConstraint("(value IS NULL) = (why_missing IS NOT NULL)", name="missing_has_reason"),
    )

"""Tables of this package: companies, places, people, roles, sessions, tokens, sharing, audit.

A person may belong to several companies, so people, their accounts and sign-in attempts have no
`tenant_id`. Policies and grants stand in the migration.
"""

from datetime import datetime, time
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Computed,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from kernel.actor import PEOPLE, Kind
from kernel.db import Base, one_of
from kernel.ids import CONSOLE, PersonId, PlaceId, SessionId, SourceId, TenantId, WorkId
from tenants.ids import AuditId, DeviceTokenId, GrantId, ShareId
from tenants.roles import OF_BANK, OF_COMPANY, OF_GROUP, CompanyKind, Role
from tenants.words import CompanyState, KpiProfile, Level, Origin


def _words(roles: tuple[Role, ...]) -> str:
    return ", ".join(repr(role.value) for role in roles)


class Tenant(Base):
    """A company. `holding_ratio` is the part of the group, 0…1; `uscc` its code (GB 32100)."""

    __tablename__ = "tenant"

    id: Mapped[TenantId] = mapped_column(primary_key=True)
    kind: Mapped[CompanyKind]
    code: Mapped[str] = mapped_column(unique=True)
    name_zh: Mapped[str]
    name_en: Mapped[str]
    uscc: Mapped[str | None] = mapped_column(unique=True)
    segment: Mapped[str | None]
    region: Mapped[str | None]
    holding_ratio: Mapped[Decimal | None]
    kpi_profile: Mapped[KpiProfile | None]
    origin: Mapped[Origin]
    state: Mapped[CompanyState]
    created_at: Mapped[datetime]
    version: Mapped[int] = mapped_column()

    # Two people edit one profile: the later save is refused instead of winning unseen.
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012
    __table_args__ = (
        UniqueConstraint("id", "kind"),
        Index(
            "uq__tenant__one_group", "kind", unique=True, postgresql_where=text("kind = 'group'")
        ),
        CheckConstraint(one_of("kind", CompanyKind), name="kind_known"),
        CheckConstraint(one_of("kpi_profile", KpiProfile), name="kpi_profile_known"),
        CheckConstraint(one_of("origin", Origin), name="origin_known"),
        CheckConstraint(one_of("state", CompanyState), name="state_known"),
        CheckConstraint("holding_ratio BETWEEN 0 AND 1", name="holding_ratio_in_range"),
        CheckConstraint("code ~ '^[a-z][a-z0-9-]{1,30}$'", name="code_is_short"),
        CheckConstraint("uscc ~ '^[0-9A-HJ-NPQRTUWXY]{18}$'", name="uscc_is_plain"),
    )


class Place(Base):
    """A company, site, area, line or unit. A site has a time zone and a start of its day."""

    __tablename__ = "place"

    id: Mapped[PlaceId] = mapped_column(primary_key=True)
    tenant_id: Mapped[TenantId] = mapped_column(ForeignKey(Tenant.id))
    level: Mapped[Level]
    rank: Mapped[int] = mapped_column(
        Computed(
            "CASE level WHEN 'company' THEN 0 WHEN 'site' THEN 1 WHEN 'area' THEN 2"
            " WHEN 'line' THEN 3 ELSE 4 END",
            persisted=True,
        )
    )
    code: Mapped[str]
    name_zh: Mapped[str]
    name_en: Mapped[str]
    zone: Mapped[str | None]  # IANA name
    day_start: Mapped[time | None]  # the production day begins here, by the site's clock
    created_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint("tenant_id", "code"),
        UniqueConstraint("tenant_id", "id"),
        UniqueConstraint("tenant_id", "id", "rank"),
        Index(
            "uq__place__one_company",
            "tenant_id",
            unique=True,
            postgresql_where=text("level = 'company'"),
        ),
        CheckConstraint(one_of("level", Level), name="level_known"),
        CheckConstraint(
            "(level = 'site') = (zone IS NOT NULL) AND (level = 'site') = (day_start IS NOT NULL)",
            name="site_has_clock",
        ),
    )


class PlaceParent(Base):
    """Under which place another stands since when; one ends where the next begins."""

    __tablename__ = "place_parent"

    tenant_id: Mapped[TenantId] = mapped_column(ForeignKey(Tenant.id), primary_key=True)
    place_id: Mapped[PlaceId] = mapped_column(primary_key=True)
    place_rank: Mapped[int]
    parent_id: Mapped[PlaceId]
    parent_rank: Mapped[int]
    valid_from: Mapped[datetime] = mapped_column(primary_key=True)

    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "place_id", "place_rank"], [Place.tenant_id, Place.id, Place.rank]
        ),
        ForeignKeyConstraint(
            ["tenant_id", "parent_id", "parent_rank"], [Place.tenant_id, Place.id, Place.rank]
        ),
        # With the ranks in the keys no cycle can be stored, whoever writes.
        CheckConstraint("parent_rank < place_rank", name="parent_is_higher"),
    )


class Person(Base):
    """A human being, whatever companies she belongs to. `made_in` is the work that wrote her down.

    Policies let a company give a membership and a first password only to a person made in the same
    transaction: an existing person cannot be pulled in, nor her password replaced.
    """

    __tablename__ = "person"

    id: Mapped[PersonId] = mapped_column(primary_key=True)
    name_zh: Mapped[str]
    name_en: Mapped[str]
    email: Mapped[str | None] = mapped_column(unique=True)
    login_name: Mapped[str] = mapped_column(unique=True)
    made_in: Mapped[WorkId]
    created_at: Mapped[datetime]

    __table_args__ = (
        UniqueConstraint("id", "made_in"),
        CheckConstraint("email = lower(email)", name="email_is_lower"),
        CheckConstraint("login_name = lower(login_name)", name="login_name_is_lower"),
    )


class Membership(Base):
    """A person works for a company until `ended_at`.

    `made_in` is set, and has to be, where a company writes person and membership together.
    """

    __tablename__ = "membership"

    tenant_id: Mapped[TenantId] = mapped_column(ForeignKey(Tenant.id), primary_key=True)
    person_id: Mapped[PersonId] = mapped_column(ForeignKey(Person.id), primary_key=True)
    made_in: Mapped[WorkId | None]
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[PersonId | None]

    __table_args__ = (
        ForeignKeyConstraint(["person_id", "made_in"], [Person.id, Person.made_in]),
        Index(None, "person_id"),
        CheckConstraint("(ended_at IS NULL) = (ended_by IS NULL)", name="end_has_author"),
    )


class RoleGrant(Base):
    """A role held at a place and below it, from its grant until `revoked_at`."""

    __tablename__ = "role_grant"

    id: Mapped[GrantId] = mapped_column(primary_key=True)
    tenant_id: Mapped[TenantId]
    tenant_kind: Mapped[CompanyKind]
    person_id: Mapped[PersonId]
    place_id: Mapped[PlaceId]
    role: Mapped[Role]
    granted_by: Mapped[PersonId]
    approved_by: Mapped[PersonId | None]
    granted_at: Mapped[datetime]
    valid_until: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    revoked_by: Mapped[PersonId | None]

    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "tenant_kind"], [Tenant.id, Tenant.kind]),
        ForeignKeyConstraint(
            ["tenant_id", "person_id"], [Membership.tenant_id, Membership.person_id]
        ),
        ForeignKeyConstraint(["tenant_id", "place_id"], [Place.tenant_id, Place.id]),
        Index(
            "uq__role_grant__live",
            "tenant_id",
            "person_id",
            "place_id",
            "role",
            unique=True,
            postgresql_where=text("revoked_at IS NULL"),
        ),
        CheckConstraint("granted_by <> person_id", name="not_to_oneself"),
        CheckConstraint("approved_by <> person_id", name="not_approved_by_oneself"),
        CheckConstraint(
            f"tenant_kind <> 'group' OR granted_by = '{CONSOLE}'"
            " OR coalesce(approved_by <> granted_by, false)",
            name="group_needs_two",
        ),
        CheckConstraint(
            f"CASE tenant_kind WHEN 'group' THEN role IN ({_words(OF_GROUP)})"
            f" WHEN 'bank' THEN role IN ({_words(OF_BANK)})"
            f" ELSE role IN ({_words(OF_COMPANY)}) END",
            name="role_fits_kind",
        ),
        CheckConstraint(
            "(revoked_at IS NULL) = (revoked_by IS NULL)", name="revocation_has_author"
        ),
    )


class GroupShare(Base):
    """Every decision of a company about what the group may see; `level` NULL means nothing."""

    __tablename__ = "group_share"

    id: Mapped[ShareId] = mapped_column(primary_key=True)
    tenant_id: Mapped[TenantId] = mapped_column(ForeignKey(Tenant.id))
    level: Mapped[Level | None]
    set_by: Mapped[PersonId]
    effective_at: Mapped[datetime]

    __table_args__ = (
        Index(None, "tenant_id", "effective_at"),
        CheckConstraint(one_of("level", Level), name="level_known"),
    )


class GroupShareLevel(Base):
    """What holds now: one row for each level that the group may see. Policies read it."""

    __tablename__ = "group_share_level"

    tenant_id: Mapped[TenantId] = mapped_column(ForeignKey(Tenant.id), primary_key=True)
    level: Mapped[Level] = mapped_column(primary_key=True)

    __table_args__ = (CheckConstraint(one_of("level", Level), name="level_known"),)


class LocalAccount(Base):
    """The password of a person who signs in here; argon2id, salted, never shown to anybody."""

    __tablename__ = "local_account"

    person_id: Mapped[PersonId] = mapped_column(ForeignKey(Person.id), primary_key=True)
    password_hash: Mapped[str]
    changed_at: Mapped[datetime]
    must_change: Mapped[bool]


class AuthSession(Base):
    """One browser of one person acting for one company. The browser holds the sid, we its hash."""

    __tablename__ = "auth_session"

    id: Mapped[SessionId] = mapped_column(primary_key=True)
    sid_sha256: Mapped[bytes] = mapped_column(unique=True)
    tenant_id: Mapped[TenantId]
    person_id: Mapped[PersonId]
    kind: Mapped[Kind]
    provider: Mapped[str]
    stepped_up_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    idle_until: Mapped[datetime]
    absolute_until: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    revoked_because: Mapped[str | None]
    address: Mapped[str]
    agent: Mapped[str]

    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "person_id"], [Membership.tenant_id, Membership.person_id]
        ),
        Index(None, "tenant_id", "person_id"),
        Index(None, "person_id", "seen_at"),
        CheckConstraint(
            f"kind IN ({', '.join(repr(kind.value) for kind in PEOPLE)})", name="kind_known"
        ),
        CheckConstraint("provider IN ('local', 'demo')", name="provider_known"),
        CheckConstraint("idle_until <= absolute_until", name="idle_ends_first"),
        CheckConstraint(
            "(revoked_at IS NULL) = (revoked_because IS NULL)", name="revocation_has_reason"
        ),
    )


class LoginAttempt(Base):
    """Failures in the running window; the subject is an HMAC, so no names are collected."""

    __tablename__ = "login_attempt"

    kind: Mapped[str] = mapped_column(primary_key=True)
    subject_hmac: Mapped[bytes] = mapped_column(primary_key=True)
    failures: Mapped[int]
    first_at: Mapped[datetime]
    wait_until: Mapped[datetime | None]

    __table_args__ = (CheckConstraint("kind IN ('pair', 'address', 'account')", name="kind_known"),)


class DeviceToken(Base):
    """With it a device sends data for one source, and does nothing else."""

    __tablename__ = "device_token"

    id: Mapped[DeviceTokenId] = mapped_column(primary_key=True)
    tenant_id: Mapped[TenantId] = mapped_column(ForeignKey(Tenant.id))
    source_id: Mapped[SourceId]  # a data source of the production package; opaque here
    name: Mapped[str]
    public_id: Mapped[str] = mapped_column(unique=True)
    secret_sha256: Mapped[bytes]
    made_by: Mapped[PersonId]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    revoked_by: Mapped[PersonId | None]

    __table_args__ = (
        Index(None, "tenant_id"),
        CheckConstraint("expires_at <= created_at + interval '365 days'", name="lasts_a_year"),
        CheckConstraint(
            "(revoked_at IS NULL) = (revoked_by IS NULL)", name="revocation_has_author"
        ),
    )


class AuditLog(Base):
    """Who did what; `tenant_id` is whose page it is. No foreign key: it outlives everything."""

    __tablename__ = "audit_log"

    id: Mapped[AuditId] = mapped_column(primary_key=True)
    recorded_at: Mapped[datetime]
    tenant_id: Mapped[TenantId]
    actor_id: Mapped[PersonId | None]
    actor_tenant_id: Mapped[TenantId | None]
    db_role: Mapped[str] = mapped_column(server_default=text("current_user"))
    work_id: Mapped[WorkId]
    session_id: Mapped[SessionId | None]
    address: Mapped[str | None]
    action: Mapped[str]
    object_kind: Mapped[str | None]
    object_id: Mapped[str | None]
    outcome: Mapped[str]
    detail: Mapped[dict[str, Any]]

    __table_args__ = (
        Index(None, "tenant_id", "recorded_at"),
        CheckConstraint("outcome IN ('ok', 'refused', 'failed')", name="outcome_known"),
    )

"""Who may see, add and change which rows: table by table, in words, each word with its test.

This file is written from what people were promised, not from the policies; the row suite compares
the two. A table that is not here fails the suite. What stands nowhere is nobody's.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.isolation.rows import Made, Row
from tests.isolation.world import CONSOLE, Viewer

Test = Callable[[Viewer, Row, Made], bool]


@dataclass(frozen=True)
class Rule:
    """Which rows: `words` for people, `holds` for the suite."""

    words: str
    holds: Test

    def __or__(self, other: "Rule") -> "Rule":
        return Rule(
            f"{self.words}, or {other.words}",
            lambda v, r, m: self.holds(v, r, m) or other.holds(v, r, m),
        )

    def __and__(self, other: "Rule") -> "Rule":
        return Rule(
            f"{self.words}, and {other.words}",
            lambda v, r, m: self.holds(v, r, m) and other.holds(v, r, m),
        )


def _same(one: object, other: object) -> bool:
    return one is not None and str(one) == str(other)


def _by(column: str) -> Rule:
    return Rule(f"with oneself as {column}", lambda v, r, m: _same(v.person, r[column]))


OWN = Rule("one's own company's", lambda v, r, m: _same(v.tenant, r["tenant_id"]))
ITSELF = Rule("one's own company", lambda v, r, m: _same(v.tenant, r["id"]))
MINE = Rule("one's own", lambda v, r, m: _same(v.person, r["person_id"]))
ALL_SIGNED_IN = Rule("all, in a seat of a company", lambda v, r, m: v.tenant is not None)
WORKING = Rule("all, inside a named piece of work", lambda v, r, m: v.work is not None)
FROM_SOURCE = Rule(
    "one's own source's",
    lambda v, r, m: _same(v.tenant, r["tenant_id"]) and _same(v.source, r["source_id"]),
)
BANKS = Rule(
    "every bank's, since a company chooses to whom it consents",
    lambda v, r, m: v.tenant is not None and r["kind"] == "bank",
)
CONSOLE_ALONE = Rule("any, at the console", lambda v, r, m: _same(v.person, CONSOLE))
COMPANY_PLACE = Rule("a company's top place", lambda v, r, m: r["level"] == "company")


def _shares(viewer: Viewer, made: Made, tenant: str, level: str) -> bool:
    shared = {(s["tenant_id"], s["level"]) for s in made["group_share_level"]}
    return viewer.tenant is not None and (tenant, level) in shared


SHARED_LEVEL = Rule(
    "of the levels that the company shares with the group",
    lambda v, r, m: _shares(v, m, r["tenant_id"], r["level"]),
)
SHARED_UNITS = Rule(
    "of companies that share their machines with the group",
    lambda v, r, m: _shares(v, m, r["tenant_id"], "unit"),
)


def _shared_place(viewer: Viewer, row: Row, made: Made) -> bool:
    place = next(p for p in made["place"] if p["id"] == row["place_id"])
    return _shares(viewer, made, place["tenant_id"], place["level"])


SHARED_PLACE = Rule("of places that the company shares with the group", _shared_place)


def _colleague(viewer: Viewer, row: Row, made: Made) -> bool:
    return any(
        m["person_id"] == row["id"] and _same(viewer.tenant, m["tenant_id"])
        for m in made["membership"]
    )


COLLEAGUES = Rule("people of one's own company", _colleague)
ONESELF = Rule("oneself", lambda v, r, m: _same(v.person, r["id"]))


def _own_name(viewer: Viewer, row: Row, made: Made) -> bool:
    asked = (viewer.role, viewer.work, viewer.person, viewer.tenant)
    written = (row["db_role"], row["work_id"], row["actor_id"], row["actor_tenant_id"])
    return viewer.work is not None and [str(a) for a in asked] == [str(w) for w in written]


IN_OWN_NAME = Rule("on anybody's page, but in one's own name and piece of work", _own_name)

GIVEN = ("active", "suspended", "withdrawn", "expired", "superseded")
CONSENTS_TO_ME = Rule(
    "consents to one's own bank that have been given, ended ones too",
    lambda v, r, m: _same(v.tenant, r["bank_id"]) and r["state"] in GIVEN,
)
READ_BY_ME = Rule(
    "reads by one's own bank",
    lambda v, r, m: _same(v.tenant, r["bank_id"]) and r["outcome"] in ("granted", "refused"),
)


def _logged_view(viewer: Viewer, row: Row, made: Made) -> bool:
    live = {each["id"] for each in made["consent"] if each["state"] == "active"}
    opened = {r["id"]: datetime.fromisoformat(r["opened_at"]) for r in made["access_log"]}
    return any(
        _same(viewer.view, read["view_id"])
        and _same(viewer.person, read["person_id"])
        and read["outcome"] == "granted"
        and read["consent_id"] == row["consent_id"]
        and read["consent_id"] in live
        and row["dataset"] in read["datasets"]
        and opened[read["id"]] > max(opened.values()) - timedelta(seconds=60)
        for read in made["access_log"]
    )


LOGGED_VIEW = Rule(
    "parts that a read of one's own has opened in the last minute, under a live consent",
    _logged_view,
)


def _opens(viewer: Viewer, row: Row, made: Made) -> bool:
    consent = next(each for each in made["consent"] if each["id"] == row["consent_id"])
    return (
        _same(viewer.tenant, row["bank_id"])
        and _same(viewer.person, row["person_id"])
        and (
            row["outcome"] == "refused"
            or (row["outcome"] == "granted" and consent["state"] == "active")
        )
    )


OPENS_OWN = Rule("a read of one's own, under a live consent or refused", _opens)
PREVIEW = Rule("a preview", lambda v, r, m: r["outcome"] == "preview")
FRESH_DRAFT = Rule("a draft that nobody has prepared", lambda v, r, m: r["state"] == "draft")
REQUESTED = Rule("as a request", lambda v, r, m: r["state"] == "requested")
BY_NOBODY = Rule("without a person", lambda v, r, m: r["person_id"] is None)
A_PERSON = Rule("as a person", lambda v, r, m: v.person is not None)

Who = Mapping[str, Rule]


@dataclass(frozen=True)
class Shares:
    """One table: by kind, what it reads, what it may add, what it may change or take away.

    `reads` is exact. `adds` and `changes` are what policies alone let through, whatever the grants:
    the suite grants everything first, so that a grant given too much one day does no harm.
    """

    reads: Who = field(default_factory=dict)
    adds: Who = field(default_factory=dict)
    changes: Who = field(default_factory=dict)
    append_only: bool = False
    state: str | None = None
    """The column whose moves a trigger guards."""


def to(kinds: str | Iterable[str], rule: Rule) -> dict[str, Rule]:
    """Give one rule to several kinds."""
    return dict.fromkeys(kinds.split() if isinstance(kinds, str) else kinds, rule)


PEOPLE = "tenant group platform bank auditor"
EVERYBODY = f"{PEOPLE} ingest authn worker"
MACHINES = "authn worker"

_MASTER = Shares(
    reads=to("tenant", OWN) | to("worker", WORKING),
    adds=to("tenant", OWN),
    changes=to("tenant", OWN),
)
_FACT = Shares(
    reads=to("tenant ingest", OWN) | to("worker", WORKING),
    adds=to("ingest", FROM_SOURCE) | to("tenant", OWN & A_PERSON),
    append_only=True,
)
_BY_WORKER = {"adds": to("worker", WORKING), "changes": to("worker", WORKING)}
_SUMS = Shares(
    reads=to("tenant", OWN) | to("group", SHARED_LEVEL) | to("worker", WORKING), **_BY_WORKER
)

TABLES: dict[str, Shares] = {
    # kernel
    "lifecycle_move": Shares(reads=to(EVERYBODY, WORKING)),
    "outbox": Shares(
        reads=to("worker", WORKING),
        adds=to(f"{PEOPLE} ingest", OWN) | to("worker", WORKING),
        changes=to("worker", WORKING),
    ),
    "operation": Shares(
        reads=to(PEOPLE, OWN) | to("worker", WORKING),
        adds=to(PEOPLE, OWN & MINE) | to("worker", WORKING),
        changes=to("tenant", OWN) | to("worker", WORKING),
        state="state",
    ),
    "worker_beat": Shares(reads=to("authn platform worker", WORKING), **_BY_WORKER),
    # tenants
    "tenant": Shares(
        reads=to("bank ingest", ITSELF)
        | to("tenant", ITSELF | BANKS)
        | to("group platform auditor", ALL_SIGNED_IN)
        | to(MACHINES, WORKING),
        adds=to("platform", CONSOLE_ALONE),
        changes=to("tenant bank", ITSELF),
    ),
    "place": Shares(
        reads=to("tenant platform bank auditor ingest", OWN)
        | to("group", OWN | SHARED_LEVEL)
        | to(MACHINES, WORKING),
        adds=to("tenant", OWN) | to("platform", CONSOLE_ALONE & COMPANY_PLACE),
        changes=to("tenant", OWN),
    ),
    "place_parent": Shares(
        reads=to("tenant platform bank auditor ingest", OWN)
        | to("group", OWN | SHARED_PLACE)
        | to(MACHINES, WORKING),
        adds=to("tenant", OWN),
    ),
    "group_share": Shares(
        reads=to("tenant", OWN), adds=to("tenant", OWN & _by("set_by")), append_only=True
    ),
    "group_share_level": Shares(
        reads=to("tenant", OWN) | to("group", ALL_SIGNED_IN) | to("worker", WORKING),
        adds=to("tenant", OWN),
        changes=to("tenant", OWN),
    ),
    # A person is added only together with her membership and account, by who writes her down.
    "person": Shares(
        reads=to("tenant group platform bank", ONESELF | COLLEAGUES)
        | to("auditor", ALL_SIGNED_IN)
        | to("authn", WORKING),
    ),
    "membership": Shares(
        reads=to("tenant group platform bank", OWN)
        | to("auditor", ALL_SIGNED_IN)
        | to(MACHINES, WORKING),
        changes=to("tenant bank", OWN),
    ),
    "role_grant": Shares(
        reads=to("tenant group platform bank", OWN)
        | to("auditor", ALL_SIGNED_IN)
        | to(MACHINES, WORKING),
        adds=to("tenant bank", OWN & _by("granted_by")),
        changes=to("tenant bank", OWN),
    ),
    "local_account": Shares(reads=to("authn", WORKING), changes=to("authn", WORKING)),
    "auth_session": Shares(
        reads=to("tenant bank", OWN | MINE)
        | to("group platform auditor", MINE)
        | to(MACHINES, WORKING),
        adds=to("authn", WORKING),
        changes=to("tenant bank", OWN | MINE)
        | to("group platform auditor", MINE)
        | to(MACHINES, WORKING),
    ),
    "login_attempt": Shares(
        reads=to(MACHINES, WORKING), adds=to("authn", WORKING), changes=to(MACHINES, WORKING)
    ),
    "device_token": Shares(
        reads=to("tenant", OWN) | to("authn", WORKING),
        adds=to("tenant", OWN & _by("made_by")),
        changes=to("tenant", OWN) | to("authn", WORKING),
    ),
    "audit_log": Shares(
        reads=to("tenant group platform bank", OWN) | to("auditor", ALL_SIGNED_IN),
        adds=to(EVERYBODY, IN_OWN_NAME),
        append_only=True,
    ),
    # production: machine data are the company's own; the group sees sums of the levels it is shown
    "unit": Shares(
        reads=to("tenant ingest", OWN) | to("group", SHARED_UNITS) | to("worker", WORKING),
        adds=to("tenant", OWN),
        changes=to("tenant", OWN),
    ),
    "calendar_rule": _MASTER,
    "product": _MASTER,
    "product_rate": _MASTER,
    "stop_reason": _MASTER,
    "data_source": Shares(
        reads=to("tenant", OWN)
        | to("ingest", OWN & Rule("itself", lambda v, r, m: _same(v.source, r["id"])))
        | to("worker", WORKING),
        adds=to("tenant", OWN) | to("worker", WORKING),
        changes=to("tenant", OWN)
        | to("ingest", OWN & Rule("itself", lambda v, r, m: _same(v.source, r["id"])))
        | to("worker", WORKING),
        state="state",
    ),
    "ingest_batch": Shares(
        reads=to("tenant", OWN) | to("ingest", FROM_SOURCE) | to("worker", WORKING),
        adds=to("tenant", OWN & _by("sent_by")) | to("ingest", FROM_SOURCE),
    ),
    "quarantine": Shares(
        reads=to("tenant", OWN) | to("worker", WORKING),
        adds=to("tenant", OWN & A_PERSON) | to("ingest", FROM_SOURCE) | to("worker", WORKING),
        changes=to("tenant", OWN) | to("worker", WORKING),
        state="state",
    ),
    "import_file": Shares(
        reads=to("tenant", OWN) | to("worker", WORKING),
        adds=to("tenant", OWN & _by("sent_by")) | to("worker", WORKING),
        changes=to("worker", WORKING),
    ),
    "state_fact": _FACT,
    "count_fact": _FACT,
    "energy_fact": _FACT,
    "shift_sheet": Shares(
        reads=to("tenant", OWN) | to("worker", WORKING),
        adds=to("tenant", OWN & _by("entered_by")),
        changes=to("tenant", OWN),
    ),
    "dirty_day": Shares(
        reads=to("tenant ingest", OWN) | to("worker", WORKING),
        adds=to("tenant ingest", OWN) | to("worker", WORKING),
        changes=to("worker", WORKING),
    ),
    "state_interval": Shares(
        reads=to("tenant", OWN) | to("group", SHARED_UNITS) | to("worker", WORKING), **_BY_WORKER
    ),
    "kpi_time": _SUMS,
    "kpi_output": _SUMS,
    "counter_mark": Shares(reads=to("worker", WORKING), **_BY_WORKER),
    # credit: a bank sees a company's figures only through a read that was logged before
    "consent_request": Shares(
        reads=to("bank", OWN) | to("worker", WORKING),
        adds=to("bank", OWN & _by("asked_by")),
        changes=to("worker", WORKING),
        state="state",
    ),
    "consent": Shares(
        reads=to("tenant", OWN) | to("bank", CONSENTS_TO_ME) | to("worker", WORKING),
        adds=to("tenant", OWN & FRESH_DRAFT) | to("worker", WORKING & REQUESTED),
        changes=to("tenant", OWN) | to("worker", WORKING),
        state="state",
    ),
    "consent_event": Shares(
        reads=to("tenant", OWN),
        adds=to("tenant", OWN & MINE) | to("worker", WORKING & BY_NOBODY),
        append_only=True,
    ),
    "evidence": Shares(
        reads=to("tenant", OWN) | to("worker", WORKING),
        adds=to("worker", WORKING),
        append_only=True,
    ),
    "metric_def": Shares(
        reads=to("tenant bank worker", WORKING), adds=to("worker", WORKING), append_only=True
    ),
    "metric_value": Shares(
        reads=to("tenant", OWN) | to("worker", WORKING),
        adds=to("worker", WORKING),
        append_only=True,
    ),
    "access_log": Shares(
        reads=to("tenant", OWN) | to("bank", READ_BY_ME),
        adds=to("tenant", OWN & MINE & PREVIEW) | to("bank", OPENS_OWN),
        append_only=True,
    ),
    "bank_view": Shares(reads=to("bank", LOGGED_VIEW) | to("worker", WORKING), **_BY_WORKER),
}

OPEN: dict[str, str] = {
    "alembic_version": "the number of the newest migration, read by the start's self-check",
}
"""Tables without policies, each with its reason."""

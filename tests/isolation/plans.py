"""What the rows of each table hold where the catalogue alone cannot know it.

Most entries answer a CHECK. The others put there what a rule of `sharing.py` tells apart: levels
that are shared or not, a person of two companies, views that are open, stale, or of another's.
"""

import hashlib
import json
from collections.abc import Sequence
from datetime import timedelta

from tests.isolation import world
from tests.isolation.rows import Given, Plan, Row, Seed, canary
from tests.isolation.world import BANK, OTHER_BANK, PEOPLE_EACH, WORK, A, B, fixed

SUBSIDIARIES = (A, B)


def _uscc(seed: Seed) -> str:
    digits = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    number = int(fixed("uscc", seed.company.code))
    return "".join(digits[number // 31**power % 31] for power in range(18))


def _tenant(seed: Seed) -> Row:
    company = seed.company
    return {
        "id": str(company.id),
        "kind": company.kind,
        "code": company.code,
        "uscc": _uscc(seed),
        "state": "active",
    }


def _place(level: str, number: int) -> Given:
    clock = {"zone": "Asia/Shanghai", "day_start": "08:00"} if level == "site" else {"zone": None}

    def place(seed: Seed) -> Row:
        return {"id": str(fixed("place", seed.company.code, number)), "level": level} | clock

    return place


PLACES = ("company", "site", "line", "unit", "unit")
PARENTS = ((1, 0), (2, 1), (3, 2), (4, 2))


def _parent(child: int, parent: int) -> Given:
    def place_parent(seed: Seed) -> Row:
        below, above = seed.own("place", child), seed.own("place", parent)
        return {
            "place_id": below["id"],
            "place_rank": below["rank"],
            "parent_id": above["id"],
            "parent_rank": above["rank"],
        }

    return place_parent


def _person(seed: Seed) -> Row:
    return {
        "id": seed.person,
        "email": canary(seed.company, "email", seed.number) + "@x.example",
        "made_in": str(fixed("made in", seed.person)),
    }


def _member(seed: Seed) -> Row | None:
    if seed.number < PEOPLE_EACH:
        return {"person_id": seed.person, "ended_at": None}
    # A's first person works for B, too.
    return {"person_id": str(A.person()), "ended_at": None} if seed.company is B else None


def _role(seed: Seed) -> Row:
    role = {"group": "executive", "bank": "reviewer"}.get(seed.company.kind, "planner")
    return {
        "person_id": seed.person,
        "tenant_kind": seed.company.kind,
        "role": role,
        "granted_by": str(seed.company.person()) if seed.number else str(world.CONSOLE),
        "approved_by": str(world.CONSOLE) if seed.number else None,
        "place_id": seed.own("place")["id"],
    }


def _session(seed: Seed) -> Row | None:
    member = _member(seed)
    kind = {"group": "group", "bank": "bank"}.get(seed.company.kind, "tenant")
    until = (seed.moment + timedelta(hours=8)).isoformat()
    own = {"kind": kind, "revoked_because": None, "absolute_until": until}
    return None if member is None else {"person_id": member["person_id"]} | own


def _audit(*, by: world.Company | None = None) -> Given:
    def audit_log(seed: Seed) -> Row:
        actor = by or seed.company
        return {
            "actor_id": str(actor.person()),
            "actor_tenant_id": str(actor.id),
            "work_id": str(WORK),
            "db_role": "portal_bank" if actor.kind == "bank" else "portal_tenant",
        }

    return audit_log


def _operation(seed: Seed) -> Row:
    return {"person_id": seed.person, "state": "queued"}


def _unit(number: int) -> Given:
    return lambda seed: {"place_id": str(fixed("place", seed.company.code, number))}


def _shift(seed: Seed) -> Row:
    site = str(fixed("place", seed.company.code, 1))
    hours = {"local_start": "08:00", "local_end": "16:00", "weekdays": 127}
    since = (seed.moment - timedelta(days=30)).date().isoformat()
    return {"place_id": site, "kind": "shift", "valid_from": since} | hours


def _of_unit(seed: Seed) -> Row:
    return {"unit_id": seed.own("unit", seed.number)["place_id"]}


def _source(seed: Seed) -> Row:
    state = "paused" if seed.number == PEOPLE_EACH else "live"
    return {"id": str(world.source(seed.company, seed.number)), "state": state}


def _batch(seed: Seed) -> Row:
    source = seed.own("data_source", seed.number)["id"]
    counts = {"row_count": 3, "accepted_count": 1, "duplicate_count": 1, "quarantined_count": 1}
    return {"source_id": source, "sent_by": seed.person} | counts


def _from_batch(seed: Seed) -> Row:
    batch = seed.own("ingest_batch", seed.number)
    return {"batch_id": batch["id"], "source_id": batch["source_id"]}


def _fact(**values: object) -> Given:
    return lambda seed: _of_unit(seed) | _from_batch(seed) | values


def _quarantine(seed: Seed) -> Row:
    unit = seed.own("unit", seed.number)["place_id"]
    return _from_batch(seed) | {"reason": None, "state": "open", "unit_id": unit}


def _file(seed: Seed) -> Row:
    until = (seed.moment + timedelta(days=1)).isoformat()
    return {"window_until": until, "sent_by": seed.person, "form": "shdr"} | {
        "operation_id": str(fixed("operation", "id", seed.number, seed.company.code))
    }


def _interval(seed: Seed) -> Row:
    return _of_unit(seed) | {"ended_at": (seed.moment + timedelta(minutes=5)).isoformat()}


def _sheet(seed: Seed) -> Row:
    batch = seed.own("ingest_batch", seed.number)["id"]
    made = {"product": canary(seed.company, "product", "code", 0), "produced": 9, "good": 8}
    lost = {"reason_code": canary(seed.company, "stop_reason", "code", 0), "minutes": 5, "stops": 1}
    content = {"products": [made | {"scrap": 1, "rework": 0}], "lost": [lost]}
    entered = {"reason": None, "entered_by": seed.person, "content": content}
    # The day before: yesterday's sheet is still due, and the crawl hands it in.
    shift = {
        "production_day": (seed.moment - timedelta(days=1)).date().isoformat(),
        "shift_code": canary(seed.company, "calendar_rule", "shift_code", 0),
    }
    return _of_unit(seed) | {"batch_id": batch} | entered | shift


def _sums(number: int, *, output: bool = False) -> Given:
    times = {"cal_s": 86400, "not_scheduled_s": 57600, "pbt_s": 28800, "apt_s": 20000}
    known = times | {"idle_s": 8800, "minor_count": 0, "down_count": 0, "revised_because": None}
    made = {"pq": 9, "gq": 8, "sq": 1, "product_code": None}

    def kpi(seed: Seed) -> Row:
        place = seed.own("place", number)
        day = {"place_id": place["id"], "level": place["level"], "grain": "day", "current": True}
        product = {"product_code": canary(seed.company, "product", "code", 0)}
        return day | (made | product if output else known)

    return kpi


# What the group may see: A shares everything, B its company's sums alone, the others nothing.
SHARED = {A: ("company", "site", "area", "line", "unit"), B: ("company",)}


def _shared(level: str) -> Given:
    return lambda seed: {"level": level} if level in SHARED.get(seed.company, ()) else None


def _asked(seed: Seed) -> Row:
    known = {"purpose": "underwriting", "datasets": ["H", "C"], "level": 2, "state": "sent"}
    return known | {"days": 180, "asked_by": seed.person}


def _consent(bank: world.Company, purpose: str, state: str) -> Given:
    given = state in ("active", "withdrawn")

    def consent(seed: Seed) -> Row:
        company = seed.company
        prepared = {
            "prepared_by": str(company.person(0)),
            "prepared_at": seed.moment.isoformat(),
            "notice_sha256": "\\x" + "ab" * 32,
        }
        signed = {
            "approved_by": str(company.person(1)),
            "approved_at": seed.moment.isoformat(),
            # On the database's clock: the access policies read no other.
            "valid_from": (seed.now - timedelta(days=1)).isoformat(),
            "valid_until": (seed.now + timedelta(days=100)).isoformat(),
        }
        return (
            {
                "id": str(fixed("consent", company.code, bank.code, purpose)),
                "bank_id": str(bank.id),
                "purpose": purpose,
                "datasets": ["H", "C"],
                "level": 2,
                "days": 180,
                "state": state,
                "acr": "pwd",
                "request_id": None,
                "pseudonym_key": "\\x" + "cd" * 32,
            }
            | (prepared if given or state == "prepared" else {})
            | (signed if given else {})
        )

    return consent


def _event(seed: Seed) -> Row:
    consent = seed.own("consent", seed.number)
    by = seed.person if seed.number else None  # the clock moves consents, too
    return {"consent_id": consent["id"], "state": consent["state"], "person_id": by}


def _evidence(seed: Seed) -> Row:
    unit = str(fixed("place", seed.company.code, 3 + seed.number))
    day = seed.moment.date().isoformat()
    sums = {"pbt_s": 28800, "apt_s": 20000, "unk_s": 0, "declared_s": 0, "energy_wh": 5000}
    made = {"unit": unit, "day": day, "version": 1, "pq_milli": 9000, "gq_milli": 8000}
    body, salt = json.dumps(made | sums, sort_keys=True, separators=(",", ":")), b"salt"
    return {
        "key": f"{unit}/{day}",
        "revision": 1,
        "supersedes_id": None,
        "body": body,
        "salt": "\\x" + salt.hex(),
        "commit_sha256": "\\x" + hashlib.sha256(salt + body.encode()).hexdigest(),
        "quality": "ok",
    }


def _definition(seed: Seed) -> Row:
    return {"code": f"M{seed.number}", "version": 1}


def _figure(seed: Seed) -> Row:
    return {"code": f"M{seed.number}", "version": 1, "value": 5, "why_missing": None}


def _access(view: object, purpose: str, outcome: str, *, age: timedelta = timedelta()) -> Given:
    def access_log(seed: Seed) -> Row:
        reader = BANK if outcome != "preview" else seed.company
        return {
            "view_id": str(view),
            "bank_id": str(BANK.id),
            "person_id": str(reader.person()),
            "consent_id": str(fixed("consent", seed.company.code, BANK.code, purpose)),
            "page": "case",
            "datasets": ["H"],
            "level": 2,
            "fields": ["H"],
            "outcome": outcome,
            "refused_because": "level" if outcome == "refused" else None,
            # Ahead of the clock, so that "not older than 60 s" holds for the whole run.
            "opened_at": (seed.now + timedelta(hours=2) - age).isoformat(),
        }

    return access_log


def _view(purpose: str, dataset: str) -> Given:
    return lambda seed: {
        "consent_id": str(fixed("consent", seed.company.code, BANK.code, purpose)),
        "dataset": dataset,
        "part": canary(seed.company, "part", purpose, dataset),
    }


def _consents() -> Sequence[Given]:
    return (
        _consent(BANK, "underwriting", "active"),
        _consent(BANK, "monitoring", "withdrawn"),
        _consent(BANK, "audit", "prepared"),
        _consent(OTHER_BANK, "underwriting", "requested"),
        _consent(OTHER_BANK, "audit", "draft"),
    )


PLANS: dict[str, Plan] = {
    "tenant": Plan([_tenant]),
    "place": Plan([_place(level, number) for number, level in enumerate(PLACES)]),
    "place_parent": Plan([_parent(*pair) for pair in PARENTS]),
    "group_share": Plan([lambda s: {"level": "unit"}, lambda s: {"level": None}]),
    "group_share_level": Plan([_shared(level) for level in SHARED[A]]),
    "person": Plan([_person] * 2),
    "membership": Plan([_member] * 3),
    "role_grant": Plan([_role] * 2),
    "local_account": Plan([lambda seed: {"person_id": seed.person}] * 2),
    "auth_session": Plan([_session] * 3),
    "audit_log": Plan([_audit(), _audit(by=BANK)]),
    "device_token": Plan([lambda s: {"source_id": str(world.source(s.company, s.number))}] * 2),
    "operation": Plan([_operation] * 2),
    "unit": Plan([_unit(3), _unit(4)]),
    "calendar_rule": Plan([_shift] * 2),
    "product_rate": Plan([lambda s: _of_unit(s) | {"pri_s": 1}] * 2),
    "data_source": Plan([_source] * 3),
    "ingest_batch": Plan([_batch] * 2),
    "quarantine": Plan([_quarantine] * 2),
    "import_file": Plan([_file] * 2),
    "state_fact": Plan([_fact(rank=10)] * 2),
    "count_fact": Plan([_fact(qty=3)] * 2),
    "energy_fact": Plan([_fact(kind="cumulative")] * 2),
    "shift_sheet": Plan([_sheet] * 2),
    "dirty_day": Plan([_of_unit] * 2),
    "state_interval": Plan([_interval] * 2),
    "kpi_time": Plan([_sums(number) for number in range(len(PLACES))]),
    "kpi_output": Plan([_sums(number, output=True) for number in range(len(PLACES))]),
    "counter_mark": Plan([_of_unit] * 2),
    "consent_request": Plan([_asked] * 2, companies=(BANK, OTHER_BANK)),
    "consent": Plan(_consents(), companies=SUBSIDIARIES),
    "consent_event": Plan([_event] * 4, companies=SUBSIDIARIES),
    "evidence": Plan([_evidence] * 2, companies=SUBSIDIARIES),
    "metric_def": Plan([_definition] * 2, companies=(A,)),
    "metric_value": Plan([_figure] * 2, companies=SUBSIDIARIES),
    "access_log": Plan(
        [
            _access(world.VIEW, "underwriting", "granted"),
            _access(world.OLD_VIEW, "underwriting", "granted", age=timedelta(hours=3)),
            _access(world.ENDED_VIEW, "monitoring", "granted"),
            _access(fixed("refused view"), "underwriting", "refused"),
            _access(fixed("preview"), "underwriting", "preview"),
        ],
        companies=(A,),
    ),
    "bank_view": Plan(
        [_view("underwriting", "H"), _view("underwriting", "C"), _view("monitoring", "H")],
        companies=SUBSIDIARIES,
    ),
}

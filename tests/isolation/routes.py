"""What the crawl must know of every endpoint: which table each id names, how a valid body is made.

An endpoint without an entry fails the crawl, and so does one whose valid request never works.
"""

import json
from collections.abc import Callable, Mapping
from io import BytesIO
from uuid import uuid4

from dashboards import exports
from tenants import uscc
from tests.isolation.crawl import Pick, Route
from tests.isolation.rows import canary
from tests.isolation.world import A

FIRST, LAST = -1, 1
PLAIN = Route()
"""No id, no body: the same address for everybody."""


def one(place: str, table: str, **more: object) -> Route:
    """Return the entry of an address with one id."""
    return Route(ids={place: table}, **more)  # type: ignore[arg-type]


def _board(pick: Pick) -> Mapping[str, object]:
    return {"node": pick("place"), "period": "last_7_days"}


def _board_figure(pick: Pick) -> Mapping[str, object]:
    return {"node": pick("place"), "metric": "oee"}


def _seat(pick: Pick) -> Mapping[str, object]:
    company = pick.row("tenant") or {"code": "no-such-company"}
    return {"seat": f"{company['code']}:{pick.kind}"}


def _audit_of(pick: Pick) -> Mapping[str, object]:
    return {"person": pick("person_of"), "before": pick("audit_log")}


def _profile(pick: Pick) -> Mapping[str, object]:
    return {"version": 1, "name_zh": "Planted", "name_en": "Planted", "kpi_profile": "discrete"}


def _new_place(pick: Pick) -> Mapping[str, object]:
    names = {"name_zh": "Planted", "name_en": "Planted", "code": f"P-{uuid4().hex[:8]}"}
    return {"parent_id": pick("place", level="line"), "level": "unit"} | names


def _new_person(pick: Pick) -> Mapping[str, object]:
    names = {"name_zh": "Planted", "name_en": "Planted", "login": f"p{uuid4().hex[:8]}"}
    role = "reviewer" if pick.is_bank else "planner"
    return {"role": role, "place_id": pick("place")} | names


def _grant(pick: Pick) -> Mapping[str, object]:
    return {"role": "approver" if pick.is_bank else "operator", "place_id": pick("place")}


def _token(pick: Pick) -> Mapping[str, object]:
    return {"source_id": pick("data_source"), "name": "Planted", "days": 30}


def _draft(pick: Pick) -> Mapping[str, object]:
    return {"bank": "ember-bank", "purpose": "monitoring", "days": 90}


def _terms(pick: Pick) -> Mapping[str, object]:
    return {"datasets": ["C"], "level": 2, "data_from": "2026-01-01", "days": 90}


def _request(pick: Pick) -> Mapping[str, object]:
    company = {"name": "Planted", "uscc": uscc.complete("91350211M000100Y4")}
    return company | {"purpose": "monitoring", "days": 90}


def _preview(pick: Pick) -> Mapping[str, object]:
    return {"as": pick("consent")}


def _batch(pick: Pick) -> tuple[bytes, Mapping[str, str]]:
    unit = pick.row("unit")
    places = {place["id"]: place["code"] for place in pick.made["place"]}
    code = places[unit["place_id"]] if unit else "no-such-unit"
    line = {"k": "state", "unit": code, "at": pick.moment, "state": "down"}
    headers = {"Idempotency-Key": uuid4().hex, "Content-Type": "application/x-ndjson"}
    return json.dumps(line).encode(), headers


def _source(pick: Pick) -> Mapping[str, object]:
    return {"name": f"Planted {uuid4().hex[:8]}", "kind": "http", "heartbeat_s": 60}


def _unit(pick: Pick) -> Mapping[str, object]:
    rules = {"min_stop_s": 60, "heartbeat_s": 60, "counts_from": "counter"}
    return rules | {"class_code": "planted"}


def _rate(pick: Pick) -> Mapping[str, object]:
    return {"pri_s": 30, "basis": "nameplate", "valid_from": pick.moment[:10]}


def _file(pick: Pick) -> Mapping[str, object]:
    lines = b"machine,time,item,value\nM1,2026-01-01T00:00:00Z,execution,ACTIVE\n"
    window = {"window_from": "2026-01-01T00:00", "window_until": "2026-02-01T00:00"}
    return {"form": "archive", "file": (BytesIO(lines), "planted.csv")} | window


def _model(pick: Pick) -> Mapping[str, object]:
    document = (
        b'<Device name="planted"><DataItem id="x" type="EXECUTION" category="EVENT"/></Device>'
    )
    return {"model": (BytesIO(document), "planted.xml")}


def _chosen_sheet(pick: Pick) -> Mapping[str, object]:
    shift = canary(pick.crawler.company or A, "calendar_rule", "shift_code", 0)
    return {"unit_id": pick("unit"), "production_day": pick.moment[:10], "shift_code": shift}


def _sheet(pick: Pick) -> Mapping[str, object]:
    product = canary(pick.crawler.company or A, "product", "code", 0)
    made = {"products.0.product": product, "products.0.produced": 9, "products.0.good": 9}
    return {**_chosen_sheet(pick), **made}


def _correction(pick: Pick) -> Mapping[str, object]:
    return {"products.0.produced": 8, "products.0.good": 8, "reason": "Planted: counted again"}


PASSWORDS = "hashes a password; tests/web/tenants goes through it"
SWITCHES = "begins another session under the crawl; tests/web/tenants goes through it"
NO_DEMO = "there is no demo here; tests/web/tenants clicks it"
CLOSED = "a door of Dash that the portal keeps shut"
SUITES = [{"package_name": "dash", "fingerprinted_path": "no-such.js"}]
EXPORTS = [{"table": each, "ending": "csv"} for each in exports.EXPORTS] + [
    {"table": "figure", "ending": "xlsx"},
    {"table": "no-such-table", "ending": "csv"},
]

ROUTES: dict[str, Route] = {
    # portal/shell
    "shell.show_start": PLAIN,
    "shell.show_home": PLAIN,
    "shell.show_about": PLAIN,
    "shell.show_help": PLAIN,
    "shell.show_licences": PLAIN,
    "shell.show_health": PLAIN,
    "shell.show_readiness": Route(never_works="there is no worker here, and it says so (503)"),
    "shell.choose_language": Route(words=[{"code": "en"}]),
    "shell.choose_theme": Route(words=[{"mode": "dark"}]),
    "shell.show_operation": one("operation_id", "operation"),
    "shell.show_operation_progress": one("operation_id", "operation"),
    "shell.cancel_operation": one("operation_id", "operation"),
    "ui.static": Route(words=[{"filename": "no-such.css"}], never_works="files, by their names"),
    # tenants: the door
    "door.show_sign_in": PLAIN,
    "door.sign_in": Route(
        body=lambda pick: {"name": "nobody/here", "password": "wrong-wrong-wrong"},
        never_works=PASSWORDS,
    ),
    "door.sign_in_to_demo": Route(
        body=lambda pick: {"login_name": "kestrel/ke.lan"}, never_works=NO_DEMO
    ),
    "door.show_new_password": PLAIN,
    "door.change_password": Route(
        body=lambda pick: {
            "name": "nobody/here",
            "password": "wrong-wrong-wrong",
            "new_password": "quiet-river-41",
            "again": "quiet-river-41",
        },
        never_works=PASSWORDS,
    ),
    "door.sign_out": Route(order=LAST + 1, never_works="leads to the door, as a refusal does"),
    "door.show_switch": PLAIN,
    "door.switch": Route(order=LAST + 1, body=_seat, never_works=SWITCHES),
    "door.show_step_up": PLAIN,
    "door.step_up": Route(
        body=lambda pick: {"password": "wrong-wrong-wrong"}, never_works=PASSWORDS
    ),
    # tenants: one's own things
    "me.show_me": PLAIN,
    "me.list_sessions": PLAIN,
    "me.end_session": one("session_id", "auth_session", order=LAST + 1),
    "me.end_other_sessions": Route(order=LAST + 1),
    # tenants: the company
    "company.show_company": PLAIN,
    "company.edit_profile": PLAIN,
    "company.change_profile": Route(body=_profile),
    "company.confirm_sharing": Route(query=(lambda pick: {"level": "site"},)),
    "company.set_sharing": Route(body=lambda pick: {"level": "site"}),
    "company.list_places": PLAIN,
    "company.new_place": Route(query=(lambda pick: {"parent": pick("place")},)),
    "company.add_place": Route(body=_new_place),
    "company.edit_place": one("place_id", "place"),
    "company.rename_place": one(
        "place_id", "place", body=lambda pick: {"name_zh": "Planted", "name_en": "Planted"}
    ),
    "company.confirm_retirement": one("place_id", "place"),
    "company.retire_place": one("place_id", "place", order=LAST),
    "people.list_people": PLAIN,
    "people.show_person": one("person_id", "person_of"),
    "people.new_person": PLAIN,
    "people.add_person": Route(body=_new_person),
    "people.grant_role": one("person_id", "person_of", body=_grant),
    "people.confirm_revocation": one("grant_id", "role_grant"),
    "people.revoke_role": one("grant_id", "role_grant", order=LAST),
    "people.confirm_end": one("person_id", "person_of"),
    "people.end_membership": one("person_id", "person_of", order=LAST),
    "people.list_tokens": PLAIN,
    "people.new_token": PLAIN,
    "people.make_token": Route(body=_token),
    "people.revoke_token": one("token_id", "device_token", order=LAST),
    # tenants: oversight
    "oversight.show_audit": Route(query=(_audit_of,)),
    "oversight.export_audit": Route(query=(_audit_of,)),
    "oversight.show_permissions": PLAIN,
    "cloud.list_companies": PLAIN,
    # portal/production
    "ingest.send_batch": Route(raw=_batch),
    "production_doors.list_sources": PLAIN,
    "production_doors.new_source": PLAIN,
    "production_doors.add_source": Route(body=_source),
    "production_doors.resume_source": one("source_id", "data_source"),
    "production_doors.retire_source": one("source_id", "data_source", order=LAST),
    "production_doors.show_batch": one("batch_id", "ingest_batch"),
    "production_doors.list_quarantine": Route(
        query=(lambda pick: {"state": "open", "code": "E-UNIT"},)
    ),
    "production_doors.replay_row": one("row_id", "quarantine"),
    "production_doors.replay_all": Route(body=lambda pick: {"code": "E-UNIT"}),
    "production_doors.confirm_dismissal": one("row_id", "quarantine"),
    "production_doors.dismiss_row": one(
        "row_id", "quarantine", body=lambda pick: {"reason": "Planted: of no use"}
    ),
    "production_doors.list_imports": PLAIN,
    "production_doors.new_import": PLAIN,
    "production_doors.send_file": Route(body=_file),
    "production_setup.list_units": PLAIN,
    "production_setup.show_unit": one("unit_id", "unit"),
    "production_setup.set_unit": one("unit_id", "unit", body=_unit),
    "production_setup.set_rate": one("unit_id", "unit", body=_rate),
    "production_setup.set_state_word": one(
        "unit_id", "unit", body=lambda pick: {"word": "RUN", "state": "producing"}, order=FIRST
    ),
    "production_setup.drop_state_word": one("unit_id", "unit", body=lambda pick: {"word": "RUN"}),
    "production_setup.set_device_model": one("unit_id", "unit", body=_model),
    "production_sheets.list_sheets": PLAIN,
    "production_sheets.new_sheet": Route(query=(_chosen_sheet,)),
    "production_sheets.hand_in": Route(body=_sheet),
    "production_sheets.show_sheet": one("sheet_id", "shift_sheet"),
    "production_sheets.edit_sheet": one("sheet_id", "shift_sheet"),
    "production_sheets.correct_sheet": one("sheet_id", "shift_sheet", body=_correction),
    "production_sheets.sign_sheet": one("sheet_id", "shift_sheet", order=FIRST),
    # portal/credit: the company
    "credit.show_profile": Route(query=(_preview,)),
    "credit.show_figure": one("figure_id", "metric_value"),
    "credit.list_readers": PLAIN,
    "credit.export_readers": Route(words=[{"ending": each} for each in ("csv", "xlsx", "exe")]),
    "consents.list_consents": PLAIN,
    "consents.new_consent": PLAIN,
    "consents.draft_consent": Route(body=_draft),
    "consents.show_consent": one("consent_id", "consent"),
    "consents.prepare_consent": one("consent_id", "consent", body=_terms),
    "consents.approve_consent": one("consent_id", "consent"),
    "consents.deny_consent": one("consent_id", "consent", order=LAST),
    "consents.confirm_withdrawal": one("consent_id", "consent"),
    "consents.withdraw_consent": one("consent_id", "consent", order=LAST),
    "consents.suspend_consent": one("consent_id", "consent", order=FIRST),
    "consents.resume_consent": one("consent_id", "consent"),
    "consents.download_receipt": one("consent_id", "consent"),
    # portal/credit: the bank
    "credit_bank.list_cases": PLAIN,
    "credit_bank.show_case": one("consent_id", "consent"),
    "credit_bank.show_figure": one(
        "consent_id", "consent", words=[{"code": each} for each in ("C1", "B5", "X9")]
    ),
    "credit_bank.list_requests": PLAIN,
    "credit_bank.new_request": PLAIN,
    "credit_bank.send_request": Route(body=_request),
}


def _add_boards(audience: str) -> None:
    prefix, pages = f"/boards/{audience}/", f"{audience}_boards"
    for page in ("company", "line", "machine"):
        ROUTES[f"{pages}.show_{page}"] = Route(query=(_board,))
    ROUTES[f"{pages}.show_figure"] = Route(query=(_board, _board_figure))
    ROUTES[f"{pages}.export"] = Route(words=EXPORTS, query=(_board,))
    ROUTES[f"_boards_{audience}_dash_assets.static"] = Route(
        words=[{"filename": "no-such.js"}], never_works="files, by their names"
    )
    ROUTES[f"{prefix}_dash-component-suites/<string:package_name>/<path:fingerprinted_path>"] = (
        Route(words=SUITES, never_works="files, by their names")
    )
    ROUTES[f"{prefix}_dash-layout"] = ROUTES[f"{prefix}_dash-dependencies"] = PLAIN
    ROUTES[f"{prefix}_dash-update-component"] = Route(never_works="see `board_requests`")
    for name in ("", "_favicon.ico", "_reload-hash"):
        ROUTES[f"{prefix}{name}"] = Route(never_works=CLOSED)
    ROUTES[f"{prefix}<path:path>"] = Route(words=[{"path": "no-such"}], never_works=CLOSED)


for _audience in ("tenant", "group"):
    _add_boards(_audience)
ROUTES["tenant_boards.show_facts"] = Route(
    query=(
        _board,
        lambda pick: {"node": pick("place"), "metric": "count"},
        lambda pick: {"node": pick("place"), "metric": "energy"},
    )
)

BOARDS = ("company", "line", "machine")

CALLBACKS: Mapping[tuple[str, str], Callable[[Pick], object]] = {
    ("url", "pathname"): lambda pick: pick.prefix + BOARDS[pick.number % len(BOARDS)],
    ("url", "search"): lambda pick: "" if pick.variant == "none" else f"?node={pick('place')}",
    ("theme", "data"): lambda pick: "light",
    ("fresh", "data"): lambda pick: None,
}
"""How an input of a board's callback is made, by component and property."""

"""A company's pages: its profile, its consents, who read what."""

import csv
import io
from datetime import timedelta
from uuid import uuid4

import openpyxl
import pytest

from kernel import clock
from portal.credit import queries, reading, service
from portal.credit.metrics.registry import METRICS
from portal.credit.words import Purpose
from tests.cast import GAO_YAN, HE_JING, KANG_YI, KE_LAN, KESTREL, KONG_KUN, WU_ZHE
from tests.integration.credit.world import close_days, deliver, grant, record_days, refresh

EN = {"Accept-Language": "en"}
TERMS = {"datasets": ["C", "G"], "level": "2", "data_from": "2025-01-01", "days": "90"}


@pytest.fixture(scope="module", autouse=True)
def _history(admin, jobs_db):
    clock.thaw()
    last = clock.now().date() - timedelta(days=4)
    close_days(admin, jobs_db, KESTREL.id, last=last, count=90)
    record_days(jobs_db, KESTREL.id, last=last, count=90)
    refresh(jobs_db, KESTREL.id)


@pytest.fixture
def consent_id(admin, jobs_db, work_as):
    given = grant(work_as)
    deliver(admin, jobs_db)
    return given


@pytest.fixture
def drafted(work_as):
    with work_as(KANG_YI) as work:
        made = service.draft_consent(work, bank="basalt", purpose=Purpose.AUDIT, days=90)
    yield made
    with work_as(KANG_YI) as work:
        if queries.get_consent(work, made).is_waiting:
            service.deny_consent(work, made)


def state_of(admin, consent_id):
    return admin.execute("SELECT state FROM consent WHERE id = %s", [consent_id]).fetchone()[0]


def figure_ids(work_as):
    with work_as(KANG_YI) as work:
        return {row.known.metric.code: row.id for row in queries.list_figures(work)}


# --- the profile ----------------------------------------------------------------------------


def test_finance_sees_every_figure_before_any_bank_does(sign_in):
    page = sign_in(KANG_YI).get("/credit", headers=EN)
    assert page.status_code == 200
    assert all(f">{code}<" in page.text for code in METRICS)


@pytest.mark.parametrize("code", METRICS)
def test_each_figure_leads_to_its_facts_and_these_to_the_machines_day(sign_in, work_as, code):
    page = sign_in(KANG_YI).get(f"/credit/figures/{figure_ids(work_as)[code]}", headers=EN)
    assert page.status_code == 200
    assert page.text.count("/boards/tenant/machine?") == 50


def test_a_company_without_days_reads_that_there_is_nothing_yet(sign_in):
    page = sign_in(WU_ZHE).get("/credit", headers=EN)
    assert page.status_code == 200
    assert "No figures yet" in page.text


PAGES = ["/credit", "/credit/readers", "/credit/readers/export/csv", "/consents", "/consents/new"]


@pytest.mark.parametrize("path", PAGES)
def test_a_colleague_without_the_role_is_told_so(sign_in, path):
    assert sign_in(KE_LAN).get(path).status_code == 403


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("person", [GAO_YAN, HE_JING])
def test_to_a_bank_and_the_group_these_pages_do_not_exist(sign_in, person, path):
    client = sign_in(person)
    refused, no_such_page = client.get(path), client.get("/no/such/page")
    assert (refused.status_code, refused.data) == (404, no_such_page.data)


@pytest.mark.parametrize("rest", ["", "?as={consent}"])
def test_another_companys_figure_is_as_if_missing(sign_in, work_as, consent_id, rest):
    stranger = sign_in(WU_ZHE)
    rest = rest.format(consent=consent_id)
    foreign = stranger.get(f"/credit/figures/{figure_ids(work_as)['C1']}{rest}")
    missing = stranger.get(f"/credit/figures/{uuid4()}{rest}")
    assert (foreign.status_code, foreign.data) == (404, missing.data)


def test_another_companys_preview_is_as_if_missing(sign_in, consent_id):
    stranger = sign_in(WU_ZHE)
    foreign, missing = (stranger.get(f"/credit?as={each}") for each in (consent_id, uuid4()))
    assert (foreign.status_code, foreign.data) == (404, missing.data)


@pytest.mark.parametrize("asked", ["nothing", "1", "../.."])
def test_a_hand_made_preview_is_missing(sign_in, asked):
    assert sign_in(KANG_YI).get("/credit", query_string={"as": asked}).status_code == 404


def test_a_preview_is_written_down(sign_in, work_as, consent_id):
    sign_in(KANG_YI).get(f"/credit?as={consent_id}")
    with work_as(KANG_YI) as work:
        last = queries.list_reads(work)[0]
    assert (last.outcome, last.person_name_zh) == ("preview", KANG_YI.name_zh)


# --- consents -------------------------------------------------------------------------------


def post(client, consent_id, act, **form):
    return client.post(f"/consents/{consent_id}/{act}", data=form)


def test_a_draft_is_prepared_and_approved_by_two(sign_in, admin):
    finance, administrator = sign_in(KANG_YI), sign_in(KONG_KUN)
    form = {"bank": "basalt", "purpose": "underwriting", "days": "30"}
    made = finance.post("/consents", data=form)
    assert made.status_code == 303
    consent_id = made.headers["Location"].rpartition("/")[2]
    assert post(finance, consent_id, "prepare", **TERMS).status_code == 303
    assert post(finance, consent_id, "approve").status_code == 409
    assert state_of(admin, consent_id) == "prepared"
    assert "Approve" in administrator.get(f"/consents/{consent_id}", headers=EN).text
    assert post(administrator, consent_id, "approve").status_code == 303
    assert state_of(admin, consent_id) == "active"


def test_withdrawing_says_first_what_it_does(sign_in, admin, consent_id):
    client = sign_in(KANG_YI)
    assert "cannot be undone" in client.get(f"/consents/{consent_id}/withdraw", headers=EN).text
    assert state_of(admin, consent_id) == "active"
    assert post(client, consent_id, "withdraw").status_code == 303
    assert state_of(admin, consent_id) == "withdrawn"


def test_it_rests_and_is_resumed(sign_in, admin, consent_id):
    client = sign_in(KANG_YI)
    post(client, consent_id, "suspend")
    assert state_of(admin, consent_id) == "suspended"
    assert client.get(f"/consents/{consent_id}").status_code == 200
    post(client, consent_id, "resume")
    assert state_of(admin, consent_id) == "active"


@pytest.mark.parametrize("act", ["prepare", "approve", "deny", "withdraw", "suspend", "resume"])
def test_a_colleague_without_the_role_changes_nothing(sign_in, admin, drafted, act):
    assert post(sign_in(KE_LAN), drafted, act, **TERMS).status_code == 403
    assert state_of(admin, drafted) == "draft"


@pytest.mark.parametrize("act", ["prepare", "approve", "deny", "withdraw", "suspend", "resume"])
def test_another_company_cannot_tell_a_consent_from_a_missing_one(sign_in, admin, drafted, act):
    stranger = sign_in(WU_ZHE)
    form = TERMS if act == "prepare" else {}
    foreign, missing = (post(stranger, each, act, **form) for each in (drafted, uuid4()))
    assert (foreign.status_code, foreign.data) == (404, missing.data)
    assert state_of(admin, drafted) == "draft"


@pytest.mark.parametrize("act", ["prepare", "approve", "deny", "withdraw", "suspend", "resume"])
def test_a_bank_gets_nothing(sign_in, admin, drafted, act):
    assert post(sign_in(GAO_YAN), drafted, act).status_code == 404
    assert state_of(admin, drafted) == "draft"


@pytest.mark.parametrize(
    "wrong",
    [
        {"level": "3"},
        {"days": "400"},
        {"data_from": "soon"},
        {"datasets": ["Z"]},
        {"state": "active"},
    ],
)
def test_faulty_terms_are_refused_and_change_nothing(sign_in, admin, drafted, wrong):
    client = sign_in(KANG_YI)
    assert post(client, drafted, "prepare", **(TERMS | wrong)).status_code == 422
    assert state_of(admin, drafted) == "draft"


@pytest.mark.parametrize("rest", ["", "/withdraw", "/receipt"])
def test_another_companys_consent_page_is_as_if_missing(sign_in, consent_id, rest):
    stranger = sign_in(WU_ZHE)
    foreign, missing = (stranger.get(f"/consents/{e}{rest}") for e in (consent_id, uuid4()))
    assert (foreign.status_code, foreign.data) == (404, missing.data)


def test_the_receipt_is_a_file_of_its_own(sign_in, consent_id, drafted):
    client = sign_in(KANG_YI)
    receipt = client.get(f"/consents/{consent_id}/receipt")
    assert receipt.mimetype == "application/json"
    assert receipt.json["record_id"] == str(consent_id)
    assert client.get(f"/consents/{drafted}/receipt").status_code == 404


# --- who read what --------------------------------------------------------------------------


def test_reader_time_and_fields_are_seen(sign_in, db, work_as, consent_id):
    with work_as(GAO_YAN) as work:
        actor = work.actor
    reading.open_view(db, actor, consent_id, plan=reading.case_reading)
    page = sign_in(KANG_YI).get("/credit/readers", headers=EN).text
    assert GAO_YAN.name_en in page
    assert "C1.value" in page


def test_the_log_is_exported_as_csv_and_xlsx(sign_in, work_as, consent_id):
    client = sign_in(KANG_YI)
    client.get(f"/credit?as={consent_id}")
    with work_as(KANG_YI) as work:
        reads = len(queries.list_reads(work, limit=5000))
    text = client.get("/credit/readers/export/csv").data.decode("utf-8-sig")
    assert len(list(csv.reader(io.StringIO(text)))) == reads + 1
    book = openpyxl.load_workbook(io.BytesIO(client.get("/credit/readers/export/xlsx").data))
    assert book.worksheets[0].max_row == reads + 1
    assert client.get("/credit/readers/export/pdf").status_code == 404


def test_an_export_is_written_down(sign_in, admin):
    sign_in(KANG_YI).get("/credit/readers/export/csv")
    written = "SELECT count(*) FROM audit_log WHERE action = 'credit.readers.export'"
    assert admin.execute(written).fetchone()[0] >= 1


def test_other_companies_read_their_own_log(sign_in, consent_id):
    page = sign_in(WU_ZHE).get("/credit/readers", headers=EN).text
    assert GAO_YAN.name_en not in page

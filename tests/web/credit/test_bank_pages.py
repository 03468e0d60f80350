"""A bank's pages: what it may read, what it is told, what is written down of it."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest

from kernel import clock
from portal.credit import queries, service
from portal.credit.metrics.registry import METRICS
from portal.credit.words import Dataset, Purpose
from tenants.uscc import complete
from tests.cast import BAI_LU, GAO_YAN, HE_JING, HU_BO, KANG_YI, KESTREL, KUANG_DA, PAN_LI, PELICAN
from tests.integration.credit.world import close_days, deliver, grant, record_days, refresh
from tests.web.credit.pages import read

EN = {"Accept-Language": "en"}
UNKNOWN_USCC = complete("91110000MA0000000")


@pytest.fixture(scope="module", autouse=True)
def _history(admin, jobs_db):
    clock.thaw()
    last = clock.now().date() - timedelta(days=4)
    close_days(admin, jobs_db, KESTREL.id, last=last, count=90, good=281)
    record_days(jobs_db, KESTREL.id, last=last, count=90)
    refresh(jobs_db, KESTREL.id)


@pytest.fixture
def consent_id(admin, jobs_db, work_as):
    given = grant(work_as)
    deliver(admin, jobs_db)
    return given


def case(client, consent_id, rest=""):
    return client.get(f"/bank/cases/{consent_id}{rest}", headers=EN)


def log_of(work_as):
    with work_as(KANG_YI) as work:
        return queries.list_reads(work)


def withdraw(work_as, consent_id):
    with work_as(KANG_YI) as work:
        service.withdraw_consent(work, consent_id)


# --- the case -------------------------------------------------------------------------------


def test_a_reviewer_reads_the_case(sign_in, consent_id):
    answer = case(sign_in(GAO_YAN), consent_id)
    assert answer.status_code == 200
    assert KESTREL.name_en in answer.text
    assert KESTREL.uscc in answer.text


@pytest.mark.parametrize("rest", ["", *(f"/figures/{code}" for code in METRICS)])
def test_the_log_holds_exactly_the_fields_of_the_page(sign_in, consent_id, work_as, rest):
    answer = case(sign_in(GAO_YAN), consent_id, rest)
    fields, _ = read(answer.text)
    assert fields == set(log_of(work_as)[0].fields)


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize("datasets", [[], [Dataset.QUALITY], list(Dataset)])
def test_and_so_at_every_level_and_for_every_dataset(
    sign_in, admin, jobs_db, work_as, level, datasets
):
    consent_id = grant(work_as, level=level, datasets=datasets, purpose=Purpose.AUDIT)
    deliver(admin, jobs_db)
    fields, _ = read(case(sign_in(GAO_YAN), consent_id).text)
    assert fields == set(log_of(work_as)[0].fields)


@pytest.mark.parametrize("rest", ["", "/figures/C1"])
def test_the_preview_is_the_banks_page_but_for_the_shell(sign_in, consent_id, work_as, rest):
    bank = read(case(sign_in(GAO_YAN), consent_id, rest).text)
    with work_as(KANG_YI) as work:
        figure_id = next(
            row.id for row in queries.list_figures(work) if row.known.metric.code == "C1"
        )
    path = f"/credit/figures/{figure_id}" if rest else "/credit"
    own = sign_in(KANG_YI).get(f"{path}?as={consent_id}", headers=EN)
    assert read(own.text) == bank


def test_a_figure_is_opened_down_to_the_machine_days(sign_in, consent_id, admin):
    answer = case(sign_in(GAO_YAN), consent_id, "/figures/C0")
    _, text = read(answer.text)
    assert text.count("281") == 50
    units = admin.execute("SELECT code FROM place WHERE level = 'unit'").fetchall()
    assert units
    assert not any(code in text for (code,) in units)


def test_it_pages_on_and_each_page_is_a_read(sign_in, consent_id, work_as):
    before = len(log_of(work_as))
    client = sign_in(GAO_YAN)
    first = read(case(client, consent_id, "/figures/C1").text)[1]
    second = read(case(client, consent_id, "/figures/C1?offset=50").text)[1]
    assert first != second
    assert len(log_of(work_as)) == min(before + 2, 100)


def test_another_bank_cannot_tell_it_from_a_missing_one(sign_in, consent_id):
    stranger = sign_in(BAI_LU)
    foreign, missing = case(stranger, consent_id), case(stranger, uuid4())
    assert (foreign.status_code, foreign.data) == (404, missing.data)


def test_withdrawn_it_is_as_if_it_had_never_been(sign_in, consent_id, work_as):
    client = sign_in(GAO_YAN)
    assert case(client, consent_id).status_code == 200
    withdraw(work_as, consent_id)
    missing = case(client, uuid4())
    for rest in ("", "/figures/C1"):
        gone = case(client, consent_id, rest)
        assert (gone.status_code, gone.data) == (404, missing.data)
    assert log_of(work_as)[0].refused_because == "not_live"


def test_what_waits_for_the_company_is_missing_to_the_bank(sign_in, work_as):
    with work_as(KANG_YI) as work:
        drafted = service.draft_consent(work, bank="granite", purpose=Purpose.AUDIT, days=9)
    client = sign_in(GAO_YAN)
    hidden, missing = case(client, drafted), case(client, uuid4())
    assert (hidden.status_code, hidden.data) == (404, missing.data)
    with work_as(KANG_YI) as work:
        service.deny_consent(work, drafted)


@pytest.mark.parametrize("person", [KANG_YI, PAN_LI, HE_JING, HU_BO])
@pytest.mark.parametrize("path", ["/bank/cases", "/bank/requests", "/bank/requests/new"])
def test_to_others_a_banks_pages_do_not_exist(sign_in, person, path):
    client = sign_in(person)
    refused, no_such_page = client.get(path), client.get("/no/such/page")
    assert (refused.status_code, refused.data) == (404, no_such_page.data)


def test_beyond_the_consent_it_is_refused_by_name(sign_in, admin, jobs_db, work_as):
    consent_id = grant(work_as, datasets=[Dataset.HISTORY], purpose=Purpose.MONITORING)
    deliver(admin, jobs_db)
    client = sign_in(GAO_YAN)
    assert case(client, consent_id, "/figures/G2").status_code == 200
    assert case(client, consent_id, "/figures/C1").status_code == 403
    assert log_of(work_as)[0].refused_because == "dataset"


def test_an_unknown_figure_is_missing(sign_in, consent_id):
    assert case(sign_in(GAO_YAN), consent_id, "/figures/Z9").status_code == 404


def test_before_the_documents_are_made_it_says_so(sign_in, work_as, admin):
    consent_id = grant(work_as, purpose=Purpose.MONITORING)
    admin.execute("DELETE FROM bank_view WHERE consent_id = %s", [consent_id])
    answer = case(sign_in(GAO_YAN), consent_id)
    assert answer.status_code == 200
    assert "no figures yet" in answer.text


def test_ended_ones_stay_in_the_work_list_without_a_link(sign_in, consent_id, work_as):
    client = sign_in(GAO_YAN)
    assert f"/bank/cases/{consent_id}" in client.get("/bank/cases").text
    withdraw(work_as, consent_id)
    page = client.get("/bank/cases").text
    assert f"/bank/cases/{consent_id}" not in page
    assert KESTREL.uscc in page


# --- the request ----------------------------------------------------------------------------

FORM = {"name": "somebody", "uscc": KESTREL.uscc, "purpose": "monitoring", "days": "90"}


def ask(client, **changed):
    return client.post("/bank/requests", data=FORM | changed)


def asked(admin):
    return admin.execute("SELECT count(*) FROM consent_request").fetchone()[0]


def main_of(page):
    return re.sub(r"[0-9]{2}:[0-9]{2}", "", page[page.index("<main") : page.index("</main>")])


def forget_requests(admin):
    admin.execute("ALTER TABLE consent_event DISABLE TRIGGER append_only")
    admin.execute("DELETE FROM consent_event WHERE state = 'requested'")
    admin.execute("ALTER TABLE consent_event ENABLE TRIGGER append_only")
    admin.execute("DELETE FROM consent WHERE state = 'requested'")
    admin.execute("DELETE FROM consent_request")


def test_the_answer_is_the_same_whether_the_company_is_here(sign_in, admin, jobs_db):
    client, answers = sign_in(BAI_LU), []
    for uscc in (KESTREL.uscc, UNKNOWN_USCC):
        sent = ask(client, uscc=uscc)
        deliver(admin, jobs_db)
        client.get("/bank/requests")  # takes the notice of the sending
        listed = main_of(client.get("/bank/requests").text).replace(uscc, "")
        answers.append((sent.status_code, sent.headers.get("Location"), sent.data, listed))
        forget_requests(admin)
    assert answers[0] == answers[1]
    assert answers[0][0] == 303


@pytest.mark.parametrize(
    "wrong",
    [
        {"uscc": "91320400MA1KTR7P4R"},
        {"uscc": "short"},
        {"days": "0"},
        {"days": "366"},
        {"purpose": "curiosity"},
        {"name": ""},
        {"tenant_id": str(PELICAN.id)},
    ],
)
def test_a_faulty_request_is_refused_and_changes_nothing(sign_in, admin, wrong):
    before = asked(admin)
    assert ask(sign_in(GAO_YAN), **wrong).status_code == 422
    assert asked(admin) == before


def test_a_company_cannot_ask(sign_in, admin):
    before = asked(admin)
    assert ask(sign_in(KUANG_DA)).status_code == 404
    assert asked(admin) == before

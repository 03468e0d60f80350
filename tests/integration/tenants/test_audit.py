from datetime import timedelta

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, ProgrammingError

from kernel import clock
from kernel.ids import CONSOLE
from tenants import audit
from tenants.audit import AuditFilter
from tests.cast import GUO_SHI, HE_JING, HU_BO, HUO_AN, KANG_YI, KE_LAN, KONG_KUN, PAN_LI
from tests.conftest import NOW


def write(work_as, person, action, **detail):
    with work_as(person) as work:
        audit.record(work, action, "thing", work.id, **detail)
        return str(work.id)


def actions(work_as, person, **wanted):
    with work_as(person, read_only=True) as work:
        return [row.action for row in audit.list_entries(work, AuditFilter(**wanted), limit=1_000)]


def test_the_row_says_who_when_and_what(work_as):
    thing = write(work_as, KE_LAN, "test.thing.say", count=3)
    with work_as(KONG_KUN, read_only=True) as work:
        (row,) = [r for r in audit.list_entries(work, AuditFilter()) if r.object_id == thing]
    assert (row.actor_id, row.actor_tenant_id, row.db_role) == (
        KE_LAN.id,
        row.tenant_id,
        "portal_tenant",
    )
    assert (row.recorded_at, row.outcome, row.detail) == (NOW, "ok", {"count": 3})


def test_it_goes_with_the_act_when_that_is_rolled_back(work_as):
    with pytest.raises(ZeroDivisionError), work_as(KE_LAN) as work:
        audit.record(work, "test.rolled.back")
        raise ZeroDivisionError
    assert "test.rolled.back" not in actions(work_as, KONG_KUN)


def test_a_company_reads_its_own_page_and_the_auditor_all(work_as):
    write(work_as, KE_LAN, "test.kestrel.act")
    write(work_as, PAN_LI, "test.pelican.act")
    assert "test.kestrel.act" in actions(work_as, KONG_KUN)
    assert "test.pelican.act" not in actions(work_as, KONG_KUN)
    assert {"test.kestrel.act", "test.pelican.act"} <= set(actions(work_as, HUO_AN))
    assert actions(work_as, HU_BO) == []
    assert "test.kestrel.act" not in actions(work_as, GUO_SHI)


def test_finance_reads_what_concerns_credit(work_as):
    write(work_as, KE_LAN, "test.other.act")
    write(work_as, KE_LAN, "credit.profile.read")
    assert set(actions(work_as, KANG_YI)) == {"credit.profile.read"}


def test_an_act_between_two_companies_stands_on_both_pages(work_as):
    with work_as(GUO_SHI) as work:
        audit.record(work, "test.two.act", tenant_id=KE_LAN.seats[0].company.id)
    assert "test.two.act" in actions(work_as, KONG_KUN)


def test_pages_follow_each_other_without_gap_or_double(work_as):
    for number in range(5):
        clock.freeze(NOW + timedelta(hours=number // 2))
        write(work_as, PAN_LI, f"test.page.act{number}")
    found, before = [], None
    with work_as(HUO_AN, read_only=True) as work:
        while True:
            wanted = AuditFilter(action="test.page.", before=before)
            page = audit.list_entries(work, wanted, limit=2)
            if not page:
                break
            found += [row.action for row in page]
            before = page[-1].id
    assert found == [f"test.page.act{number}" for number in (4, 3, 2, 1, 0)]


def test_the_list_is_cut_by_person_moment_and_outcome(work_as):
    write(work_as, HE_JING, "test.cut.act")
    assert actions(work_as, HUO_AN, action="test.cut", person_id=HE_JING.id) == ["test.cut.act"]
    assert actions(work_as, HUO_AN, action="test.cut", person_id=KE_LAN.id) == []
    assert actions(work_as, HUO_AN, action="test.cut", outcome="failed") == []
    assert actions(work_as, HUO_AN, action="test.cut", until=NOW) == []
    assert actions(work_as, HUO_AN, action="test.cut", since=NOW) == ["test.cut.act"]


@pytest.mark.parametrize(
    "act",
    ["UPDATE audit_log SET action = 'x'", "DELETE FROM audit_log", "TRUNCATE audit_log"],
)
def test_nobody_changes_a_row_not_even_the_owner(admin, work_as, act):
    write(work_as, KE_LAN, "test.fixed.act")
    with pytest.raises(psycopg.errors.CheckViolation, match="append-only"):
        admin.execute(act)


@pytest.mark.parametrize("act", ["UPDATE audit_log SET action = 'x'", "DELETE FROM audit_log"])
def test_people_have_no_right_to_change_rows(work_as, act):
    with pytest.raises(ProgrammingError, match="permission denied"), work_as(KONG_KUN) as work:
        work.session.execute(text(act))


def test_nobody_writes_in_anothers_name(work_as):
    insert = (
        "INSERT INTO audit_log (id, recorded_at, tenant_id, actor_id, actor_tenant_id, work_id,"
        " action, outcome, detail)"
        " VALUES (:id, :now, :tenant, :actor, :tenant, :id, 'x', 'ok', '{}')"
    )
    with pytest.raises(DBAPIError, match="row-level security"), work_as(KE_LAN) as work:
        values = {"id": work.id, "now": work.now, "tenant": work.tenant_id, "actor": CONSOLE}
        work.session.execute(text(insert), values)

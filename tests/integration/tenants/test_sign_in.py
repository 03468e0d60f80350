from datetime import timedelta

import pytest

from kernel import clock
from kernel.actor import AUTHN, Kind
from kernel.errors import NotFound, TooMany
from kernel.ids import SessionId, new_id
from tenants import attempts, identity, people_service, queries, sessions, throttle
from tenants.errors import NoSeat, PasswordRefused
from tenants.identity import SignIn
from tenants.passwords import Passwords
from tenants.roles import Role
from tenants.sessions import Begun, Browser, MustChange, Refused
from tests.cast import (
    GRANITE,
    HU_BO,
    KAN_ZOU,
    KE_LAN,
    KESTREL,
    KONG_KUN,
    KUANG_DA,
    ORIOLE,
    OUYANG_QING,
    PAN_LI,
    PASSWORD,
    PENG_FEI,
)
from tests.conftest import NOW

MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
def how(tmp_path_factory):
    return SignIn(Passwords(tmp_path_factory.mktemp("locks")), b"key of the tests", demo=True)


@pytest.fixture
def attempt(db, how):
    """Sign in from an address of one's own, so that tests do not count for one another."""

    def sign_in(name, password=PASSWORD, *, address="192.0.2.1"):
        with db.work(AUTHN) as work:
            return sessions.sign_in(
                work, how, name=name, password=password, browser=Browser(address, "test")
            )

    return sign_in


@pytest.fixture
def enter(db, attempt):
    def sign_in(person, **more):
        begun = attempt(person.login_name, **more)
        assert isinstance(begun, Begun)
        return identity.find_session(db, begun.sid)

    return sign_in


@pytest.fixture
def fail(db, how):
    """Count failures as a refused sign-in does, without the time that its hash takes."""

    def count(account, addresses):
        for address in addresses:
            counted = throttle.subjects(how.throttle_key, account=account, address=address)
            with db.work(AUTHN) as work:
                attempts.count_failure(work, counted)

    return count


def test_name_or_address_and_password_begin_a_session(db, attempt):
    by_name, by_mail = attempt(KE_LAN.login_name), attempt(KE_LAN.email.upper())
    users = [identity.find_session(db, begun.sid) for begun in (by_name, by_mail)]
    assert [user.actor.person_id for user in users] == [KE_LAN.id, KE_LAN.id]
    assert users[0].actor.kind is Kind.TENANT
    assert users[0].seat.company_code == "kestrel"


def test_the_database_does_not_hold_the_sid(db, attempt, admin):
    begun = attempt(KE_LAN.login_name)
    rows = admin.execute("SELECT sid_sha256 FROM auth_session").fetchall()
    assert begun.sid.encode() not in {row[0] for row in rows}
    assert identity.find_session(db, begun.sid + "x") is None


@pytest.mark.parametrize("name", [PAN_LI.login_name, "nobody/at.all", KAN_ZOU.login_name])
def test_a_wrong_password_is_refused_alike_for_every_name(attempt, name):
    assert attempt(name, "wrong password 1", address="192.0.2.2") == Refused()


def test_who_has_left_has_no_seat(attempt):
    with pytest.raises(NoSeat):
        attempt(KAN_ZOU.login_name, address="192.0.2.3")


@pytest.mark.parametrize("name", [PENG_FEI.login_name, "nobody/here"])
def test_five_failures_from_one_address_make_the_account_wait_there(attempt, name):
    for _ in range(5):
        assert attempt(name, "wrong password 1", address="192.0.2.10") == Refused()
    with pytest.raises(TooMany) as waits:
        attempt(name, PASSWORD, address="192.0.2.10")
    assert waits.value.retry_after_s == 15 * 60 + 1


def test_the_wait_is_over_after_its_time_and_holds_for_one_address(db, attempt, enter):
    for _ in range(5):
        attempt(HU_BO.login_name, "wrong password 1", address="192.0.2.11")
    assert enter(HU_BO, address="192.0.2.12").actor.kind is Kind.PLATFORM
    clock.freeze(NOW + 15 * MINUTE)
    assert enter(HU_BO, address="192.0.2.11").actor.kind is Kind.PLATFORM


def test_an_address_that_tries_many_names_waits(attempt, fail):
    for number in range(29):
        fail(f"nobody/number.{number}", ["192.0.2.13"])
    assert attempt("nobody/last", address="192.0.2.13") == Refused()
    with pytest.raises(TooMany):
        attempt(KE_LAN.login_name, address="192.0.2.13")


def test_an_account_tried_from_everywhere_lets_its_own_addresses_in(attempt, enter, fail):
    enter(KUANG_DA, address="192.0.2.14")
    fail(str(KUANG_DA.id), [f"198.51.100.{number}" for number in range(50)])
    with pytest.raises(TooMany):
        attempt(KUANG_DA.login_name, address="192.0.2.15")
    assert enter(KUANG_DA, address="192.0.2.14").actor.person_id == KUANG_DA.id


def test_failures_and_sign_ins_stand_on_the_companys_page(attempt, admin):
    attempt(PAN_LI.login_name, "wrong password 1", address="192.0.2.16")
    attempt(PAN_LI.login_name, address="192.0.2.16")
    rows = admin.execute(
        "SELECT t.code, outcome FROM audit_log a JOIN tenant t ON t.id = a.tenant_id"
        " WHERE object_id = %s AND action = 'tenants.session.begin'",
        [str(PAN_LI.id)],
    ).fetchall()
    assert {("pelican", "failed"), ("pelican", "ok")} <= set(rows)


def test_a_session_rests_and_ends(db, enter):
    user = enter(KE_LAN)
    clock.freeze(NOW + 29 * MINUTE)
    assert identity.find_session(db, user.sid) is not None
    clock.freeze(NOW + 58 * MINUTE)
    assert identity.find_session(db, user.sid) is not None
    clock.freeze(NOW + 58 * MINUTE + 30 * MINUTE)
    assert identity.find_session(db, user.sid) is None


def test_a_session_ends_absolutely(db, enter):
    user = enter(KE_LAN)
    for step in range(1, 40):
        clock.freeze(NOW + step * 20 * MINUTE)
        alive = identity.find_session(db, user.sid) is not None
        assert alive == (step * 20 < 600)


def test_use_is_written_down_once_a_minute(db, enter, admin):
    user = enter(KE_LAN)

    def seen():
        statement = "SELECT seen_at FROM auth_session WHERE id = %s"
        return admin.execute(statement, [user.actor.session_id]).fetchone()[0]

    clock.freeze(NOW + timedelta(seconds=59))
    identity.find_session(db, user.sid)
    assert seen() == NOW
    clock.freeze(NOW + MINUTE)
    identity.find_session(db, user.sid)
    assert seen() == NOW + MINUTE


def test_a_session_is_found_in_one_query(db, enter):
    from sqlalchemy import event

    user, seen = enter(KE_LAN), []
    listener = lambda *arguments: seen.append(arguments[2])  # noqa: E731
    event.listen(db.engine, "before_cursor_execute", listener)
    try:
        identity.find_session(db, user.sid)
    finally:
        event.remove(db.engine, "before_cursor_execute", listener)
    assert len([sql for sql in seen if "set_config" not in sql]) == 1


def test_a_switch_ends_one_session_and_begins_another(db, how, enter):
    user = enter(OUYANG_QING)
    other = next(
        seat
        for seat in (f"{KESTREL.code}:tenant", f"{ORIOLE.code}:tenant")
        if seat != user.seat.key
    )
    with db.work(AUTHN) as work:
        begun = sessions.switch(work, user, seat_key=other, browser=Browser("192.0.2.1", "test"))
    switched = identity.find_session(db, begun.sid)
    assert identity.find_session(db, user.sid) is None
    assert switched.seat.key == other
    assert switched.actor.tenant_id != user.actor.tenant_id
    assert switched.actor.grants != user.actor.grants
    # The next sign-in takes the seat last used.
    clock.freeze(NOW + MINUTE)
    identity.find_session(db, begun.sid)
    assert enter(OUYANG_QING).seat.key == other


def test_a_person_begins_in_the_company_she_has_worked_for_longest(db):
    with db.work(AUTHN) as work:
        seats = identity.list_seats(work, OUYANG_QING.id)
    assert [seat.company_code for seat in seats] == [ORIOLE.code, KESTREL.code]


def test_nobody_switches_to_a_seat_of_somebody_else(db, enter):
    user = enter(OUYANG_QING)
    with pytest.raises(NotFound), db.work(AUTHN) as work:
        sessions.switch(work, user, seat_key=f"{GRANITE.code}:bank", browser=Browser("", ""))
    assert identity.find_session(db, user.sid) is not None


def test_a_step_up_takes_the_password_and_changes_the_sid(db, how, enter):
    user = enter(KONG_KUN)
    clock.freeze(NOW + 16 * MINUTE)
    stale = identity.find_session(db, user.sid)
    assert not identity.step_up_fresh(stale.actor)
    browser = Browser("192.0.2.1", "test")
    with db.work(AUTHN) as work:
        wrong = sessions.step_up(work, how, stale, password="wrong password 1", browser=browser)
    with db.work(AUTHN) as work:
        button = sessions.step_up(work, how, stale, password=None, browser=browser)
    with db.work(AUTHN) as work:
        begun = sessions.step_up(work, how, stale, password=PASSWORD, browser=browser)
    assert (wrong, button) == (Refused(), Refused())
    assert identity.find_session(db, user.sid) is None
    fresh = identity.find_session(db, begun.sid)
    assert identity.step_up_fresh(fresh.actor)
    assert fresh.actor.session_id == user.actor.session_id


def test_a_demo_button_begins_a_session_that_counts_as_fresh(db, how):
    browser = Browser("192.0.2.1", "test")
    with db.work(AUTHN) as work:
        begun = sessions.demo_sign_in(work, login_name=KONG_KUN.login_name, browser=browser)
    user = identity.find_session(db, begun.sid)
    assert identity.step_up_fresh(user.actor)
    with db.work(AUTHN) as work:
        again = sessions.step_up(work, how, user, password=None, browser=browser)
    assert isinstance(again, Begun)
    no_demo = SignIn(how.passwords, how.throttle_key, demo=False)
    user = identity.find_session(db, again.sid)
    with db.work(AUTHN) as work:
        refused = sessions.step_up(work, no_demo, user, password=None, browser=browser)
    assert refused == Refused()


def test_a_person_lists_and_ends_her_sessions_and_nobody_elses(db, enter):
    one, two, foreign = enter(KE_LAN), enter(KE_LAN), enter(PAN_LI)
    with db.work(two.actor) as work:
        listed = {each.id for each in sessions.list_sessions(work)}
        assert {one.actor.session_id, two.actor.session_id} <= listed
        assert foreign.actor.session_id not in listed
        sessions.end_session(work, one.actor.session_id)
    assert identity.find_session(db, one.sid) is None
    for missing in (foreign.actor.session_id, SessionId(new_id())):
        with pytest.raises(NotFound), db.work(two.actor) as work:
            sessions.end_session(work, missing)
    assert identity.find_session(db, foreign.sid) is not None


def test_all_other_sessions_end_together(db, enter):
    one, two = enter(KE_LAN), enter(KE_LAN)
    with db.work(two.actor) as work:
        assert sessions.end_other_sessions(work) >= 1
    assert identity.find_session(db, one.sid) is None
    assert identity.find_session(db, two.sid) is not None


def test_signing_out_ends_the_session(db, enter):
    user = enter(KE_LAN)
    with db.work(user.actor) as work:
        sessions.sign_out(work)
    assert identity.find_session(db, user.sid) is None


def test_a_first_password_has_to_be_changed(db, how, attempt, work_as):
    with work_as(KONG_KUN) as work:
        home = queries.company_place(work).id
        made = people_service.add_person(
            work, how.passwords, login="newcomer", name_zh="新来", name_en="New Comer", email=None,
            role=Role.PLANNER, place_id=home,
        )  # fmt: skip
    assert attempt(made.login_name, made.password) == MustChange()

    def change(new):
        with db.work(AUTHN) as work:
            return sessions.change_password(
                work, how, name=made.login_name, password=made.password, new_password=new,
                browser=Browser("192.0.2.1", "test"),
            )  # fmt: skip

    with pytest.raises(PasswordRefused):
        change("newcomer-of-kestrel")
    with pytest.raises(PasswordRefused):
        change(made.password)
    begun = change("green-lamp-under-17-bridges")
    assert identity.find_session(db, begun.sid).name_en == "New Comer"
    assert attempt(made.login_name, made.password) == Refused()
    assert isinstance(attempt(made.login_name, "green-lamp-under-17-bridges"), Begun)


def test_a_changed_password_ends_the_sessions_of_the_old_one(db, how, enter):
    user = enter(PAN_LI)
    with db.work(AUTHN) as work:
        sessions.change_password(
            work, how, name=PAN_LI.login_name, password=PASSWORD,
            new_password="seven copper kettles in rain", browser=Browser("192.0.2.1", "test"),
        )  # fmt: skip
    assert identity.find_session(db, user.sid) is None


def test_what_nobody_needs_any_more_is_dropped(db, jobs_db, enter, admin):
    from tenants.jobs import drop_expired

    user = enter(KE_LAN)
    clock.freeze(NOW + timedelta(days=90))
    drop_expired(jobs_db)
    assert admin.execute("SELECT count(*) FROM login_attempt").fetchone()[0] == 0
    kept = "SELECT count(*) FROM auth_session WHERE id = %s"
    assert admin.execute(kept, [user.actor.session_id]).fetchone()[0] == 1
    clock.freeze(NOW + timedelta(days=92))
    drop_expired(jobs_db)
    assert admin.execute(kept, [user.actor.session_id]).fetchone()[0] == 0

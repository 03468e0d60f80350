import io
from uuid import uuid4

import pytest

from kernel import jobs
from tests.cast import DING_NING, GAO_YAN, KE_LAN, KESTREL, KONG_KUN, KUANG_DA, PAN_LI
from tests.production_world import L1_01, counter, meter, state

PAGES = (
    "/production/sources",
    "/production/units",
    "/production/quarantine",
    "/production/imports",
    "/production/shift-sheets",
)


@pytest.mark.parametrize("path", PAGES)
def test_the_pages_open_for_people_who_see_facts(sign_in, path):
    answer = sign_in(KE_LAN).get(path)
    assert answer.status_code == 200
    assert "<h1>" in answer.text


@pytest.mark.parametrize("path", PAGES)
def test_a_bank_gets_nothing(sign_in, path):
    bank = sign_in(GAO_YAN)
    assert bank.get(path).data == bank.get("/no/such/page").data


@pytest.mark.parametrize(
    "path",
    ["/production/sources/new", "/production/imports/new", "/production/quarantine/replay-all"],
)
def test_a_colleague_without_the_role_is_told_so(sign_in, path):
    client = sign_in(KUANG_DA)
    answer = client.post(path, data={}) if path.endswith("all") else client.get(path)
    assert answer.status_code == 403


def test_a_source_is_added_and_listed(sign_in, rows):
    client = sign_in(KONG_KUN)
    form = {"name": "Gateway hall 3", "kind": "http", "heartbeat_s": "60"}
    assert client.post("/production/sources/new", data=form).status_code == 303
    assert "Gateway hall 3" in client.get("/production/sources").text
    again = client.post("/production/sources/new", data=form)
    assert again.status_code == 409
    assert rows("SELECT count(*) FROM data_source WHERE name = 'Gateway hall 3'") == [(1,)]


def test_a_source_of_another_company_is_retired_like_a_missing_one(sign_in, gateway, rows):
    stranger = sign_in(PAN_LI)
    foreign = stranger.post(f"/production/sources/{gateway}/retire")
    assert foreign.status_code in (403, 404)
    assert rows("SELECT state FROM data_source WHERE id = %s", gateway) != [("retired",)]


def test_a_batch_shows_what_became_of_its_lines(sign_in, send):
    receipt = send(state(1, "producing"), counter(1, 5), meter(1, 2), state(1, "flying"))
    page = sign_in(KE_LAN).get(f"/production/batches/{receipt.batch_id}")
    assert page.status_code == 200
    assert "L1-01" in page.text
    assert "flying" in page.text


def test_another_company_cannot_tell_a_batch_from_a_missing_one(sign_in, send):
    receipt = send(state(1, "producing"))
    stranger = sign_in(PAN_LI)
    foreign = stranger.get(f"/production/batches/{receipt.batch_id}")
    missing = stranger.get(f"/production/batches/{uuid4()}")
    assert (foreign.status_code, foreign.data) == (404, missing.data)


def test_quarantined_lines_are_shown_replayed_and_dismissed(sign_in, send, rows):
    send(state(-24 * 8, "producing"), state(1, "flying"))
    client = sign_in(KONG_KUN)
    page = client.get("/production/quarantine").text
    assert "E-CLOCK" in page
    assert "flying" in page
    ids = dict(rows("SELECT code, id FROM quarantine"))
    assert client.post(f"/production/quarantine/{ids['E-CLOCK']}/replay").status_code == 303
    assert client.get(f"/production/quarantine/{ids['E-STATE']}/dismiss").status_code == 200
    no_reason = client.post(f"/production/quarantine/{ids['E-STATE']}/dismiss", data={})
    assert no_reason.status_code == 422
    client.post(f"/production/quarantine/{ids['E-STATE']}/dismiss", data={"reason": "A test"})
    assert dict(rows("SELECT code, state FROM quarantine")) == {
        "E-CLOCK": "replayed",
        "E-STATE": "dismissed",
    }


def test_another_company_cannot_touch_a_quarantined_line(sign_in, send, rows):
    send(state(1, "flying"))
    (row,) = rows("SELECT id FROM quarantine")
    stranger = sign_in(PAN_LI)
    foreign = stranger.post(f"/production/quarantine/{row[0]}/replay")
    missing = stranger.post(f"/production/quarantine/{uuid4()}/replay")
    assert (foreign.status_code, foreign.data) == (missing.status_code, missing.data)
    assert rows("SELECT state FROM quarantine") == [("open",)]


def test_all_lines_of_one_cause_are_replayed_by_one_button(sign_in, send, rows):
    send(state(-24 * 8, "producing"), state(-24 * 8 - 1, "idle"))
    answer = sign_in(KONG_KUN).post("/production/quarantine/replay-all", data={"code": "E-CLOCK"})
    assert answer.status_code == 303
    assert rows("SELECT DISTINCT state FROM quarantine") == [("replayed",)]


def test_a_machine_shows_its_rules_and_takes_a_run_time(sign_in, rows):
    client = sign_in(KE_LAN)
    assert client.get(f"/production/units/{L1_01}").status_code == 200
    form = {
        "product_code": "KT-99",
        "pri_s": "75",
        "basis": "demonstrated",
        "valid_from": "2026-11-01",
    }
    assert client.post(f"/production/units/{L1_01}/rates", data=form).status_code == 303
    assert rows("SELECT pri_s FROM product_rate WHERE product_code = 'KT-99'") == [(75.0,)]
    wrong = client.post(f"/production/units/{L1_01}/rates", data=form | {"pri_s": "-1"})
    assert wrong.status_code == 422
    assert "KT-99" in wrong.text


def test_a_machines_rules_change_and_a_stranger_finds_no_machine(sign_in, rows):
    form = {
        "class_code": "lathe",
        "rated_power_kw": "15",
        "min_stop_s": "90",
        "heartbeat_s": "600",
        "counts_from": "counter",
    }
    path = f"/production/units/{L1_01}"
    assert sign_in(KE_LAN).post(path, data=form).status_code == 303
    stranger = sign_in(PAN_LI)
    foreign = stranger.post(path, data=form | {"min_stop_s": "5"})
    missing = stranger.post(f"/production/units/{uuid4()}", data=form)
    assert (foreign.status_code, foreign.data) == (404, missing.data)
    assert rows("SELECT min_stop_s FROM unit WHERE place_id = %s", L1_01) == [(90,)]


ARCHIVE = b"""k,unit,at,state,counter,kind
state,L1-01,2026-11-20T01:00:00Z,producing,,
state,L1-01,2026-11-20T03:00:00Z,idle,,
count,L1-01,2026-11-20T03:00:00Z,,12,produced
"""
FORM = {"form": "table", "window_from": "2026-11-20T00:00", "window_until": "2026-11-21T00:00"}


def upload(client, body, **more):
    file = (io.BytesIO(body), "facts.csv")
    return client.post(
        "/production/imports/new",
        data=FORM | more | {"file": file},
        content_type="multipart/form-data",
    )


def test_a_file_is_read_with_progress_and_its_counts_are_shown(sign_in, rows, jobs_db):
    client = sign_in(KONG_KUN)
    assert upload(client, ARCHIVE).status_code == 303
    waiting = client.get("/production/imports").text
    assert "facts.csv" in waiting
    (operation,) = rows("SELECT id FROM operation")
    jobs.run_now("kernel.run_operation", jobs_db, operation_id=str(operation[0]))
    (found,) = rows("SELECT state, result FROM operation")
    assert found[0] == "succeeded"
    assert (found[1]["accepted"], found[1]["quarantined"]) == (3, 0)
    assert rows("SELECT body IS NULL FROM import_file") == [(True,)]
    assert rows("SELECT DISTINCT rank FROM state_fact") == [(20,)]
    assert client.get("/production/imports").status_code == 200


def test_a_file_with_a_faulty_row_is_refused_whole_and_every_row_is_named(sign_in, rows, jobs_db):
    client = sign_in(KONG_KUN)
    faulty = ARCHIVE + b"state,L1-01,yesterday,idle,,\ncount,L1-01,2026-11-20T04:00:00Z,,-3,\n"
    upload(client, faulty)
    (operation,) = rows("SELECT id FROM operation")
    jobs.run_now("kernel.run_operation", jobs_db, operation_id=str(operation[0]))
    ((result,),) = rows("SELECT result FROM operation")
    assert result["refused"] is True
    assert [(p["line"], p["field"]) for p in result["problems"]] == [(5, "at"), (6, "counter")]
    assert rows("SELECT count(*) FROM state_fact") == [(0,)]
    assert "yesterday" not in client.get("/production/imports").text


@pytest.mark.parametrize(
    ("body", "more", "status"),
    [
        (b"", {}, 422),
        (ARCHIVE, {"window_from": "2026-11-22T00:00"}, 422),
        (ARCHIVE, {"form": "shdr", "unit": "L9-99"}, 422),
    ],
)
def test_a_file_that_cannot_be_read_comes_back_with_the_form(sign_in, rows, body, more, status):
    answer = upload(sign_in(KONG_KUN), body, **more)
    assert answer.status_code == status
    assert "<form" in answer.text
    assert rows("SELECT count(*) FROM import_file") == [(0,)]


def test_files_of_one_company_are_not_listed_for_another(sign_in):
    upload(sign_in(KONG_KUN), ARCHIVE)
    assert "facts.csv" not in sign_in(DING_NING).get("/production/imports").text
    assert KESTREL.name_zh not in sign_in(DING_NING).get("/production/imports").text


def test_a_word_of_a_machines_own_is_explained_and_its_lines_replayed(sign_in, send, rows):
    send(state(1, "RUNNING"))
    client = sign_in(KONG_KUN)
    path = f"/production/units/{L1_01}"
    words = {"word": "RUNNING", "state": "producing"}
    assert client.post(f"{path}/state-words", data=words).status_code == 303
    assert "RUNNING" in client.get(path).text
    assert (
        client.post("/production/quarantine/replay-all", data={"code": "E-STATE"}).status_code
        == 303
    )
    assert rows("SELECT value FROM state_fact WHERE item = 'state'") == [("producing",)]
    gone = client.post(f"{path}/state-words/drop", data={"word": "RUNNING"})
    assert gone.status_code == 303
    assert rows("SELECT state_words FROM unit WHERE place_id = %s", L1_01) == [({},)]
    again = client.post(f"{path}/state-words/drop", data={"word": "RUNNING"})
    assert again.status_code == 404


def test_a_word_can_mean_only_what_a_machine_can_be_doing(sign_in, rows):
    path = f"/production/units/{L1_01}/state-words"
    answer = sign_in(KONG_KUN).post(path, data={"word": "REST", "state": "not_scheduled"})
    assert answer.status_code == 422
    assert "REST" in answer.text
    assert rows("SELECT state_words FROM unit WHERE place_id = %s", L1_01) == [({},)]


DEVICES = b"""<MTConnectDevices><Devices>
  <Device name="L1-01"><DataItem id="e1" name="exec" type="EXECUTION" category="EVENT"/></Device>
  <Device name="other"><DataItem id="e2" name="else" type="EXECUTION" category="EVENT"/></Device>
</Devices></MTConnectDevices>"""


def _send_model(client, document):
    path = f"/production/units/{L1_01}/device-model"
    form = {"model": (io.BytesIO(document), "devices.xml")}
    return client.post(path, data=form, content_type="multipart/form-data")


def test_a_device_model_is_taken_and_its_lines_replayed(sign_in, send, rows, admin):
    send(
        {"k": "event", "unit": "L1-01", "at": state(1, "idle")["at"], "item": "exec", "v": "ACTIVE"}
    )
    assert rows("SELECT code FROM quarantine") == [("E-TAG",)]
    client = sign_in(KONG_KUN)
    try:
        assert _send_model(client, DEVICES).status_code == 303
        page = client.get(f"/production/units/{L1_01}").text
        assert "EXECUTION" in page
        assert "else" not in page.partition('id="model"')[2].partition("</section>")[0]
        replayed = client.post("/production/quarantine/replay-all", data={"code": "E-TAG"})
        assert replayed.status_code == 303
        assert rows("SELECT item, value FROM state_fact") == [("exec", "ACTIVE")]
    finally:
        admin.execute("UPDATE unit SET device_items = '{}' WHERE place_id = %s", [L1_01])


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (b"machine,time", "MTConnectDevices"),
        (b"", "MTConnectDevices"),
        (DEVICES.replace(b"L1-01", b"L9-99"), "L9-99"),
        (b"<!DOCTYPE x [<!ENTITY a 'b'>]>" + DEVICES, "MTConnectDevices"),
    ],
)
def test_what_is_no_device_model_of_the_machine_changes_nothing(sign_in, rows, document, said):
    answer = _send_model(sign_in(KONG_KUN), document)
    assert answer.status_code == 422
    assert said in answer.text
    assert rows("SELECT device_items FROM unit WHERE place_id = %s", L1_01) == [({},)]


def test_a_file_larger_than_any_device_model_is_refused(sign_in, rows):
    # Put together here: the client would keep so large a form in a file, and leave that open.
    head = b'--x\r\nContent-Disposition: form-data; name="model"; filename="d.xml"\r\n\r\n'
    body = head + DEVICES + b" " * 2 * 1024 * 1024 + b"\r\n--x--\r\n"
    path = f"/production/units/{L1_01}/device-model"
    answer = sign_in(KONG_KUN).post(path, data=body, content_type="multipart/form-data; boundary=x")
    assert answer.status_code == 413
    assert "2 MiB" in answer.text
    assert rows("SELECT device_items FROM unit WHERE place_id = %s", L1_01) == [({},)]

"""What the environment may say, and how a start refuses what is wrong: by name, all at once."""

import os

import pytest

from kernel.settings import Need, Settings, SettingsError

KEY = "k9Zq-3mV7xTz_1LwB8yRc5Hd2NfJ6sPg4Ua0"
SERVER = {
    "DATABASE_URL": "postgresql://portal_login:one@db/gongyun",
    "WORKER_DATABASE_URL": "postgresql://portal_jobs:two@db/gongyun",
    "ADMIN_DATABASE_URL": "postgres://admin:three@db/gongyun",
    "GONGYUN_SECRET_KEY": KEY,
}


@pytest.fixture
def read(monkeypatch):
    """`read(NAME=value, …)` reads the settings from an environment with these alone."""
    names = {*SERVER, *(f"{name}_FILE" for name in SERVER)}

    def read(environ=None, *, needs=frozenset(Need), **more):
        for name in list(os.environ):
            if name in names or name.startswith("GONGYUN_"):
                monkeypatch.delenv(name)
        for name, value in {**(environ or {}), **more}.items():
            monkeypatch.setenv(name, value)
        return Settings.from_environ(needs=needs)

    return read


@pytest.fixture
def refused(read):
    """Like `read`, for settings that are wrong; returns the names of all that are."""

    def refused(environ=None, **more):
        with pytest.raises(SettingsError) as error:
            read(environ, **more)
        return sorted(each.name for each in error.value.problems)

    return refused


def test_nothing_set_means_embedded_with_the_demo_on_this_machine_alone(read):
    settings = read()
    assert (settings.embedded, settings.shows_demo, settings.bind) == (True, True, "127.0.0.1:8000")
    assert settings.is_local


def test_a_server_shows_the_demo_only_when_told_to(read):
    assert not read(SERVER).shows_demo
    assert read(SERVER, GONGYUN_DEMO="on").shows_demo
    assert not read(SERVER).embedded


def test_addresses_get_the_driver_we_use(read):
    settings = read(SERVER)
    assert settings.secret(Need.ADMIN) == "postgresql+psycopg://admin:three@db/gongyun"


def test_one_database_address_asks_for_the_others_by_name(refused):
    only = {"DATABASE_URL": SERVER["DATABASE_URL"], "GONGYUN_SECRET_KEY": KEY}
    assert refused(only) == ["ADMIN_DATABASE_URL", "WORKER_DATABASE_URL"]


def test_the_web_server_alone_needs_no_other_address(read):
    only = {"DATABASE_URL": SERVER["DATABASE_URL"], "GONGYUN_SECRET_KEY": KEY}
    settings = read(only, needs=(Need.WEB, Need.KEY))
    assert settings.worker_database_url is None


@pytest.mark.parametrize(
    "key", ["short", "x" * 64, "changeme" * 8, "my-secret-key-my-secret-key-0123456789"]
)
def test_a_default_or_weak_key_is_refused(refused, key):
    assert refused(SERVER, GONGYUN_SECRET_KEY=key) == ["GONGYUN_SECRET_KEY"]


def test_a_server_needs_a_key(refused):
    without = {name: value for name, value in SERVER.items() if name != "GONGYUN_SECRET_KEY"}
    assert refused(without) == ["GONGYUN_SECRET_KEY"]


@pytest.mark.parametrize("bind", ["0.0.0.0:8000", "[::]:8000", "10.1.2.3:8000", "portal:8000"])
def test_the_demo_is_refused_where_others_can_reach_it(refused, bind):
    hosts = "portal.example"
    assert refused(GONGYUN_BIND=bind, GONGYUN_TRUSTED_HOSTS=hosts) == ["GONGYUN_DEMO"]


@pytest.mark.parametrize("bind", ["127.0.0.1:1", "localhost:8000", "[::1]:8000", "127.9.9.9:80"])
def test_the_demo_may_be_shown_on_this_machine(read, bind):
    assert read(GONGYUN_BIND=bind).shows_demo


def test_an_open_address_asks_for_the_names_it_answers_to(refused, read):
    assert refused(SERVER, GONGYUN_BIND="0.0.0.0:80") == ["GONGYUN_TRUSTED_HOSTS"]
    named = read(SERVER, GONGYUN_BIND="0.0.0.0:80", GONGYUN_TRUSTED_HOSTS="a.example, b.example")
    assert named.hosts == ("a.example", "b.example")


def test_every_fault_is_named_at_once(refused):
    wrong = {
        "GONGYUN_BIND": "here",
        "GONGYUN_DEMO": "perhaps",
        "GONGYUN_PROXY_HOPS": "9",
        "GONGYUN_WEB_PROCESSES": "0",
        "GONGYUN_LOG_LEVEL": "loud",
        "GONGYUN_NO_SUCH": "1",
        "DATABASE_URL": "mysql://a:b@c/d",
        "GONGYUN_SECRET_KEY_FILE": "/does/not/exist",
    }
    missing = ["ADMIN_DATABASE_URL", "GONGYUN_SECRET_KEY", "WORKER_DATABASE_URL"]
    assert refused(wrong) == sorted([*wrong, *missing])


def test_an_unknown_name_brings_the_nearest_known_one(read):
    with pytest.raises(SettingsError, match="did you mean GONGYUN_BIND"):
        read(GONGYUN_BNID="127.0.0.1:80")


def test_no_secret_stands_in_the_refusal(read):
    with pytest.raises(SettingsError) as error:
        read(SERVER, DATABASE_URL="mysql://u:hunter2@h/d", GONGYUN_SECRET_KEY="hunter2")
    assert len(error.value.problems) == 2
    assert "hunter2" not in str(error.value)


def test_a_secret_may_stand_in_a_file(read, tmp_path):
    file = tmp_path / "key"
    file.write_text(f"{KEY}\n")
    settings = read(
        {name: value for name, value in SERVER.items() if name != "GONGYUN_SECRET_KEY"},
        GONGYUN_SECRET_KEY_FILE=str(file),
    )
    assert settings.secret(Need.KEY) == KEY


def test_a_secret_in_a_file_and_beside_it_is_refused(refused, tmp_path):
    file = tmp_path / "key"
    file.write_text(KEY)
    assert refused(SERVER, GONGYUN_SECRET_KEY_FILE=str(file)) == ["GONGYUN_SECRET_KEY_FILE"]


def test_embedded_makes_its_own_key_once_and_for_its_owner_alone(read, tmp_path):
    from kernel.embedded import Urls

    urls = Urls(web="postgresql+psycopg:///w", worker="postgresql+psycopg:///j", admin="a")
    settings = read(GONGYUN_VAR=str(tmp_path / "var"))
    first, second = settings.with_embedded(urls), settings.with_embedded(urls)
    assert first.secret(Need.KEY) == second.secret(Need.KEY)
    assert len(first.secret(Need.KEY)) >= 32
    assert (tmp_path / "var" / "secret-key").stat().st_mode & 0o777 == 0o600


def test_a_child_gets_the_secrets_it_needs_and_no_other(read):
    environ = read(SERVER, GONGYUN_DEMO="on").environ_for(Need.WORKER)
    secrets = {name for name in environ if name in SERVER}
    assert (secrets, environ["GONGYUN_DEMO"]) == ({"WORKER_DATABASE_URL"}, "on")


def test_what_a_child_is_told_it_can_read(read):
    environ = read().environ_for()
    assert not read(environ | SERVER, GONGYUN_DEMO="off").shows_demo


def test_settings_cannot_be_changed_and_show_no_secret(read):
    settings = read(SERVER)
    with pytest.raises(ValueError, match="frozen"):
        settings.bind = "0.0.0.0:80"
    assert settings.bind == "127.0.0.1:8000"
    assert KEY not in repr(settings)

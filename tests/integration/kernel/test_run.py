"""`app.py run` as an operator uses it: real processes, real signals."""

import http.client
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from kernel.embedded import EmbeddedServer

ROOT = Path(__file__).parents[3]
OURS = ("DATABASE_URL", "WORKER_DATABASE_URL", "ADMIN_DATABASE_URL")


def until(done: Callable[[], object], seconds: float = 120.0) -> bool:
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def processes_of(var: Path) -> dict[int, str]:
    """Every living process that was started for `var`, with its command line."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().decode().replace("\0", " ")
            environ = (folder / "environ").read_bytes().decode()
        except OSError:
            continue  # ended while we looked, or another user's
        if words and (str(var) in words or f"GONGYUN_VAR={var}\0" in environ):
            found[int(folder.name)] = words
    return found


def pid_of(var: Path, words: str) -> int:
    """The first of the processes whose command line has `words`: the parent of its kind."""
    return min(pid for pid, line in processes_of(var).items() if words in line)


@dataclass
class Run:
    """One `app.py run` and what it has said so far."""

    process: subprocess.Popen[bytes]
    said: Path
    port: int
    var: Path

    def words(self) -> str:
        return self.said.read_text(encoding="utf-8")

    def answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


Start = Callable[..., Run]


@contextmanager
def starting(folder: Path) -> Iterator[Start]:
    """`start(NAME=value, …)` starts `app.py run` in `folder`; at the end all of it is gone."""
    started: list[subprocess.Popen[bytes]] = []
    var = folder / "var"

    def start(**environ: str) -> Run:
        port = free_port()
        given = {name: value for name, value in os.environ.items() if name not in OURS}
        given |= {"GONGYUN_VAR": str(var), "GONGYUN_BIND": f"127.0.0.1:{port}"}
        given |= {"GONGYUN_DEMO": "off"} | environ
        said = folder / f"said-{port}.txt"
        with said.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "app.py", "run"],
                cwd=ROOT,
                env=given,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        started.append(process)
        return Run(process, said, port, var)

    yield start
    for process in started:
        process.kill()
        process.wait()
    assert until(lambda: not processes_of(var))


def once_ready(run: Run) -> Run:
    assert until(lambda: "ready after" in run.words()), run.words()
    return run


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="gongyun-run-", dir="/tmp"))
    folder.chmod(0o755)  # so that the database lives there also when we are root
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def steady(folder: Path) -> Iterator[Run]:
    """One run for all tests that leave it running."""
    (folder / "steady").mkdir()
    with starting(folder / "steady") as start:
        yield once_ready(start())


@pytest.fixture
def start(folder: Path) -> Iterator[Start]:
    with starting(folder) as start:
        yield start


@pytest.fixture
def running(start: Start) -> Run:
    return once_ready(start())


def test_ctrl_c_ends_everything_and_leaves_no_process(running):
    end_by(signal.SIGINT, running)


def end_by(stop: signal.Signals, run: Run) -> None:
    before = processes_of(run.var)
    run.process.send_signal(stop)
    assert run.process.wait(30) == 0
    assert processes_of(run.var) == {}
    assert len(before) >= 4  # run, postgres, web, worker, and what these have forked so far


def test_kill_9_of_run_leaves_no_process(running):
    var = running.var
    running.process.kill()
    assert until(lambda: not processes_of(var), 20)


def test_a_killed_web_server_is_started_again_and_the_reason_is_said(steady):
    os.kill(pid_of(steady.var, "app.py web"), signal.SIGKILL)
    assert until(lambda: "web killed by SIGKILL; starting it again" in steady.words())
    assert until(steady.answers)


def test_a_killed_worker_is_started_again(steady):
    first = pid_of(steady.var, "app.py worker")
    os.kill(first, signal.SIGKILL)
    assert until(lambda: "worker killed by SIGKILL; starting it again" in steady.words())
    assert until(lambda: any("app.py worker" in line for line in processes_of(steady.var).values()))
    assert pid_of(steady.var, "app.py worker") != first


def test_a_killed_database_is_started_again_with_all_others(steady):
    pidfile = steady.var / "postgres" / "data" / "postmaster.pid"

    def served_by() -> str:
        return pidfile.read_text().partition("\n")[0] if pidfile.exists() else ""

    first = served_by()
    os.kill(int(first), signal.SIGKILL)
    assert until(lambda: "PostgreSQL is gone" in steady.words())
    assert until(lambda: served_by() not in ("", first))
    assert until(steady.answers)


def test_what_keeps_falling_ends_the_run_with_its_last_words(running):
    var = running.var

    def fall_again() -> bool:
        for pid, line in processes_of(var).items():
            if "app.py worker" in line:
                os.kill(pid, signal.SIGKILL)
        return running.process.poll() is not None

    assert until(fall_again)
    assert running.process.returncode == 1
    assert "worker killed by SIGKILL. Its last words" in running.words()
    assert processes_of(var) == {}


def test_the_web_server_does_not_know_the_workers_and_the_admins_address(steady):
    environ = Path(f"/proc/{pid_of(steady.var, 'app.py web')}/environ").read_text().split("\0")
    names = {each.partition("=")[0] for each in environ}
    assert names & {*OURS} == {"DATABASE_URL"}


def test_doctor_finds_nothing_wrong_while_it_runs(steady):
    environ = os.environ | {"GONGYUN_VAR": str(steady.var)}
    words = [sys.executable, "app.py", "doctor", "--json"]
    done = subprocess.run(words, cwd=ROOT, env=environ, capture_output=True, text=True)
    found = {each["check"]: each["verdict"] for each in json.loads(done.stdout)}
    assert found == {"disk": "ok", "database": "ok", "isolation": "ok", "worker": "ok"}, done.stdout
    assert done.returncode == 0


def test_told_to_stop_it_ends_everything_and_leaves_no_process(steady):
    """The last test of `steady`: it ends it."""
    end_by(signal.SIGTERM, steady)


def test_a_database_server_is_used_and_left_alone(start, folder):
    with EmbeddedServer(folder / "elsewhere", fast=True) as server:
        urls = server.urls()
        run = start(
            DATABASE_URL=urls.web,
            WORKER_DATABASE_URL=urls.worker,
            ADMIN_DATABASE_URL=urls.admin,
            GONGYUN_SECRET_KEY=secrets.token_urlsafe(48),
            GONGYUN_DEMO="auto",
        )
        once_ready(run)
        run.process.terminate()
        assert run.process.wait(30) == 0
        assert server.is_alive()
    assert "starting PostgreSQL" not in run.words()
    assert "demo" not in run.words()


def test_a_taken_address_is_said_and_nothing_is_started(start):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = f"127.0.0.1:{other.getsockname()[1]}"
        run = start(GONGYUN_BIND=taken)
        assert run.process.wait(30) == 1
    assert f"{taken} is taken by another program" in run.words()
    assert processes_of(run.var) == {}


def test_wrong_settings_are_all_named_at_once(start):
    run = start(GONGYUN_BIND="here", GONGYUN_WEB_THREADS="many", GONGYUN_BNID="1", COLUMNS="200")
    assert run.process.wait(30) == 2
    words = run.words()
    named = [
        name for name in ("GONGYUN_BIND", "GONGYUN_WEB_THREADS", "GONGYUN_BNID") if name in words
    ]
    assert named == ["GONGYUN_BIND", "GONGYUN_WEB_THREADS", "GONGYUN_BNID"]
    assert processes_of(run.var) == {}

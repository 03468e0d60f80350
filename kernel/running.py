"""Everything at once on one machine: database, web server and worker, for as long as it is wanted.

`run` starts them in order, says what falls and why, and leaves no process behind: neither after
Ctrl-C or SIGTERM nor after kill -9, since every child dies with its parent.
"""

import contextlib
import errno
import http.client
import signal
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from kernel import processes
from kernel.embedded import EmbeddedServer
from kernel.processes import Child, ChildFailed, StopRequested
from kernel.settings import Need, Settings, env_name

START_S: Final = 60.0
Say = Callable[[str], None]


class AddressTaken(Exception):
    """Another program listens where the web server shall."""


@contextlib.contextmanager
def with_database(settings: Settings) -> Iterator[Settings]:
    """Yield settings with the addresses of a running database: the named server, or our own.

    Our own is borrowed where `run` has started it, else started for the time of the block.
    """
    if not settings.embedded:
        yield settings
        return
    with EmbeddedServer(settings.var) as server:
        yield settings.with_embedded(server.urls())


def run(
    settings: Settings,
    program: Sequence[str],
    *,
    prepare: Callable[[Settings], None],
    announce: Callable[[Settings], None],
    say: Say,
) -> None:
    """Run database, web and worker until told to end.

    `program` is the command line to which `web` and `worker` are added; `prepare` brings the
    database up to date; `announce` is called when the first page answers. Raises `AddressTaken`,
    `EmbeddedFailed`, `ChildFailed`.
    """
    processes.stop_on_signals()
    _require_free(settings)
    server = EmbeddedServer(settings.var) if settings.embedded else None
    children: list[Child] = []
    try:
        if server is not None:
            say("starting PostgreSQL")
            settings = settings.with_embedded(server.start())
        prepare(settings)
        children = _children(settings, program)
        say("starting web server and worker")
        _start(children, settings)
        announce(settings)
        _watch(server, children, settings, say)
    except (KeyboardInterrupt, StopRequested):
        say("ending")
    finally:
        processes.ignore_signals()
        _stop(children)
        if server is not None:
            server.stop()


def _require_free(settings: Settings) -> None:
    host, port = settings.host, settings.port
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            why = "is taken by another program" if error.errno == errno.EADDRINUSE else str(error)
            raise AddressTaken(
                f"{settings.bind} {why}. End that one, or set {env_name('bind')}=HOST:PORT."
            ) from error


def _children(settings: Settings, program: Sequence[str]) -> list[Child]:
    logs = settings.var / "log"
    logs.mkdir(parents=True, exist_ok=True)
    return [
        Child(
            name="web",
            argv=[*program, "web"],
            environ=settings.environ_for(Need.WEB, Need.KEY),
            log=logs / "web.log",
        ),
        Child(
            name="worker",
            argv=[*program, "worker"],
            environ=settings.environ_for(Need.WORKER, Need.KEY),
            log=logs / "worker.log",
            # Its jobs bear being run twice; a gentle end could wait for a database that is gone.
            death_signal=signal.SIGKILL,
        ),
    ]


def _start(children: Sequence[Child], settings: Settings) -> None:
    for child in children:
        child.start()
    deadline = time.monotonic() + START_S
    while not _is_healthy(settings):
        for child in children:
            if child.has_fallen():
                raise child.fall()
        if time.monotonic() > deadline:
            raise ChildFailed(f"The web server does not answer at {settings.bind}.")
        time.sleep(0.1)


def _is_healthy(settings: Settings) -> bool:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)
    connection = http.client.HTTPConnection(host, settings.port, timeout=5)
    try:
        connection.request("GET", "/healthz", headers={"Host": settings.hosts[0]})
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _watch(
    server: EmbeddedServer | None, children: Sequence[Child], settings: Settings, say: Say
) -> None:
    while True:
        time.sleep(0.3)
        if server is not None and not server.is_alive():
            # Without it the others can only fail; stopped, they hold none of its last processes.
            say(f"PostgreSQL is gone; starting everything again ({server.home.log})")
            _stop(children)
            server.start()
            _start(children, settings)
        for child in children:
            if child.has_fallen():
                child.start_again(say)


def _stop(children: Sequence[Child]) -> None:
    for child in children:
        child.ask_to_stop()
    for child in children:
        child.stop()

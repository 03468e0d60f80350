"""The web server: gunicorn with threads, the same in the demo and in live use."""

import gc
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger

from kernel import processes
from kernel.settings import Settings

MEMORY: Final = Path("/dev/shm")  # noqa: S108 - gunicorn makes unnamed files there, for its heartbeat
GRACE_S: Final = 5  # given to running requests when the server is told to end


class _Logger(Logger):  # type: ignore[misc]
    """gunicorn's words go the way of all others, as JSON."""

    def setup(self, cfg: Any) -> None:
        self.error_log.handlers.clear()
        self.error_log.propagate = True


class _Server(BaseApplication):  # type: ignore[misc]
    def __init__(self, make_app: Callable[[], Flask], options: dict[str, Any]) -> None:
        self._make_app = make_app
        self._options = options
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        app = self._make_app()
        # What stands now stands to the end: a full collection need not look through it again, and
        # the processes that fork keep sharing its memory. Without this one request in ten waits.
        gc.collect()
        gc.freeze()
        return app


def _after_fork(arbiter: Any, worker: Any) -> None:
    processes.die_with(arbiter.pid, signal.SIGKILL)


def serve(make_app: Callable[[], Flask], settings: Settings) -> None:
    """Serve until told to end (SIGTERM, SIGINT).

    `make_app` runs once, before the processes fork: it must leave no connection and no thread.
    """
    options = {
        "bind": settings.bind,
        "workers": settings.web_processes,
        "threads": settings.web_threads,
        "worker_class": "gthread",
        "preload_app": True,
        "control_socket_disable": True,
        "post_fork": _after_fork,
        "logger_class": _Logger,
        "graceful_timeout": GRACE_S,
        "timeout": 60,
        "keepalive": 5,
        "worker_tmp_dir": str(MEMORY) if os.access(MEMORY, os.W_OK) else None,
        # Whom to believe about the client's address is said once, to Flask (`proxy_hops`).
        "forwarded_allow_ips": "",
    }
    _Server(make_app, options).run()

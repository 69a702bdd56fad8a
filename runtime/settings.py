"""Typed settings from the environment; a wrong or missing one stops the process naming it."""

import sys
from typing import NoReturn, TypeVar

from pydantic import BaseModel, ConfigDict, DirectoryPath, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from runtime.logs import LogLevel

EX_CONFIG = 78  # sysexits.h


class KafkaSettings(BaseModel):
    """Where Kafka is: ``host:port[,host:port]``."""

    model_config = ConfigDict(frozen=True)

    bootstrap_servers: str = Field(min_length=3)


class MongoSettings(BaseModel):
    """Where MongoDB is; the URI may hold credentials and is never shown."""

    model_config = ConfigDict(frozen=True)

    uri: SecretStr
    database: str = Field(min_length=1)


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
            name = prefix + "__".join(str(part) for part in problem["loc"]).upper()
            sys.stderr.write(f"{name}: {problem['msg']}\n")
        stop_misconfigured()


def stop_misconfigured(reason: str | None = None) -> NoReturn:
    """Exit with ``EX_CONFIG``, saying why."""
    if reason:
        sys.stderr.write(f"{reason}\n")
    raise SystemExit(EX_CONFIG)

"""What the notifier reads from its environment."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, FilePath, model_validator

from runtime.settings import MongoSettings, PublicUrl, ServiceSettings, environment
from schemas import topics


class SmtpSettings(BaseModel):
    """The relay that takes our mail; times in seconds."""

    model_config = ConfigDict(frozen=True)

    host: str = Field(min_length=1)
    port: int = Field(ge=1, le=65535)
    tls: Literal["none", "if-offered", "starttls", "implicit"] = "if-offered"
    username: str | None = None
    password_file: str = "smtp-password"  # noqa: S105 - the name of a file in the keys folder
    connections: int = Field(default=12, ge=1, le=32)
    connect_deadline_s: float = 10.0
    reply_deadline_s: float = 60.0
    final_reply_deadline_s: float = 600.0
    """RFC 5321, section 4.5.3.2.6: ending sooner than this makes unknowable deliveries."""

    @model_validator(mode="after")
    def _no_password_in_the_clear(self) -> "SmtpSettings":
        if self.username is not None and self.tls not in {"starttls", "implicit"}:
            raise ValueError("a username needs tls to be starttls or implicit")
        return self


class TopicNames(BaseModel):
    """What is read and written."""

    model_config = ConfigDict(frozen=True)

    tickets_marketplace: str = topics.TICKETS_MARKETPLACE
    tickets_general: str = topics.TICKETS_GENERAL
    ticket_events: str = topics.TICKET_EVENTS
    remote_sessions: str = topics.REMOTE_SESSIONS
    notices: str = topics.NOTICES
    deliveries: str = topics.DELIVERIES
    replays: str = topics.replays(service="notifier")


class Settings(ServiceSettings):
    """All of it; ``lease_s`` is how long after a crash a delivery stands still."""

    model_config = environment("NOTIFIER_")

    mongo: MongoSettings
    smtp: SmtpSettings
    topics: TopicNames = TopicNames()
    mails_file: FilePath | None = None
    """A deployment's own table of mails, instead of the shipped one."""
    consent_url: PublicUrl | None = None
    """Where people reach consent: alerts to the DPO then lead to the page there."""
    group: str = "notifier"
    instance: str | None = None
    """A name that a restarted process keeps: its group then takes it back without waiting."""
    webhook_deadline_s: float = Field(default=20.0, gt=0)
    lease_s: float = Field(default=12.0, ge=1.0)
    first_retry_s: float | None = None
    """Instead of the table's, for trials."""

"""What intake reads from its environment, e.g. ``INTAKE_KAFKA__BOOTSTRAP_SERVERS``."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from runtime.settings import MongoSettings, ServiceSettings, environment

PublicUrl = Annotated[
    str,
    StringConstraints(pattern=r"^https?://[A-Za-z0-9.:\[\]-]+(/[A-Za-z0-9._/-]*)?$"),
    AfterValidator(lambda url: url.rstrip("/")),
]


class FormSettings(BaseModel):
    """The pages: which declared sources they stand for, and how much they take."""

    model_config = ConfigDict(frozen=True)

    source: str = "page-assistance"
    calls_source: str = "journal-appels"
    per_minute: int = Field(default=240, ge=1)
    """Submissions that one process takes from the public forms in a minute; more get a 429."""
    session_hours: int = Field(default=9, ge=1, le=24)
    """How long a member of the desk stays signed in."""


class Settings(ServiceSettings):
    """Intake's settings; ``public_url`` is where people and sources reach it."""

    model_config = environment("INTAKE_")

    mongo: MongoSettings
    public_url: PublicUrl
    group: str = Field(default="intake", pattern=r"^[a-z0-9-]{1,60}$")
    """With which name its consumer groups begin."""
    forms: FormSettings = FormSettings()

"""What intake reads from its environment, e.g. ``INTAKE_KAFKA__BOOTSTRAP_SERVERS``."""

from pydantic import BaseModel, ConfigDict, Field

from runtime.settings import MongoSettings, PublicUrl, ServiceSettings, environment


class FormSettings(BaseModel):
    """The pages: which declared sources they stand for, and how much they take."""

    model_config = ConfigDict(frozen=True)

    source: str = "page-assistance"
    calls_source: str = "journal-appels"
    per_minute: int = Field(default=240, ge=1)
    """Submissions that one process takes from one client of the public forms; more get a 429."""
    per_minute_in_all: int = Field(default=2_400, ge=1)
    """The same for all clients together."""
    proxies: int = Field(default=0, ge=0, le=9)
    """How many proxies stand before intake, each adding an address to ``X-Forwarded-For``."""
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

    @property
    def is_https(self) -> bool:
        """Whether browsers reach the pages over https."""
        return self.public_url.startswith("https://")

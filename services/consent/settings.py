"""What the consent service reads from its environment."""

from pathlib import Path
from typing import Annotated, Final

from pydantic import Field

from runtime.settings import MongoSettings, PublicUrl, ServiceSettings, environment
from services.consent.domain.checkpoint import DEFAULT_ORIGIN
from services.consent.domain.practice import DEFAULT_LEGAL_BASIS

_CODE: Final = r"^[A-Za-z0-9][A-Za-z0-9._:+/#-]{0,127}$"


class Settings(ServiceSettings):
    """Variables that begin with ``CONSENT_``."""

    model_config = environment("CONSENT_")

    mongo: MongoSettings
    public_url: PublicUrl
    """Where adherents reach their pages: https, or plain http on this very machine."""
    checkpoint_file: Path
    """On a mount that the database's user cannot write."""
    log_origin: str = DEFAULT_ORIGIN
    legal_basis: Annotated[str, Field(pattern=_CODE)] = DEFAULT_LEGAL_BASIS
    """Set by the DPO: the legal basis of the processing, as a code."""

    @property
    def is_https(self) -> bool:
        """Whether browsers reach the pages over https."""
        return self.public_url.startswith("https://")

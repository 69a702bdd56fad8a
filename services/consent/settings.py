"""What the consent service reads from its environment."""

from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from runtime.settings import MongoSettings, ServiceSettings, environment
from services.consent.domain.checkpoint import DEFAULT_ORIGIN

_THIS_MACHINE: Final = frozenset({"localhost", "127.0.0.1"})
_CODE: Final = r"^[A-Za-z0-9][A-Za-z0-9._:+/#-]{0,127}$"


def _public(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.path or parts.query:
        raise ValueError("must be https://host[:port] without a path")
    if parts.scheme == "http" and parts.hostname not in _THIS_MACHINE:
        raise ValueError("plain http is for this machine only: cookies must travel over https")
    return value


class Settings(ServiceSettings):
    """Variables that begin with ``CONSENT_``."""

    model_config = environment("CONSENT_")

    mongo: MongoSettings
    public_url: Annotated[str, AfterValidator(_public)]
    """Where adherents reach their pages: https, or plain http on this very machine."""
    checkpoint_file: Path
    """On a mount that the database's user cannot write."""
    log_origin: str = DEFAULT_ORIGIN
    legal_basis: Annotated[str, Field(pattern=_CODE)] = "gdpr-6-1-e"
    """Set by the DPO: the legal basis of the processing, as a code."""

    @property
    def is_https(self) -> bool:
        """Whether browsers reach the pages over https."""
        return self.public_url.startswith("https://")

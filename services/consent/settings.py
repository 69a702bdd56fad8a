"""What the consent service reads from its environment."""

from pathlib import Path
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from runtime.settings import (
    DatabaseName,
    MongoSettings,
    PublicUrl,
    ServiceSettings,
    environment,
    travels_safely,
)
from services.consent.domain.checkpoint import DEFAULT_ORIGIN
from services.consent.domain.practice import DEFAULT_LEGAL_BASIS

_CODE: Final = r"^[A-Za-z0-9][A-Za-z0-9._:+/#-]{0,127}$"


def _issuer(value: str) -> str:
    if not travels_safely(value) or "?" in value or "#" in value:
        raise ValueError("must be https://host[:port][/path], exactly as the provider names itself")
    return value


class OidcSettings(BaseModel):
    """The identity provider that stands in place of the built-in issuer; times in seconds."""

    model_config = ConfigDict(frozen=True)

    issuer: Annotated[str, Field(max_length=500), AfterValidator(_issuer)]
    audience: Annotated[str, Field(min_length=1, max_length=200)]
    """What the provider writes into tokens that are meant for this service."""
    subject_claim: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_.:/-]{0,99}$")] = "sub"
    """The claim that names the person as assistants.yaml and officers.yaml do."""
    leeway_s: Annotated[int, Field(ge=0, le=120)] = 30
    keys_kept_s: Annotated[int, Field(ge=600, le=86_400)] = 14_400
    """How long known keys hold while the provider is away."""
    client_id: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    """This service's name at the provider, for signing in to the assistants' and the DPO's pages.

    Its secret, where it has one, is the file ``oidc-client-secret`` among the keys.
    """
    scope: Annotated[str, Field(pattern=r"^openid( [!-~]+)*$")] = "openid"


class Settings(ServiceSettings):
    """Variables that begin with ``CONSENT_``."""

    model_config = environment("CONSENT_")

    mongo: MongoSettings
    public_url: PublicUrl
    """Where adherents reach their pages: https, or plain http on this very machine."""
    proxies: Annotated[int, Field(ge=0, le=9)] = 0
    """How many proxies stand before consent, each adding an address to ``X-Forwarded-For``.

    Too few: then all whom one of them passes on count as one who guesses.
    """
    checkpoint_file: Path
    """On a mount that the database's user cannot write."""
    ledger_database: DatabaseName = "aiguillage_notifier"
    """The notifier's, on the same server: its ledger is read for answers to access requests."""
    log_origin: str = DEFAULT_ORIGIN
    legal_basis: Annotated[str, Field(pattern=_CODE)] = DEFAULT_LEGAL_BASIS
    """Set by the DPO: the legal basis of the processing, as a code."""
    oidc: OidcSettings | None = None
    signed_in_hours: Annotated[int, Field(ge=1, le=24)] = 10
    """After this long a browser must sign in again."""

    dpo_idle_minutes: Annotated[int, Field(ge=5, le=120)] = 20
    """After so long without a request the DPO must sign in again, too."""

    @property
    def is_https(self) -> bool:
        """Whether browsers reach the pages over https."""
        return self.public_url.startswith("https://")

"""The checkpoint keys as files."""

from pathlib import Path
from typing import Final

from runtime.keys import KeyUnusable
from services.consent.domain.checkpoint import BadCheckpoint, Signer

SIGNING_KEY: Final = "consent-signing.pem"
FORMER_KEY: Final = "consent-signing-former.pem"
"""Signs beside the other for as long as the log is handed over to that."""


def read_signer(folder: Path, *, origin: str) -> Signer:
    """Return who signs now; raises ``KeyUnusable``."""
    former = folder / FORMER_KEY
    beside = read_key_file(former, origin=origin) if former.exists() else None
    return read_key_file(folder / SIGNING_KEY, origin=origin, former=beside)


def read_key_file(file: Path, *, origin: str, former: Signer | None = None) -> Signer:
    """Return the signer of one key; raises ``KeyUnusable``."""
    try:
        return Signer.from_pem(file.read_bytes(), origin=origin, former=former)
    except (OSError, ValueError, BadCheckpoint) as error:
        raise KeyUnusable(f"{file}: {type(error).__name__}") from None

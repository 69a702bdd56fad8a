"""The notifier's ledger, read for one person: by keyed hash, and only what a person is told."""

from collections.abc import Mapping
from typing import Any, Final

from runtime.failures import Unavailable
from runtime.keys import keyed_hash
from runtime.mongo import Database, unavailable_when_away
from schemas.deliveries import LEDGER, LEDGER_RECIPIENT, LEDGER_TOLD, recipient_parts
from services.consent.domain.elsewhere import Mailed, TooMuch

MOST: Final = 20_000


class LedgerMails:
    """Reads with the key by which recipients are known; a bounded one raises ``TooMuch``."""

    def __init__(self, database: Database, key: bytes, *, bounded: bool) -> None:
        self._deliveries = database[LEDGER]
        self._key = key
        self._bounded = bounded

    async def to(self, address: str) -> list[Mailed]:
        """Return the mails to an address; a ledger that no notifier has prepared is away."""
        asked = {LEDGER_RECIPIENT: keyed_hash(self._key, *recipient_parts(address))}
        with unavailable_when_away():
            if f"{LEDGER_RECIPIENT}_1" not in await self._deliveries.index_information():
                raise Unavailable("the notifier's ledger")
            reading = self._deliveries.find(asked, LEDGER_TOLD).sort("planned_at", 1)
            found = await reading.to_list(MOST + 1 if self._bounded else None)
        if self._bounded and len(found) > MOST:
            raise TooMuch
        return [_mail(document) for document in found]


def _mail(document: Mapping[str, Any]) -> Mailed:
    return Mailed(
        template=document["template"],
        state=document["state"],
        planned_at=document["planned_at"],
        forgotten_at=document["expires_at"],
    )

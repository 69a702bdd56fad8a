"""The persons collection in memory."""

from collections.abc import Mapping
from uuid import UUID

from services.consent.domain.persons import PersonRecord


class FakePersons:
    """The persons collection in memory, without encryption."""

    def __init__(self) -> None:
        self._records: dict[tuple[UUID, str], PersonRecord] = {}

    async def keep(self, session: UUID, kind: str, value: Mapping[str, str]) -> PersonRecord:
        commitment = f"{len(self._records):064x}"
        record = PersonRecord(kind=kind, value=value, commitment=commitment)
        return self._records.setdefault((session, kind), record)

    async def of_session(self, session: UUID) -> tuple[PersonRecord, ...]:
        return tuple(record for (one, _), record in self._records.items() if one == session)

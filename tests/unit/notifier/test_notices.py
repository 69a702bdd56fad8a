"""How a notice becomes an occasion: what it must bring, and until when it is of use."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from desk import Desk
from runtime.failures import PermanentFailure
from runtime.sealing import Sealer
from services.notifier.domain.occasions import Word
from services.notifier.domain.table import MailTable
from services.notifier.handlers import Readers
from tests.unit.notifier import events

SEALER = Sealer(b"k" * 32)


class NoMemory:
    """Notices are not remembered."""

    async def remember(self, request_id: str, record: bytes, *, now: datetime) -> None:
        raise AssertionError

    async def recall(self, request_id: str) -> bytes | None:
        raise AssertionError

    async def forget(self, request_id: str) -> None:
        raise AssertionError


@pytest.fixture
def readers(desk: Desk, word: Word, table: MailTable) -> Readers:
    return Readers(desk=desk, word=word, table=table, sealer=SEALER, memory=NoMemory())


def a_record(template: str, **changes: str) -> Any:
    variables = {**events.NOTICES[template], **changes}
    event = events.notice(template, to="claire@mairie.example", sealer=SEALER, variables=variables)
    return SimpleNamespace(value=event.to_json(), headers=())


@pytest.mark.parametrize("template", ["session-offer", "identity-check"])
async def test_what_expires_is_of_use_until_the_moment_that_the_notice_says(
    readers: Readers, template: str
) -> None:
    occasion = await readers.notice(a_record(template, expires_at="2026-11-23T10:37:00+01:00"))
    assert occasion.useful_until == datetime(2026, 11, 23, 9, 37, tzinfo=UTC)


async def test_what_does_not_expire_has_no_such_moment(readers: Readers) -> None:
    assert (await readers.notice(a_record("session-receipt"))).useful_until is None


@pytest.mark.parametrize("said", ["soon", "2026-11-23T10:37:00", ""])
async def test_an_end_that_is_no_moment_parks_the_notice(readers: Readers, said: str) -> None:
    with pytest.raises(PermanentFailure, match="not-a-moment"):
        await readers.notice(a_record("session-offer", expires_at=said))


def test_offers_and_wishes_end_when_the_desk_says_not_when_the_table_does(table: MailTable) -> None:
    assert {m.template: m.useful_until for m in table.mails if "expires_at" in m.variables} == {
        "session-offer": "expires_at",
        "session-wish-queue": "expires_at",
        "identity-check": "expires_at",
    }

"""The DPO's weekly digest: the week that has ended in numbers, the same from every instance."""

import base64
import json
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from deploy.local.services import DESK
from desk import load_desk
from runtime.sealing import Sealer
from schemas.sessions import NoticeIssued
from services.consent.domain.entry import THE_LOG
from services.consent.domain.merkle import root_hash
from services.consent.domain.reconciliation import Stretch, Tally
from services.consent.handlers.about_log import put_on_record
from services.consent.handlers.digest import Digest
from services.notifier.declared import build_renderer, load_words
from tests.integration.consent.office import Clock, Office
from tests.unit.consent.drafts import NOTICE, draft

SEALER = Sealer(b"k" * 32)
SUNDAY_NIGHT = datetime(2025, 11, 2, 22, 59, tzinfo=UTC)  # 23:59 on the desk's clock


async def digest(office: Office, clock: Clock) -> NoticeIssued | None:
    """Return what an instance of its own makes of the log."""
    local = load_desk(DESK).calendar.local
    made = Digest(office.log, SEALER, dpo="dpo@x.example", local=local, now=lambda: clock.at)
    return await made.notice()


def said(notice: NoticeIssued | None) -> dict[str, str]:
    assert notice is not None
    sealed = json.loads(SEALER.open_text(notice.data.sealed, purpose="notice"))
    assert sealed["to"] == "dpo@x.example"
    variables: dict[str, str] = sealed["variables"]
    return variables


async def a_reconciliation(office: Office, *, never_started: int, not_reported: int) -> None:
    """Put on record what a reconciliation came to."""
    names = (field.name for field in fields(Tally))
    unused = {"never_started": never_started, "not_reported": not_reported}
    counts = Tally(**{**dict.fromkeys(names, 0), **unused})
    stretch = Stretch(
        since=SUNDAY_NIGHT - timedelta(days=not_reported), until=SUNDAY_NIGHT, given=True
    )
    facts = {**counts.facts, **stretch.facts}
    await put_on_record(office.log, draft(THE_LOG, "evidence-read", "dpo", facts=facts))


async def an_oral_session(office: Office) -> None:
    """Hold a session that only the assistant has heard agreed to, and that is stopped."""
    session, acts = uuid4(), ("offered", "notice-read-aloud", "oral-grant-attested", "started")
    for after, act in enumerate(acts):
        facts = {"notice": NOTICE} if "notice" in act else {}
        await office.log.append(draft(session, act, "assistant", **facts), after=after)
    await office.log.append(draft(session, "stopped", "adherent"), after=4)


async def test_the_week_that_has_ended_is_told_in_numbers(office: Office, clock: Clock) -> None:
    clock.at = SUNDAY_NIGHT
    await office.hold_session(uuid4())  # of the week before
    await a_reconciliation(office, never_started=8, not_reported=8)
    clock.at += timedelta(minutes=2)
    await office.hold_session(uuid4())
    await an_oral_session(office)
    await put_on_record(office.log, draft(THE_LOG, "connection-unauthorized", "service"))
    await a_reconciliation(office, never_started=9, not_reported=9)
    await a_reconciliation(office, never_started=3, not_reported=2)
    size = await office.log.size()
    clock.at += timedelta(days=7)
    await office.hold_session(uuid4())  # of the week that is not over
    told = said(await digest(office, clock))
    counted = {name: int(value) for name, value in told.items() if value.isdigit()}
    expected = {"view_link": 1, "view_assistant": 1, "intervene_link": 1, "sessions": 2, "stops": 1}
    expected |= {"intervened": 1, "refusals": 1, "unauthorized": 1, "readings": 2, "size": size}
    expected |= {"reconciliations": 2, "never_started": 3, "not_reported": 2}  # of the last
    assert {name: number for name, number in counted.items() if number} == expected
    assert (told["share"], told["begins_at"][:13]) == ("50\u00a0%", "2025-11-02T23")
    assert told["ends_at"][:13] == "2025-11-09T23"
    looked = (told["looked_by"], told["looked_from"], told["looked_to"])
    assert looked == ("days", "2025-10-31T22:59:00+00:00", "2025-11-02T22:59:00+00:00")
    leaves = await office.log.leaf_hashes(0, size)
    assert told["root"] == base64.b64encode(root_hash(leaves)).decode()


async def test_it_is_the_same_notice_whoever_makes_it_and_whenever_in_the_week(
    office: Office, clock: Clock
) -> None:
    await office.hold_session(uuid4())
    clock.at += timedelta(days=7)
    first = await digest(office, clock)
    await office.hold_session(uuid4())
    clock.at += timedelta(days=3)
    again = await digest(office, clock)
    assert first is not None
    assert again is not None
    assert (first.id, first.time, said(first)) == (again.id, again.time, said(again))
    clock.at += timedelta(days=7)
    later = await digest(office, clock)
    assert later is not None
    assert later.id != first.id
    assert said(later)["sessions"] == "1"


async def test_a_log_that_was_empty_has_no_digest_and_a_quiet_week_has_one(
    office: Office, clock: Clock
) -> None:
    assert await digest(office, clock) is None
    await office.hold_session(uuid4())
    assert await digest(office, clock) is None
    clock.at += timedelta(days=21)
    told = said(await digest(office, clock))
    assert (told["sessions"], told["share"], told["size"]) == ("0", "0\u00a0%", "12")
    desk = load_desk(DESK)
    words = build_renderer(desk, load_words()).render("digest", {**told, "name": None})
    assert "Séances commencées\u00a0: 0" in words.text
    assert "jamais utilisées, au dernier d’entre eux\u00a0: sans objet" in words.text
    assert "Cherchées\u00a0: dans aucune période" in words.text
    assert "lundi 17 novembre 2025" in words.text
    assert UUID((await digest(office, clock)).id)  # type: ignore[union-attr]

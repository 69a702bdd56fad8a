"""Retention runs by itself: what it removes is on record first, once, and every proof holds."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from deploy.local.services import DESK
from desk import load_desk
from runtime.failures import Unavailable
from runtime.mongo import Database
from services.consent.domain.entry import THE_LOG, Draft
from services.consent.domain.log import Stale
from services.consent.gateway.checkpoints import CheckpointWriter
from services.consent.handlers.about_log import put_on_record
from services.consent.handlers.follower import Follower
from services.consent.handlers.offering import Offering, Wanted
from services.consent.handlers.recorder import Recorder
from services.consent.handlers.retention import Ended, Retention
from services.consent.handlers.searching import Searching
from services.consent.integrity import verify_log
from services.consent.store.documents import COLLECTION
from services.consent.verify import NotIntact
from tests.integration.consent.office import ODILE, REQUEST, SESSION, Clock, Office
from tests.unit.consent.drafts import draft
from tests.unit.consent.exports import SIGNER
from tests.unit.consent.test_sessions_recording import LUCIE, PRACTICE

YEAR = timedelta(days=365)


def a_retention(office: Office, clock: Clock, *, kept_days: int = 365) -> Retention:
    return Retention(
        office.log,
        office.persons,
        office.pictures,
        kept_days=kept_days,
        legal_basis="x",
        now=clock,
    )


async def about_log(office: Office) -> list[Draft]:
    return [entry.draft for entry in await office.log.entries(THE_LOG)]


async def verified(office: Office, notes: str = "") -> int:
    raw = office.log.raw(await office.log.size())
    return (await verify_log(raw, notes=notes, verifier=SIGNER.verifier)).hidden.count


async def an_old_session(office: Office, clock: Clock) -> None:
    """Hold a session, close its day, and let a year pass."""
    await office.hold_session()
    clock.at += timedelta(days=1)
    assert await a_retention(office, clock).run() == Ended(entries=0, persons=0, pictures=0)
    assert [one.type for one in await about_log(office)] == ["day-closed"]
    clock.at += YEAR + timedelta(hours=1)


async def test_who_reads_for_years_is_known_as_long_as_their_last_reading(
    office: Office, clock: Clock
) -> None:
    reader = ("dpo:aline", {"id": "aline"})
    first = await office.persons.keep(THE_LOG, *reader)
    clock.at += timedelta(days=300)
    assert await office.persons.keep(THE_LOG, *reader) == first
    for days, is_known in ((364, True), (2, False)):
        clock.at += timedelta(days=days)
        await a_retention(office, clock).run()
        assert (first in await office.persons.of_session(THE_LOG)) == is_known


async def test_at_the_end_of_retention_bytes_go_and_hashes_stay(
    office: Office, clock: Clock, database: Database, tmp_path: Path
) -> None:
    await CheckpointWriter(office.log, SIGNER, tmp_path / "notes").write()
    await an_old_session(office, clock)
    await CheckpointWriter(office.log, SIGNER, tmp_path / "notes").write()
    young = await office.hold_session(uuid4())
    leaves = await office.log.leaf_hashes(0, 25)
    ended = await asyncio.gather(*(a_retention(office, clock).run() for _ in range(3)))
    assert sum(one.entries for one in ended) == 12
    _, *purges = await about_log(office)
    assert [(one.type, one.reason) for one in purges] == [("purged", "retention-over")] * 2
    entries, persons = (dict(one.facts) for one in purges)
    assert (entries["span_1"], entries["entries"], entries["kept_days"]) == ("0-11", 12, 365)
    assert (persons["what"], persons["records"]) == ("persons", 3)  # the offer was repeated
    assert await office.log.leaf_hashes(0, 25) == leaves
    assert await database[COLLECTION].count_documents({"content": {"$exists": True}}) == 15
    assert await office.log.entries(SESSION) == ()
    assert await office.persons.of_session(SESSION) == ()
    assert len(await office.log.entries(young)) == 12
    assert await verified(office) == 12
    assert "PURGED: 12 entries" in await office.verdict(tmp_path)
    assert await a_retention(office, clock).run() == Ended(entries=0, persons=0, pictures=0)
    assert len(await about_log(office)) == 4  # the export


async def test_mongodb_deletes_no_person_by_itself(office: Office, database: Database) -> None:
    await database["persons"].create_index("delete_after", expireAfterSeconds=0)
    for _ in range(2):
        await office.persons.prepare()
    indexes = await database["persons"].index_information()
    assert not [name for name, index in indexes.items() if "expireAfterSeconds" in index]


async def test_before_the_end_of_retention_nothing_is_removed(office: Office, clock: Clock) -> None:
    await an_old_session(office, clock)
    clock.at -= timedelta(minutes=30)
    assert (await a_retention(office, clock).run()).entries == 0
    clock.at += timedelta(minutes=90)
    assert (await a_retention(office, clock).run()).entries == 12


@pytest.mark.parametrize(("kept_days", "later"), [(365, 0), (400, 36)])
async def test_a_purge_that_was_interrupted_is_ended_under_its_first_entry(
    office: Office, clock: Clock, monkeypatch: pytest.MonkeyPatch, kept_days: int, later: int
) -> None:
    await an_old_session(office, clock)

    async def away(*_: object, **__: object) -> int:
        raise Unavailable("mongodb")

    with monkeypatch.context() as patch:
        patch.setattr(office.log, "remove", away)
        with pytest.raises(Unavailable):
            await a_retention(office, clock).run()
    assert await verified(office) == 0
    for _ in range(2):
        await put_on_record(office.log, draft(THE_LOG, "evidence-read", "dpo"))
    clock.at += timedelta(days=later)
    assert (await a_retention(office, clock, kept_days=kept_days).run()).entries == 12
    types = [one.type for one in await about_log(office)]
    assert types.count("purged") == 2  # entries, and persons
    assert await verified(office) == 12


async def test_bytes_removed_without_a_purge_are_found_by_the_services_own_check(
    office: Office, clock: Clock, database: Database
) -> None:
    await an_old_session(office, clock)
    for harm in (
        {"$unset": {"content": ""}, "$set": {"purged": 3}},
        {"$set": {"purged": 10**9}},
    ):
        await database[COLLECTION].update_many({"session": str(SESSION)}, harm)
        with pytest.raises(NotIntact) as caught:
            await verified(office)
        assert caught.value.index == 0


async def test_a_check_that_a_purge_overtakes_is_done_again(office: Office, clock: Clock) -> None:
    await an_old_session(office, clock)
    size = await office.log.size()
    await a_retention(office, clock).run()
    with pytest.raises(Unavailable):
        await verify_log(office.log.raw(size), notes="", verifier=SIGNER.verifier)
    assert await verified(office) == 12


async def test_a_session_past_its_retention_takes_no_act_and_its_number_is_not_used_again(
    office: Office, clock: Clock
) -> None:
    follower = Follower(office.log)
    recorder = Recorder(office.log, PRACTICE, now=clock, on_append=follower.nudge)
    await an_old_session(office, clock)
    assert (await recorder.see(SESSION)).entries == ()
    assert (await recorder.see(SESSION)).is_over
    assert not (await recorder.see(uuid4())).is_over
    offering = Offering(recorder, office.persons, PRACTICE)
    wanted = Wanted(request=REQUEST, adherent=ODILE, mark=None)
    before = await offering.offer(LUCIE, wanted)
    assert before.session != SESSION
    assert not await recorder.is_purged(SESSION)
    await a_retention(office, clock).run()
    assert await recorder.is_purged(SESSION)
    assert (await recorder.see(SESSION)).entries == ()
    again = await offering.wish(wanted)
    assert again is None  # the live session's ticket, not the purged one's number
    found = await Searching(office.log, office.persons, load_desk(DESK)).by_ticket(REQUEST)
    assert [one.session for one in found] == [before.session]


async def test_who_follows_or_appends_passes_over_what_was_purged(
    office: Office, clock: Clock
) -> None:
    await an_old_session(office, clock)
    await a_retention(office, clock).run()
    session = await office.hold_session(uuid4(), acts=2)
    follower = Follower(office.log)
    while await follower._step():
        pass
    assert set(follower.live) == {session}
    assert await office.log.purged(0, 100) == 12
    first = (await office.log.read(0, 1))[0]
    assert (first.index, first.draft.type) == (12, "day-closed")
    stale = draft(SESSION, "offered", "assistant")
    with pytest.raises(Stale):
        await office.log.append(stale, after=0)


async def test_what_is_due_is_removed_by_the_command_and_that_is_on_record(
    office: Office, clock: Clock
) -> None:
    clock.at -= timedelta(days=800)
    await an_old_session(office, clock)
    done = await office.invoke("purge")
    assert done.exit_code == 0, done.output
    assert "12" in done.output
    assert await office.log.entries(SESSION) == ()
    purged = [one for one in await about_log(office) if one.type == "purged"]
    assert {one.actor for one in purged} == {"operator"}
    again = await office.invoke("purge")
    assert (again.exit_code, "12" in again.output) == (0, False)


@pytest.mark.parametrize("reader", ["dpo:aline-ferrandier", "operator"])
async def test_who_looks_for_what_is_due_is_on_record_though_nothing_is(
    office: Office, clock: Clock, reader: str
) -> None:
    clock.at = datetime.now(UTC)
    await office.hold_session()
    done = await office.invoke("purge", "--as", reader)
    assert done.exit_code == 0, done.output
    recorded = [one for one in await office.about_log() if one[0] != "day-closed"]
    assert recorded == [("evidence-read", reader.partition(":")[0], {"what": "retention"})]
    assert len(await office.log.entries(SESSION)) == 12

"""What every evidence log promises, in memory or in MongoDB."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from services.consent.domain.entry import THE_LOG, Entry
from services.consent.domain.log import EvidenceLog, NoticeTexts, NotInTable, Stale
from services.consent.domain.notices import Notice, hash_of, read_kept
from services.consent.handlers import about_log
from services.consent.handlers.about_log import put_on_record
from tests.unit.consent.drafts import draft, walk


class Clock:
    """The real time, which a test may set."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


TEXT = Notice(
    id="notice-view",
    version="1",
    language="fr",
    title="\u00c0 lire",
    paragraphs=("\u00ab Tout \u00bb sera vu.",),
    points=("Fermez\u00a0le\treste.",),
    bound={},
)


class EvidenceLogContract:
    """Run by a class that has a fixture ``log``, which goes by the fixture ``clock``."""

    async def test_an_entry_is_read_back_as_it_was_appended(self, log: EvidenceLog) -> None:
        offer = draft(uuid4(), "offered", "assistant", facts={"limit_s": 60, "oral": True})
        entry = await log.append(offer, after=0)
        assert (entry.index, entry.sequence, entry.draft) == (0, 1, offer)
        assert await log.entries(offer.session) == (entry,)
        assert await log.read(0, 10) == (entry,)
        assert await log.size() == 1

    async def test_a_whole_session_goes_on_record(self, log: EvidenceLog) -> None:
        for after, one in enumerate(drafts := walk()):
            await log.append(one, after=after)
        entries = await log.entries(drafts[0].session)
        assert [entry.draft for entry in entries] == list(drafts)

    async def test_entries_about_the_log_are_read_from_the_newest_one_back(
        self, log: about_log.Log
    ) -> None:
        assert await log.about_log() == ()
        for _ in range(3):
            await put_on_record(log, draft(THE_LOG, "evidence-read", "dpo"))
            await log.append(draft(uuid4(), "offered", "assistant"), after=0)
        entries = await log.entries(THE_LOG)
        assert [entry.index for entry in entries] == [0, 2, 4]
        later = entries[-1].time + timedelta(seconds=1)
        assert await log.about_log() == await log.about_log(later) == entries[-1:]
        assert await log.about_log(entries[1].time) == entries
        assert await log.about_log(entries[2].time) == entries[1:]
        assert await log.about_log(datetime.min.replace(tzinfo=UTC)) == entries

    async def test_a_text_is_kept_once_under_its_hash_whatever_is_shown_later(
        self, log: NoticeTexts
    ) -> None:
        assert await log.notice_texts() == {}
        later = replace(TEXT, version="2", points=())
        await asyncio.gather(log.keep_notices([TEXT]), log.keep_notices([TEXT]))
        await log.keep_notices([later, TEXT])
        assert await log.notice_texts() == {one.hash: one.text for one in (TEXT, later)}
        changed = {**await log.notice_texts(), later.hash: later.text.replace("Tout", "Rien")}
        assert read_kept(changed) == (TEXT,)
        no_texts = ("x", "[]", "{}", later.text.replace('"id"', '"it"'))
        assert read_kept({hash_of(one): one for one in no_texts}) == ()

    async def test_an_append_on_an_old_reading_is_stale(self, log: EvidenceLog) -> None:
        session = uuid4()
        await log.append(draft(session, "offered", "assistant"), after=0)
        await log.append(draft(session, "notice-served", "adherent"), after=1)
        with pytest.raises(Stale):
            await log.append(draft(session, "refused", "adherent"), after=1)
        assert len(await log.entries(session)) == 2

    async def test_what_the_table_does_not_have_is_not_recorded(self, log: EvidenceLog) -> None:
        with pytest.raises(NotInTable) as caught:
            await log.append(draft(uuid4(), "started", "assistant"), after=0)
        assert (caught.value.refused.reason, caught.value.refused.tell_dpo) == (
            "no-live-grant",
            True,
        )
        assert await log.size() == 0

    async def test_of_two_racing_acts_one_wins(self, log: EvidenceLog) -> None:
        session = uuid4()
        await log.append(draft(session, "offered", "assistant"), after=0)
        await log.append(draft(session, "notice-served", "adherent"), after=1)
        racing = [draft(session, "granted", "adherent"), draft(session, "refused", "adherent")]
        outcomes = await asyncio.gather(
            *(log.append(one, after=2) for one in racing), return_exceptions=True
        )
        assert sum(isinstance(outcome, Entry) for outcome in outcomes) == 1
        assert sum(isinstance(outcome, Stale) for outcome in outcomes) == 1

    async def test_no_entry_is_dated_before_the_one_before_it(
        self, log: EvidenceLog, clock: Clock
    ) -> None:
        session = uuid4()
        first = await log.append(draft(session, "offered", "assistant"), after=0)
        clock.ahead = timedelta(hours=-1)
        second = await log.append(draft(session, "notice-served", "adherent"), after=1)
        elsewhere = await log.append(draft(uuid4(), "offered", "assistant"), after=0)
        assert second.time == elsewhere.time == first.time
        clock.ahead = timedelta(seconds=1)
        assert (await log.append(draft(session, "granted", "adherent"), after=2)).time > first.time

    async def test_what_is_refused_for_its_time_says_at_which_it_was_judged(
        self, log: EvidenceLog, clock: Clock
    ) -> None:
        session, behind = uuid4(), timedelta(minutes=-2)
        await log.append(draft(session, "offered", "assistant", facts={"limit_s": 60}), after=0)
        clock.ahead = timedelta(minutes=2)
        newest = await log.append(draft(uuid4(), "offered", "assistant"), after=0)
        clock.ahead = behind
        with pytest.raises(NotInTable) as caught:
            await log.append(draft(session, "notice-served", "adherent"), after=1)
        assert (caught.value.refused.reason, caught.value.at) == ("too-late", newest.time)

    async def test_many_tasks_leave_no_gap(self, log: EvidenceLog) -> None:
        async def session() -> None:
            for after, one in enumerate(walk()):
                await log.append(one, after=after)

        await asyncio.gather(*(session() for _ in range(20)))
        entries = await log.read(0, 1000)
        assert [entry.index for entry in entries] == list(range(240))
        assert await log.read(235, 3) == entries[235:238]

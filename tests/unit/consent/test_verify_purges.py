"""Purged entries: their hashes stay, and verify.py wants a purge for each, after its due date."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from desk.facts import EVIDENCE_DAYS
from services.consent.domain.entry import THE_LOG, Draft, Entry, place
from services.consent.domain.purging import due, purge_of_entries, spans, spans_of
from services.consent.domain.table import table
from services.consent.verify import NotIntact, report, verify_export
from tests.unit.consent.drafts import NOW, draft, placed, walk
from tests.unit.consent.exports import VKEY, Line, checkpoints, export, lines_of

KEPT = timedelta(days=365)
OLD = [one for turn in zip(*(walk(UUID(int=n + 1)) for n in range(3)), strict=True) for one in turn]
YOUNG = walk(UUID(int=9))


def a_log(*, purged_after_days: float, sessions: Iterable[int] = (1, 2, 3)) -> list[Entry]:
    """Return three sessions of one day, a young one, and a purge of some, so much later."""
    entries = placed(OLD)
    about = draft(THE_LOG, "evidence-read", "dpo")
    at = NOW + timedelta(days=purged_after_days)
    entries.append(place(about, index=36, sequence=1, recorded_at=NOW + timedelta(minutes=1)))
    for number, one in enumerate(YOUNG):
        moment = at - timedelta(days=3) + timedelta(seconds=number)
        entries.append(place(one, index=37 + number, sequence=number + 1, recorded_at=moment))
    wanted = {UUID(int=number) for number in sessions}
    purge = a_purge([one for one in entries if one.draft.session in wanted])
    return [*entries, place(purge, index=49, sequence=2, recorded_at=at)]


def a_purge(entries: Sequence[Entry], **changes: Any) -> Draft:
    """Return the purge of these entries, whenever."""
    far = NOW + timedelta(days=4_000)
    sessions = {one.draft.session for one in entries}
    dues = [
        due([one for one in entries if one.draft.session == session], KEPT, at=far)
        for session in sorted(sessions)
    ]
    found = purge_of_entries(
        [one for one in dues if one], (), kept_days=365, actor="service", basis="x"
    )
    assert found is not None
    return replace(found, facts={**found.facts, **changes})


def purged(entries: Sequence[Entry], hidden: Iterable[int] | None = None) -> list[Line]:
    """Return the lines of an export after the purge; ``hidden`` where it is not what was named."""
    named = {index for entry in entries for span in spans_of(entry.draft) for index in span}
    gone = named if hidden is None else set(hidden)
    return [line.hidden() if line.index in gone else line for line in lines_of(entries)]


def finding(lines: list[Line], notes: str | None = None) -> tuple[int, str]:
    with pytest.raises(NotIntact) as caught:
        verify_export(export(lines), notes, VKEY if notes else None)
    return caught.value.index, caught.value.reason


def test_a_purged_log_verifies_under_the_checkpoints_from_before_and_after() -> None:
    entries = a_log(purged_after_days=366)
    notes = checkpoints(lines_of(entries), 5, 36, 50)
    log, witnessed = verify_export(export(purged(entries)), notes, VKEY)
    assert (log.size, log.hidden.count, witnessed) == (50, 36, 50)


@pytest.mark.parametrize("still_there", [(), (1,), (1, 2, 3)])
def test_a_purge_that_a_crash_interrupted_between_sessions_verifies(
    still_there: tuple[int, ...],
) -> None:
    entries = a_log(purged_after_days=366)
    kept = {UUID(int=number) for number in still_there}
    gone = [one.index for one in entries[:36] if one.draft.session not in kept]
    assert verify_export(export(purged(entries, gone)))[0].hidden.count == len(gone)


def test_some_sessions_can_be_purged_and_others_stay() -> None:
    entries = a_log(purged_after_days=366, sessions=(1, 3))
    log, _ = verify_export(export(purged(entries)))
    assert log.hidden.count == 24


@pytest.mark.parametrize("gone", [[0], [7], range(36), [35], [48], [*range(37, 49)]])
def test_a_leaf_hidden_without_a_purge_is_caught(gone: Iterable[int]) -> None:
    entries = a_log(purged_after_days=366)[:-1]
    assert finding(purged(entries, gone))[0] <= min(gone) + 3  # where it shows


def test_a_whole_session_hidden_without_a_purge_is_caught_where_it_begins() -> None:
    entries = a_log(purged_after_days=366, sessions=(1,))
    named = {index for span in spans_of(entries[-1].draft) for index in span}
    assert finding(purged(entries, {*named, *range(37, 49)})) == (
        *(37, "its bytes are not there, and no purge names it"),
    )
    second = {index for index in range(36) if index % 3 == 1}
    assert finding(purged(entries, named | second))[0] == 1


def test_what_was_hidden_before_its_due_date_is_caught_though_the_purge_says_otherwise() -> None:
    entries = a_log(purged_after_days=100)
    assert finding(purged(entries)) == (49, "a purge of what was not due")
    lied = a_purge(entries[:36], newest="2020-01-01T00:00:00.000000Z")
    entries[-1] = place(lied, index=49, sequence=2, recorded_at=entries[-1].time)
    assert finding(purged(entries)) == (0, "its bytes were removed before due")
    for days in (0, 30, 364, 1_101, "365", True):
        entries[-1] = place(
            a_purge(entries[:36], kept_days=days), index=49, sequence=2, recorded_at=NOW
        )
        assert finding(purged(entries)) == (49, "a purge after another time than entries are kept")


def test_a_young_session_among_those_that_are_due_is_caught() -> None:
    entries = a_log(purged_after_days=366)
    young = entries[37:49]
    lied = a_purge([*entries[:36], *young], newest=entries[35].recorded_at)
    entries[-1] = place(lied, index=49, sequence=2, recorded_at=entries[-1].time)
    verify_export(export(lines_of(entries)))  # nothing is hidden yet
    assert finding(purged(entries)) == (37, "its bytes were removed before due")


@pytest.mark.parametrize(
    "span", ["35-0", "0-99", "5-9/3-4", "0-35/35-36", "a", "", 7, "0-" + "9" * 50]
)
def test_a_purge_that_names_nothing_that_can_be_is_caught(span: object) -> None:
    entries = a_log(purged_after_days=366)
    forged = lines_of(entries)[-1]
    facts = json.loads(entries[-1].content)["facts"] | {"span_1": span}
    lines = [*purged(entries)[:-1], forged.rewritten(facts=facts)]
    assert finding(lines) == (49, "a purge that does not say what it removes")


def test_a_hidden_leaf_whose_hash_was_changed_is_caught_by_a_checkpoint() -> None:
    entries = a_log(purged_after_days=366)
    lines = purged(entries)
    lines[4] = replace(lines[4], leaf_hash=bytes(32))
    verify_export(export(lines))
    assert finding(lines, checkpoints(lines_of(entries), 20, 50))[0] == 0
    lines[4] = replace(lines[4], leaf_hash=b"short")
    assert finding(lines) == (4, "its line is damaged")


def test_an_entry_about_the_log_that_is_hidden_is_caught() -> None:
    entries = a_log(purged_after_days=366)
    assert finding(purged(entries, range(37)))[0] >= 36


def test_a_purge_by_a_session_or_by_an_assistant_is_none() -> None:
    entries = a_log(purged_after_days=366)
    for fields in ({"session": str(UUID(int=77)), "sequence": 1}, {"actor": {"role": "assistant"}}):
        lines = purged(entries)
        lines[-1] = lines_of(entries)[-1].rewritten(**fields)
        assert finding(lines)[0] == 49


def test_the_finding_counts_what_was_purged(
    tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "export"
    file.write_text("".join(export(purged(a_log(purged_after_days=366)))))
    assert report(file, None, None) == 0
    assert "PURGED: 36 entries, each named by a purge after its due date" in capsys.readouterr().out


def test_a_purge_names_each_entry_once_and_nothing_twice() -> None:
    assert spans([5, 1, 2, 9, 3]) == [range(1, 4), range(5, 6), range(9, 10)]
    entries = placed([one for number in range(40) for one in walk(UUID(int=number + 1))])
    every_other = [one for one in entries if one.draft.session.int % 2]
    drafted = a_purge(every_other)
    named = [index for span in spans_of(drafted) for index in span]
    assert named == [one.index for one in every_other]
    recorded = place(drafted, index=480, sequence=1, recorded_at=NOW + timedelta(days=4_000))
    dues = [due(entries[:12], KEPT, at=NOW + timedelta(days=4_000))]
    again = purge_of_entries(
        [one for one in dues if one], [recorded], kept_days=365, actor="service", basis="x"
    )
    assert again is None


def test_a_session_is_due_an_hour_after_its_retention_and_the_logs_own_entries_never() -> None:
    entries = placed(walk(UUID(int=1)))
    last = entries[-1].time
    assert due(entries, KEPT, at=last + KEPT + timedelta(minutes=59)) is None
    assert due(entries, KEPT, at=last + KEPT + timedelta(minutes=60)) is not None
    about = placed([draft(THE_LOG, "evidence-read", "dpo")])
    assert due(about, KEPT, at=last + timedelta(days=4_000)) is None


def test_the_desk_allows_what_the_table_allows() -> None:
    assert (table().purge.least_days, table().purge.most_days) == EVIDENCE_DAYS

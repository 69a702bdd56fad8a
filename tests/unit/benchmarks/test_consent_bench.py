"""The benchmark of the log measures what it says: its sessions, its proofs, its table."""

import asyncio
from pathlib import Path

from benchmarks.consent import proving, report
from benchmarks.consent.appending import BULK, BULKS, SESSIONS, appends_per_s, stepping
from benchmarks.consent.sessions import ACTS, a_session, entries
from benchmarks.consent.writers import WRITERS
from benchmarks.figures import percentiles_ms
from services.consent.domain.entry import Draft


async def test_its_sessions_are_what_the_verifier_accepts(tmp_path: Path) -> None:
    found = await proving.verification(tmp_path, 80)
    assert len(a_session()) == ACTS
    assert (found["entries"], found["checkpoints"]) == (80, 80)
    assert found["said"].startswith("INTACT: 80 entries")
    assert "UN" not in found["said"]


def test_proofs_of_a_million_entries_would_have_twenty_hashes() -> None:
    found = proving.proof_sizes(1 << 10)
    assert (found["inclusion_bytes"], found["consistency_bytes"] > 0) == (10 * 32, True)


async def test_every_act_of_a_session_follows_the_one_before() -> None:
    taken: list[tuple[Draft, int]] = []

    async def append(draft: Draft, after: int) -> None:
        await asyncio.sleep(0)
        taken.append((draft, after))

    assert await appends_per_s(append, sessions=3, seconds=0.05) > 0
    send = stepping(append)
    for number in range(20):
        await send("", number)
    ended: dict[object, int] = {}
    for draft, after in taken:
        assert ended.get(draft.session, 0) == after
        ended[draft.session] = after + 1


def test_the_table_has_each_figure_beside_its_goal() -> None:
    figures = percentiles_ms([0.010, 0.020])
    rows = [(name, sessions) for name in WRITERS for sessions in SESSIONS]
    rows += [(BULK, size) for size in BULKS]
    per_s = {"per_s": 1000, "per_s_min": 900, "per_s_max": 1100}
    shown = report.table(
        {
            "appends": [{"name": name, "at_once": n, **per_s} for name, n in rows],
            "latency_ms": {"decision to screen": figures, "store, 200/s": figures},
            "verification": {"entries_in_10_s": 99, "entries_in_10_s_of_cpu": 123_456},
            "proof": proving.proof_sizes(100),
        }
    )
    for goal in ("8 or more", "0.4 or more", "under 75", "under 150", "100,000 or more"):
        assert f"goal {goal}" in shown
    assert "123,456" in shown
    assert len(list(entries(16))) == 16

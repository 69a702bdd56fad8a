"""The CSV export of the connection report: its variants, its times, and rows that are refused."""

import tracemalloc
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.local.services import DESK
from desk import load_desk
from services.consent.domain.connections import Connection, Row, Unreadable
from services.consent.gateway.report_csv import NotAReport, csv_rows
from services.consent.gateway.report_rows import Reading, Times
from services.consent.handlers.taking_in import Refused, take_in
from services.consent.store.staging import Staging

SHIPPED = load_desk(DESK).remote.report
DECLARED = SHIPPED.model_copy(update={"zone": "Europe/Paris"})
READING = Reading(times=Times.declared(DECLARED), not_after=datetime(2027, 1, 1, tzinfo=UTC))
HEAD = "Utilisateur;ID;Début;Fin;Remarques"
ROW = "Lucie Garnerot;123 456 789;23/11/2026 10:00;23/11/2026 10:30;"
CANARY = "zz-canary-zz"


async def read(file: Path) -> list[Row]:
    return [row async for row in csv_rows(file, DECLARED.columns, READING)]


def written(tmp_path: Path, *lines: str, encoding: str = "utf-8", end: str = "\r\n") -> Path:
    file = tmp_path / "report.csv"
    file.write_bytes((end.join(lines) + end).encode(encoding))
    return file


def test_times_without_an_offset_are_utc_as_the_tools_maker_says() -> None:
    assert Times.declared(SHIPPED).zone == ZoneInfo("UTC")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize(
    "lines",
    [
        (HEAD, ROW),
        ("sep=;", HEAD, ROW),
        (HEAD.replace(";", "\t"), ROW.replace(";", "\t"), ""),
        ('"Notes","End","Start","PC","TeamViewer ID","User"',
         '"a ""b""","2026-11-23 10:30","2026-11-23T10:00+01:00",,"d123456789","lucie garnerot"'),
        ("username,userid,deviceid,start_date,end_date,notes",
         "Lucie Garnerot,,r123456789,2026-11-23T09:00:00Z,2026-11-23T09:30:00Z,"),
    ],
)  # fmt: skip
async def test_the_same_connection_is_read_from_every_variant(
    tmp_path: Path, lines: tuple[str, ...], encoding: str
) -> None:
    (row,) = await read(written(tmp_path, *lines, encoding=encoding))
    assert isinstance(row, Connection)
    assert row.identity == ("lucie garnerot", "123456789", "2026-11-23T09:00:00+00:00")
    assert row.ended == datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("began", "ended", "expected"),
    [
        ("25/10/2026 01:30", "25/10/2026 01:40", ("2026-10-24T23:30", "2026-10-24T23:40")),
        ("25/10/2026 02:30", "25/10/2026 02:40", ("2026-10-25T00:30", "2026-10-25T00:40")),
        ("25/10/2026 02:50", "25/10/2026 02:10", ("2026-10-25T00:50", "2026-10-25T01:10")),
        ("25/10/2026 03:00", "", ("2026-10-25T02:00", None)),
        ("01/07/2026 12:00:05", "", ("2026-07-01T10:00", None)),
    ],
)
async def test_local_times_are_those_of_the_declared_zone(
    tmp_path: Path, began: str, ended: str, expected: tuple[str, str | None]
) -> None:
    (row,) = await read(written(tmp_path, HEAD, f"Lucie;1;{began};{ended};"))
    assert isinstance(row, Connection)
    said = [at and at.isoformat()[:16] for at in (row.began, row.ended)]
    assert tuple(said) == expected


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("Lucie;1;;;", "start: is missing"),
        (f"Lucie;1;{CANARY};;", "start: not a time"),
        ("Lucie;1;31/02/2026 10:00;;", "start: not a time"),
        ("Lucie;1;29/03/2026 02:30;;", "start: the clocks skip this time"),
        ("Lucie;1;23/11/2026 10:00;23/11/2026 09:00;", "end: is before start"),
        ("Lucie;1;23/11/2028 10:00;;", "start: is in the future"),
        (f"Lucie;1;23/11/2026 10:00;;{CANARY};b", "has 6 fields where the head has 5"),
        (f"Lucie;1;23/11/2026 10:00;;{CANARY * 400}", "a field is too long"),
        (f'Lucie;1;"23/11/2026 10:00{CANARY}', "is not well-formed CSV; what follows was not read"),
    ],
)
async def test_a_row_that_cannot_be_read_has_its_line_and_a_reason_without_its_words(
    tmp_path: Path, line: str, reason: str
) -> None:
    spread = 'Lucie;1;23/11/2026 10:00;;"two\nlines"'
    rows = await read(written(tmp_path, HEAD, spread, line, ROW, end="\n"))
    assert rows[1] == Unreadable(place=4, reason=reason)


async def test_a_month_and_a_day_are_never_guessed(tmp_path: Path) -> None:
    both = DECLARED.model_copy(update={"dates": ("%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M")})
    reading = Reading(times=Times.declared(both), not_after=READING.not_after)
    file = written(tmp_path, HEAD, "L;1;05/06/2026 10:00;;", "L;1;25/06/2026 10:00;;")
    rows = [row async for row in csv_rows(file, both.columns, reading)]
    assert rows[0] == Unreadable(place=2, reason="start: more than one time")
    assert isinstance(rows[1], Connection)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is empty"),
        (b"\xff\xd8\xff\xe0 picture", "neither UTF-8 nor UTF-16"),
        ("Utilisateur;Début;Fin\r\n".encode(), "no column for device among"),
        ("Utilisateur;ID;ID;Début;Fin\r\n".encode(), "two columns of one name"),
        (f"{CANARY}\r\n".encode(), "no column for user, device, start, end"),
    ],
)
async def test_a_file_that_is_no_report_is_refused(
    tmp_path: Path, content: bytes, why: str
) -> None:
    (tmp_path / "report.csv").write_bytes(content)
    with pytest.raises(NotAReport, match=why) as refused:
        await read(tmp_path / "report.csv")
    assert CANARY not in str(refused.value)


async def test_bytes_that_are_no_text_refuse_their_row(tmp_path: Path) -> None:
    file = tmp_path / "report.csv"
    bad = b"Lucie;\xff;23/11/2026 10:00;;\n"
    file.write_bytes(f"{HEAD}\n{ROW}\n".encode() + bad + f"{ROW}\n".encode())
    rows = await read(file)
    assert rows[1] == Unreadable(place=3, reason="is not UTF-8")
    assert len(rows) == 3


async def test_one_bad_row_refuses_the_report_and_repeats_are_one(tmp_path: Path) -> None:
    file = written(tmp_path, HEAD, ROW, "Lucie;1;;;", ROW)

    async def taken(*, leave_out: bool) -> tuple[int, int, int]:
        with Staging() as staging:
            rows = csv_rows(file, DECLARED.columns, READING)
            report = await take_in(rows, staging, key=b"k" * 32, source="csv", leave_out=leave_out)
            return report.left_out, report.duplicates, len(list(staging.connections()))

    with pytest.raises(Refused) as refused:
        await taken(leave_out=False)
    assert refused.value.unreadable == [Unreadable(place=3, reason="start: is missing")]
    assert await taken(leave_out=True) == (1, 1, 1)


async def test_a_connection_that_had_no_end_takes_the_end_of_a_later_report() -> None:
    began = datetime(2026, 11, 23, 9, tzinfo=UTC)
    ends = [None, began + timedelta(minutes=5), None, began + timedelta(minutes=3)]
    with Staging() as staging:
        for place, ended in enumerate(ends):
            one = Connection(
                place=place, user="lucie", user_id="", device="1", began=began, ended=ended
            )
            assert staging.add("ref", one) is (place == 0)
        ((_, kept),) = staging.connections()
        assert kept.ended == ends[1]
        assert staging.period() == (began, ends[1])


async def test_thousands_of_rows_are_not_held_in_memory() -> None:
    at = datetime(2026, 11, 1, tzinfo=UTC)

    async def rows() -> AsyncIterator[Row]:
        for number in range(5_000):
            said = (at + timedelta(seconds=number)).isoformat()
            fields = {"user": f"user {number % 50}", "user_id": "", "device": str(number)}
            yield READING.row(number, fields | {"start": said, "end": said}, ())

    tracemalloc.start()
    try:
        with Staging() as staging:
            await take_in(rows(), staging, key=b"k" * 32, source="csv")
            count = sum(1 for _ in staging.connections())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 5_000
    assert peak < 400_000


@settings(max_examples=50)
@given(st.text(max_size=200), st.binary(max_size=50))
def test_no_row_breaks_the_reader(words: str, more: bytes) -> None:
    said = dict.fromkeys(("user", "user_id", "device", "start", "end"), words)
    row = READING.row(1, said | {"end": more.decode("latin-1")}, (words,))
    assert isinstance(row, Unreadable) or row.place == 1

"""Where a report lies while it is matched: a private file that is gone when it is closed."""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Final, Self
from uuid import UUID

from services.consent.domain.connections import Authorization, Connection

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_NEVER: Final = 2**62
_TABLES: Final = """
CREATE TABLE connections (
  ref TEXT PRIMARY KEY, place INTEGER, user TEXT, user_id TEXT, device TEXT,
  began INTEGER, ended INTEGER, tracking TEXT) WITHOUT ROWID;
CREATE TABLE authorizations (
  session TEXT PRIMARY KEY, assistant TEXT, opens INTEGER, closes INTEGER, started INTEGER,
  tracking TEXT) WITHOUT ROWID;
CREATE INDEX by_assistant ON authorizations (assistant, closes);
CREATE TABLE uses (session TEXT, device TEXT, began INTEGER, ended INTEGER);
CREATE INDEX by_session ON uses (session, ended);
"""


class Staging:
    """
    Rows by the hundred thousand, in order and without repeats, in little memory.

    SQLite makes a database without a name on disk where it grows, and the system removes its file
    at once: no name of a report outlives the process.
    """

    def __init__(self) -> None:
        self._database = sqlite3.connect("")
        self._database.executescript(_TABLES)
        self._longest = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._database.close()

    def add(self, ref: str, connection: Connection) -> bool:
        """Add a connection; return whether it is new. The later end of a repeated one counts."""
        row = (
            ref,
            connection.place,
            connection.user,
            connection.user_id,
            connection.device,
            _to_number(connection.began),
            None if connection.ended is None else _to_number(connection.ended),
            connection.tracking,
        )
        sql = "INSERT INTO connections VALUES (?,?,?,?,?,?,?,?) ON CONFLICT DO NOTHING"
        if self._database.execute(sql, row).rowcount:
            return True
        self._database.execute(
            "UPDATE connections SET ended = max(coalesce(ended, ?1), ?1) "
            "WHERE ref = ?2 AND ?1 IS NOT NULL",
            (row[6], ref),
        )
        return False

    def period(self) -> tuple[datetime, datetime] | None:
        """Return the first beginning and the last moment of the connections, if there are any."""
        first, last = self._database.execute(
            "SELECT min(began), max(coalesce(ended, began)) FROM connections"
        ).fetchone()
        return None if first is None else (_to_time(first), _to_time(last))

    def connections(self) -> Iterator[tuple[str, Connection]]:
        """Yield each with its reference, by beginning: the same in whatever order they came."""
        rows = self._database.execute("SELECT * FROM connections ORDER BY began, ref")
        for ref, place, user, user_id, device, began, ended, tracking in rows:
            yield (
                ref,
                Connection(
                    place=place,
                    user=user,
                    user_id=user_id,
                    device=device,
                    began=_to_time(began),
                    ended=None if ended is None else _to_time(ended),
                    tracking=tracking,
                ),
            )

    def allow(self, authorization: Authorization) -> None:
        """Add an authorization of the log."""
        row = (
            str(authorization.session),
            authorization.assistant,
            _to_number(authorization.opens),
            _to_number(authorization.closes),
            authorization.started,
            authorization.tracking,
        )
        self._database.execute("INSERT OR REPLACE INTO authorizations VALUES (?,?,?,?,?,?)", row)
        lasts = authorization.closes - authorization.opens
        self._longest = max(self._longest, lasts // _MICROSECOND)

    def holding(self, assistant: str, at: datetime, skew: timedelta) -> list[Authorization]:
        """Return the assistant's authorizations that hold at this moment, give or take ``skew``."""
        first, last = _to_number(at - skew), _to_number(at + skew)
        rows = self._database.execute(
            "SELECT * FROM authorizations "
            "WHERE assistant = ? AND closes BETWEEN ? AND ? AND opens <= ?",
            (assistant, first, last + self._longest, last),
        )
        return [_authorization(row) for row in rows]

    def use(self, session: UUID, connection: Connection) -> None:
        """Note that the connection was made under this session's authorization."""
        self._database.execute(
            "INSERT INTO uses VALUES (?,?,?,?)",
            (str(session), connection.device, *_reach(connection)),
        )

    def is_taken(self, session: UUID, connection: Connection, skew: timedelta) -> bool:
        """Return whether a connection to another device uses it for longer than ``skew`` too."""
        began, ended = _reach(connection)
        least = skew // _MICROSECOND
        found = self._database.execute(
            "SELECT 1 FROM uses WHERE session = ? AND ended > ? AND device != ? "
            "AND min(ended, ?) - max(began, ?) > ? LIMIT 1",
            (str(session), began + least, connection.device, ended, began, least),
        )
        return found.fetchone() is not None

    def unused(self, since: datetime, until: datetime) -> Iterator[Authorization]:
        """Yield the authorizations that lie within these moments and no connection has used."""
        rows = self._database.execute(
            "SELECT * FROM authorizations WHERE opens >= ? AND closes <= ? "
            "AND session NOT IN (SELECT session FROM uses) ORDER BY opens, session",
            (_to_number(since), _to_number(until)),
        )
        return (_authorization(row) for row in rows)


def _reach(connection: Connection) -> tuple[int, int]:
    ended = _NEVER if connection.ended is None else _to_number(connection.ended)
    return _to_number(connection.began), ended


def _authorization(row: tuple[str, str, int, int, int, str]) -> Authorization:
    session, assistant, opens, closes, started, tracking = row
    return Authorization(
        session=UUID(session),
        assistant=assistant,
        opens=_to_time(opens),
        closes=_to_time(closes),
        started=bool(started),
        tracking=tracking,
    )


def _to_number(at: datetime) -> int:
    return (at - _EPOCH) // _MICROSECOND


def _to_time(number: int) -> datetime:
    return _EPOCH + number * _MICROSECOND

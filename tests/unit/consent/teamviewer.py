"""
A stand-in for TeamViewer's Web API, version 1, as its public documentation describes it.

``GET /api/v1/reports/connections``: a script token as bearer; ``from_date``, ``to_date`` and
``offset_id``; ``records``, ``records_remaining`` and, while there are more, ``next_offset``. Errors
are JSON with ``error``, ``error_code`` and ``error_description``. All times are in UTC.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlsplit

PATH = "/api/v1/reports/connections"
TOKEN = "7654321-script"


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """An answer that is given instead: a status, headers and bytes; status 0 hangs up."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"{}"


@dataclass(kw_only=True)
class TeamViewer:
    """The company's connection reports; ``troubles`` are given in turn before anything else."""

    token: str
    records: list[dict[str, Any]] = field(default_factory=list)
    page: int = 1_000
    troubles: list[Trouble] = field(default_factory=list)
    asked: list[dict[str, str]] = field(default_factory=list)
    url: str = ""

    def connected(
        self, user: str, began: datetime, minutes: float | None, **more: Any
    ) -> dict[str, Any]:
        """Add the report of a connection, as the API writes one."""
        number = len(self.records) + 1
        record = {
            "id": f"6ba7b810-9dad-11d1-80b4-{number:012d}",
            "userid": f"u{number}",
            "username": user,
            "deviceid": "d123456789",
            "devicename": "ACCUEIL-MAIRIE",
            "groupid": "g1",
            "groupname": "Adhérents",
            "support_session_type": 1,
            "start_date": _moment(began),
            "billing_state": "Bill",
            "currency": "EUR",
            "fee": 0.0,
            "notes": "",
        }
        if minutes is not None:
            record["end_date"] = _moment(began + timedelta(minutes=minutes))
        self.records.append(record | more)
        return self.records[-1]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := (await reader.readuntil(b"\r\n\r\n")).decode():
                answer = self._answer(head)
                if answer.status == 0:
                    return
                headers = {"content-type": "application/json", **answer.headers}
                said = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
                length = f"content-length: {len(answer.body)}\r\n\r\n"
                line = f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}\r\n"
                writer.write((line + said + length).encode() + answer.body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    def _answer(self, head: str) -> Trouble:
        request, *lines = head.split("\r\n")
        method, target, _ = request.split(" ")
        pairs = (line.split(": ", 1) for line in lines if line)
        headers = {name.lower(): value for name, value in pairs}
        asked = {name: values[-1] for name, values in parse_qs(urlsplit(target).query).items()}
        self.asked.append(asked)
        if self.troubles:
            return self.troubles.pop(0)
        if headers.get("authorization") != f"Bearer {self.token}":
            return _error(401, "invalid_token", 1)
        if (method, urlsplit(target).path) != ("GET", PATH):
            return _error(404, "not_found", 2)
        return Trouble(status=200, body=json.dumps(self._page(asked)).encode())

    def _page(self, asked: dict[str, str]) -> dict[str, Any]:
        found = [
            one
            for one in self.records
            if asked["from_date"] <= str(one.get("start_date", "")) < asked["to_date"]
        ]
        begin = 0
        if "offset_id" in asked:
            begin = next(n for n, one in enumerate(found) if one["id"] == asked["offset_id"])
        rest = found[begin + self.page :]
        page: dict[str, Any] = {
            "records": found[begin : begin + self.page],
            "records_remaining": len(rest),
        }
        return page | ({"next_offset": rest[0]["id"]} if rest else {})


@asynccontextmanager
async def teamviewer(token: str = TOKEN) -> AsyncIterator[TeamViewer]:
    """Run the stand-in on a port of its own."""
    stand_in = TeamViewer(token=token)
    server = await asyncio.start_server(stand_in.serve, "127.0.0.1", 0)
    stand_in.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield stand_in
    finally:
        server.close()


def _error(status: int, error: str, code: int) -> Trouble:
    content = {"error": error, "error_code": code, "error_description": "See the documentation."}
    return Trouble(status=status, body=json.dumps(content).encode())


def _moment(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")

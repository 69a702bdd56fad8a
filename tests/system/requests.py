"""Requests whose every personal word is a canary, and a client that repeats what was not taken."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from schemas.requests import request_id, tracking_number
from schemas.tickets import Queue

STEM: Final = "canari"
"""Every name, address, organisation and text of these tests has it, in lower or upper case."""
TELEPHONE: Final = "0639984"
SOURCE: Final = "formulaires"
REPEAT_WITHIN_S: Final = 75.0
DEADLINE_S: Final = 20.0

_MATTERS: Final[Sequence[tuple[Queue, str, str, str]]] = (
    ("marketplace", "salle-des-marches", "Dépôt de pli bloqué", "Le dépôt du pli s'arrête à 80 %."),
    (
        "general",
        "parapheur",
        "Parapheur bloqué",
        "Le circuit de signature du parapheur est bloqué.",
    ),
    ("marketplace", "salle-des-marches", "DCE vide", "Le zip du DCE de la consultation est vide."),
    ("general", "messagerie", "Agenda partagé", "Je ne vois plus l'agenda de la messagerie."),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A request to hand in, and the queue that it is plainly meant for."""

    run: str
    id: str
    content: Mapping[str, Any]
    queue: Queue

    @property
    def address(self) -> str:
        """Where the requester is answered; no other request has it."""
        address: str = self.content["contact"]["email"]
        return address

    @property
    def body(self) -> bytes:
        """The own JSON of the door."""
        return json.dumps(self.content, ensure_ascii=False).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A request that was answered with 202."""

    wanted: Wanted
    request_id: str
    tracking: str


def as_event(wanted: Wanted) -> dict[str, Any]:
    """Return the request as a form service's CloudEvent (1.0.2)."""
    return {
        "specversion": "1.0",
        "id": wanted.id,
        "source": "urn:canari:formulaires",
        "type": "assistance.request.submitted.v1",
        "time": "2026-11-23T10:00:00Z",
        "datacontenttype": "application/json",
        "data": dict(wanted.content),
    }


def promise(wanted: Wanted) -> Taken:
    """Return what a topic promises, which gives no answer: the ids are derived."""
    known = request_id(SOURCE, wanted.id)
    return Taken(wanted=wanted, request_id=str(known), tracking=tracking_number(known))


def make_requests(run: str, count: int) -> list[Wanted]:
    """Return requests for both queues in turn; ``run`` makes their ids and addresses new."""
    return [_make(run, number) for number in range(count)]


def _make(run: str, number: int) -> Wanted:
    queue, service, subject, body = _MATTERS[number % len(_MATTERS)]
    name = f"{run}.{number}"
    return Wanted(
        run=run,
        id=name,
        queue=queue,
        content={
            "id": name,
            "service": service,
            "profile": "agent",
            "organisation": f"Commune de Canarival {number}",
            "subject": f"{subject} à Canarival",
            "body": f"Bonjour,\n{body}\nCanaribelle Vertebise, {name}",
            "contact": {
                "name": f"Canaribelle Vertebise {name}",
                "email": f"canaribelle.{name}@canarival.example",
                "phone": f"{TELEPHONE}{number:03}",
            },
        },
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FormService:
    """A form service in front of intake, with the keys of the sources."""

    url: str
    keys_dir: Path
    client: httpx.AsyncClient

    def key(self, source: str = SOURCE) -> str:
        """Return a source's key."""
        return (self.keys_dir / "sources-plain" / f"{source}.key").read_text().strip()

    async def post(
        self,
        body: bytes,
        *,
        content_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
        path: str = "/v1/requests",
    ) -> httpx.Response:
        """Post once, as ``SOURCE`` unless a header says otherwise."""
        sent = {"Authorization": f"Bearer {self.key()}", "Content-Type": content_type}
        all_headers = {**sent, **(headers or {})}
        raw = [(name.encode(), value.encode()) for name, value in all_headers.items()]
        return await self.client.post(
            self.url + path, content=body, headers=raw, timeout=DEADLINE_S
        )

    async def hand_in(self, wanted: Wanted, *, within_s: float = REPEAT_WITHIN_S) -> Taken:
        """Post the same again until it is taken: on a dead line, and as long as 503 asks to."""
        async with asyncio.timeout(within_s):
            while True:
                answer = await self._try(wanted)
                if answer is not None:
                    assert answer.status_code == httpx.codes.ACCEPTED, answer.text
                    return taken(wanted, answer)
                await asyncio.sleep(0.3)

    async def _try(self, wanted: Wanted) -> httpx.Response | None:
        try:
            answer = await self.post(wanted.body)
        except httpx.TransportError:
            return None
        if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            assert int(answer.headers["Retry-After"]) > 0
            return None
        return answer


def taken(wanted: Wanted, answer: httpx.Response) -> Taken:
    """Return what a 202 promises."""
    content = answer.json()
    return Taken(wanted=wanted, request_id=content["request_id"], tracking=content["tracking"])

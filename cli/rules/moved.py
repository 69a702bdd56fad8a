"""The command `aiguillage rules export-moved`: what people moved by hand, as labelled cases."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
from aiokafka import ConsumerRecord
from aiokafka.errors import KafkaError
from pydantic import ValidationError

from cli.rules.commands import RULES, app, fail, loaded
from cli.rules.masking import REFERENCE, masked_texts, organisation_kind, person_of
from cli.running import WhereUnknown, find_where
from cli.tickets.finding import read_events
from deploy.local.folders import PROJECT
from runtime.topic_reader import open_reader
from schemas import topics
from schemas.tickets import TicketCreated, TicketReassigned
from services.router.domain import RuleSet

_ONLY_OURS = 0o600


@app.command("export-moved")
def export_moved(
    *,
    out: Annotated[Path, typer.Option(help="A new file, outside every repository.")],
    rules: Annotated[Path, typer.Option(help="The rules file.")] = RULES,
    bootstrap: Annotated[
        str | None, typer.Option(envvar="AIGUILLAGE_KAFKA", help="Kafka, host:port.")
    ] = None,
) -> None:
    """
    Write the tickets that were moved by hand as labelled cases, one a line, persons masked.

    The queue is the last one that a person chose; the flags are as decided. Masking cannot find
    every name: read the file before it goes further. Says how many moved tickets Kafka no longer
    holds.
    """
    if (repository := _repository(out)) is not None:
        fail(f"{out}: is inside the repository {repository}; cases of people stay out of it")
    ruleset = loaded(rules)
    try:
        kafka = find_where(kafka=bootstrap, keys_dir=None).kafka
        cases, lost = asyncio.run(_cases(kafka, ruleset))
    except KafkaError as error:
        fail(f"Kafka: {type(error).__name__}")
    except WhereUnknown as error:
        fail(str(error))
    try:
        out.touch(mode=_ONLY_OURS, exist_ok=False)
        lines = (json.dumps(case, ensure_ascii=False) + "\n" for case in cases)
        out.write_text("".join(lines), encoding="utf-8")
    except OSError as error:
        fail(f"{out}: cannot be written ({error.strerror})")
    missing = f"; {lost} moved tickets are no longer held, or cannot be read" if lost else ""
    print(f"{out}: {len(cases)} cases{missing}")


def labelled(ticket: TicketCreated, move: TicketReassigned, ruleset: RuleSet) -> Mapping[str, Any]:
    """Return a moved ticket as a case; its id cannot be traced to the request without the key."""
    request, decision = ticket.data.request, ticket.data.decision
    kept = {value for field, value in ruleset.fields if field == "organisation"}
    subject, body = masked_texts(request, person_of(request, kept))
    name = hashlib.sha256(f"moved/{request.fingerprint}".encode()).hexdigest()[:12]
    case = {
        "id": f"moved-{name}",
        "channel": request.channel,
        "service": request.service,
        "profile": request.profile,
        "organisation": organisation_kind(request.organisation, kept),
        "subject": subject,
        "body": body,
        "expected": {
            "queue": move.data.queue,
            "training": decision.training,
            "dpo": decision.dpo,
            "remote": decision.remote,
        },
        "difficulty": "moved",
        "why": move.data.reason,
    }
    if request.consultation and request.consultation.reference:
        case["consultation_reference"] = REFERENCE
    return case


class _Moved(NamedTuple):
    at_ms: int
    event: TicketReassigned


class Moves:
    """
    The moves of all tickets, and which of each counts: the newest; told again, it is no newer.

    Of two records of one moment the one read last counts. The order of reading alone does not: once
    the number of partitions has grown, the moves of one ticket lie in two.
    """

    def __init__(self) -> None:
        self._found: dict[bytes, dict[tuple[str, str], _Moved]] = {}

    def note(self, records: Iterable[ConsumerRecord]) -> None:
        """Take in ticket events, in the order of reading."""
        for record in records:
            for event in read_events([record]):
                if isinstance(event, TicketReassigned):
                    moves = self._found.setdefault(event.subject.encode(), {})
                    known = moves.get((event.source, event.id))
                    if known is None or record.timestamp < known.at_ms:
                        moves[event.source, event.id] = _Moved(record.timestamp, event)

    def last(self) -> dict[bytes, TicketReassigned]:
        """Return the move that counts, by the ticket's key."""
        return {
            ticket: max(reversed(moves.values()), key=lambda moved: moved.at_ms).event
            for ticket, moves in self._found.items()
        }


async def _cases(kafka: str, ruleset: RuleSet) -> tuple[list[Mapping[str, Any]], int]:
    """Return the cases, and how many moved tickets there are none of."""
    async with open_reader(kafka) as reader:
        noted = Moves()
        async for records in reader.stream([topics.TICKET_EVENTS]):
            noted.note(records)
        moves = noted.last()
        cases = []
        async for records in reader.stream(topics.TICKETS.values() if moves else ()):
            for record in records:
                if record.key not in moves:
                    continue
                try:
                    ticket = TicketCreated.model_validate_json(record.value or b"")
                except ValidationError:
                    continue
                cases.append(labelled(ticket, moves.pop(record.key), ruleset))
        return sorted(cases, key=lambda case: str(case["id"])), len(moves)


def _repository(file: Path) -> Path | None:
    """Return the repository or work tree that a path is in, if any."""
    here = file.resolve()
    for folder in here.parents:
        if (folder / ".git").exists() or folder == PROJECT:
            return folder
    return None

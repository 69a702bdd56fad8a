"""The command `aiguillage rules export-moved`: what people moved by hand, as labelled cases."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from aiokafka.errors import KafkaError
from pydantic import ValidationError

from cli.rules.commands import RULES, app, fail, loaded
from cli.rules.masking import REFERENCE, masked_texts, organisation_kind, person_of
from cli.running import WhereUnknown, find_where
from cli.tickets.finding import read_events
from deploy.local.folders import PROJECT
from runtime.topic_reader import TopicReader, open_reader
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
    every name: read the file before it goes further.
    """
    if (repository := _repository(out)) is not None:
        fail(f"{out}: is inside the repository {repository}; cases of people stay out of it")
    ruleset = loaded(rules)
    try:
        kafka = find_where(kafka=bootstrap, keys_dir=None).kafka
        cases = asyncio.run(_cases(kafka, ruleset))
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
    print(f"{out}: {len(cases)} cases")


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


async def _cases(kafka: str, ruleset: RuleSet) -> list[Mapping[str, Any]]:
    async with open_reader(kafka) as reader:
        moves = await _last_moves(reader)
        cases = []
        async for records in reader.stream(topics.TICKETS.values() if moves else ()):
            for record in records:
                move = moves.pop(record.key, None)
                if move is None:
                    continue
                try:
                    ticket = TicketCreated.model_validate_json(record.value or b"")
                except ValidationError:
                    continue
                cases.append(labelled(ticket, move, ruleset))
        return sorted(cases, key=lambda case: str(case["id"]))


async def _last_moves(reader: TopicReader) -> dict[bytes | None, TicketReassigned]:
    found: dict[bytes | None, TicketReassigned] = {}
    async for records in reader.stream([topics.TICKET_EVENTS]):
        for event in read_events(records):
            if isinstance(event, TicketReassigned):
                found[event.subject.encode()] = event
    return found


def _repository(file: Path) -> Path | None:
    """Return the repository or work tree that a path is in, if any."""
    here = file.resolve()
    for folder in here.parents:
        if (folder / ".git").exists() or folder == PROJECT:
            return folder
    return None

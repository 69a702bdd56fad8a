"""How `aiguillage explain` says on which words a ticket is due when it is."""

import io
from pathlib import Path
from zoneinfo import ZoneInfo

from rich.console import Console

from cli.tickets.explained import parts
from cli.tickets.finding import Story
from schemas import generate
from schemas.tickets import DecisionData, TicketCreated

PARIS = ZoneInfo("Europe/Paris")
EXAMPLE = Path(generate.__file__).parent / "examples" / "assistance.ticket.created.v1.json"


def shown(ticket: TicketCreated) -> str:
    console = Console(file=io.StringIO(), width=200)
    for part in parts(ticket, Story(ticket=ticket), PARIS):
        console.print(part)
    said = console.file
    assert isinstance(said, io.StringIO)
    return said.getvalue()


def test_moments_are_told_in_the_desks_time_as_the_reasons_are() -> None:
    text = shown(TicketCreated.model_validate_json(EXAMPLE.read_bytes()))
    assert "UTC" not in text
    assert "2026-11-24 09:41 CET" in text


def test_the_words_that_made_the_deadline_are_shown_with_their_rule() -> None:
    text = shown(TicketCreated.model_validate_json(EXAMPLE.read_bytes()))
    row = next(line for line in text.splitlines() if "« Plus personne »" in line)
    assert row.split("│")[1].strip() == "blocked"
    assert "bloque « Plus personne »" in row


def test_a_ticket_that_does_not_say_them_is_shown_all_the_same() -> None:
    ticket = TicketCreated.model_validate_json(EXAMPLE.read_bytes())
    decision = ticket.data.decision.model_copy(update={"facts_evidence": ()})
    data = ticket.data.model_copy(update={"decision": decision})
    text = shown(ticket.model_copy(update={"data": data}))
    assert "blocked, marketplace" in text
    assert "Plus personne" not in text


def decided(**changes: object) -> TicketCreated:
    ticket = TicketCreated.model_validate_json(EXAMPLE.read_bytes())
    told = ticket.data.decision.model_dump() | changes
    decision = DecisionData.model_validate(told)
    data = ticket.data.model_copy(update={"decision": decision})
    return ticket.model_copy(update={"data": data})


def test_what_was_learned_is_said_in_words_with_what_spoke_most_after_it() -> None:
    evidence = [
        {"rule": "plis", "words": "plis", "points": 3.0},
        {"rule": "learned", "words": "pli ; salle", "points": 8.25},
        {"rule": "field-service", "words": "service=salle", "points": 5.0},
        {"rule": "salle", "words": "salle", "points": -4.0},
    ]
    reading = {"queue": "marketplace", "score": 12.25, "evidence": evidence}
    told = shown(decided(rule="learned", readings=[reading])).splitlines()
    first = next(line for line in told if "first of all by" in line)
    assert "words learned from labelled requests, then field-service" in first
    said = [line.split("│")[3].strip() for line in told if line.count("│") == 4]
    assert said[:2] == ["learned +8.2 « pli ; salle »", "field-service +5.0 « service=salle »"]
    assert said[2:4] == ["salle -4.0 « salle »", "plis +3.0 « plis »"]
    none = shown(decided(rule="no-rule", readings=[]))
    assert "no rule: no words spoke for it" in none

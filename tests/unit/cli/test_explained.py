"""How `aiguillage explain` says on which words a ticket is due when it is."""

import io
from pathlib import Path

from rich.console import Console

from cli.tickets.explained import parts
from cli.tickets.finding import Story
from schemas import generate
from schemas.tickets import TicketCreated

EXAMPLE = Path(generate.__file__).parent / "examples" / "assistance.ticket.created.v1.json"


def shown(ticket: TicketCreated) -> str:
    console = Console(file=io.StringIO(), width=200)
    for part in parts(ticket, Story(ticket=ticket)):
        console.print(part)
    said = console.file
    assert isinstance(said, io.StringIO)
    return said.getvalue()


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

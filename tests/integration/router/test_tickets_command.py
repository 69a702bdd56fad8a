"""`aiguillage explain`, `ticket` and `rules` on tickets that a real router made."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from aiokafka import AIOKafkaProducer
from typer.testing import CliRunner, Result

from cli.main import app
from deploy.local.folders import PROJECT
from deploy.local.stack import Stack
from deploy.waiting import until
from runtime.topic_reader import open_reader
from schemas import topics
from schemas.requests import Contact, RequestReceived, tracking_number
from schemas.tickets import (
    TICKET_EVENT,
    TicketClosed,
    TicketEvent,
    TicketOverdue,
    TicketReassigned,
    ticket_id,
)
from tests.commands import Ended, run_apart
from tests.integration.router.moving import TOOL, mark, move, moved_while_open
from tests.integration.router.routers import Oracle, Routers, make_request, put
from tests.unit.router.cases import RULES_FILE

pytestmark = pytest.mark.timeout(240)
TURNED = """
rules:
  - name: fichiers-zip
    about: Tout ce qui est un zip
    queue: general
    always: true
    phrases: [zip]
"""
"""Rules by which the ticket of these tests lands in the other queue."""


async def run(kafka: str, *arguments: str) -> Result:
    runner = CliRunner(env={"COLUMNS": "200", "AIGUILLAGE_KAFKA": kafka})
    return await asyncio.to_thread(runner.invoke, app, arguments)


@pytest.fixture(scope="module")
def routers(
    session_stack: Stack, keys_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Routers]:
    """Give one router to all: starting it is most of what a test here would take."""
    logs = tmp_path_factory.mktemp("router")
    shared = Routers(
        kafka=session_stack.kafka,
        keys_dir=keys_dir,
        log_dir=logs,
        environment={"ROUTER_SWEEP_INTERVAL_S": "1"},
    )
    yield shared
    shared.stop()


@pytest.fixture
async def ticket(
    routers: Routers, producer: AIOKafkaProducer, oracle: Oracle, unique_name: str
) -> RequestReceived:
    """Return a request that has its ticket, in the marketplace's queue."""
    work(routers)
    request = make_request(
        unique_name, 1, body=f"Zoé Vermorel : le zip du DCE {mark(unique_name)} est vide."
    )
    data = request.data.model_copy(update={"contact": Contact(name="Zoé Vermorel")})
    request = request.model_copy(update={"data": data})
    await put(producer, request)
    await oracle.until({request.subject}, within_s=60)
    return request


def work(routers: Routers) -> None:
    """Have the router started, if it is not."""
    if not routers.processes or routers.processes[0].poll() is not None:
        routers.start(0)


def tracking(request: RequestReceived) -> str:
    return tracking_number(UUID(request.subject))


async def test_a_ticket_is_explained_by_its_id_and_by_its_tracking_number(
    kafka: str, ticket: RequestReceived
) -> None:
    by_id = await run(kafka, "explain", ticket.subject)
    by_tracking = await run(kafka, "explain", tracking(ticket).lower().replace("-", " "))
    assert by_id.exit_code == 0, by_id.output
    assert by_id.stdout == by_tracking.stdout
    for said in (
        *("marketplace", "sha256:", "DCE", "rules looked at", "Nothing has become of it"),
        "Why it is due then",
    ):
        assert said in by_id.stdout
    assert "Vermorel" not in by_id.stdout


async def test_an_explanation_is_plain_json_too_without_the_request(
    kafka: str, ticket: RequestReceived
) -> None:
    told = json.loads((await run(kafka, "explain", ticket.subject, "--json")).stdout)
    assert told["queue"] == "marketplace"
    assert told["ticket"]["data"]["decision"]["ruleset_version"].startswith("sha256:")
    assert "request" not in told["ticket"]["data"]
    assert (told["events"], told["closed"]) == ([], False)


async def test_a_request_without_a_ticket_is_said_to_wait_to_be_parked_or_to_be_unknown(
    kafka: str, routers: Routers, producer: AIOKafkaProducer, unique_name: str
) -> None:
    routers.stop()
    ancient = make_request(unique_name, 6)
    long_ago = {"received_at": datetime.now(UTC) - timedelta(days=61)}
    data = ancient.data.model_copy(update=long_ago)
    await put(producer, ancient.model_copy(update={"data": data}))
    waiting = await run(kafka, "explain", ancient.subject)
    assert waiting.exit_code == 1
    assert "the router has not come to it yet" in waiting.stdout
    work(routers)

    async def parked() -> bool:
        return "parked: older-than-horizon" in (await run(kafka, "explain", ancient.subject)).stdout

    assert await until(parked, within_s=60)
    never = await run(kafka, "explain", make_request(unique_name, 9).subject)
    assert (never.exit_code, "no such request" in never.stdout) == (1, True)
    nonsense = await run(kafka, "explain", "Vermorel")
    assert (nonsense.exit_code, nonsense.stdout) == (1, "")


async def test_a_second_version_that_was_parked_is_told_beside_the_ticket(
    kafka: str, producer: AIOKafkaProducer, ticket: RequestReceived, keys_dir: Path, tmp_path: Path
) -> None:
    data = ticket.data.model_copy(update={"fingerprint": "f" * 64, "body": "Corrigé."})
    await put(producer, ticket.model_copy(update={"data": data}))

    async def parked() -> bool:
        said = (await run(kafka, "explain", ticket.subject)).stdout
        return "Also parked" in said and "same-id-other-content" in said

    assert await until(parked, within_s=60)
    explained = await run(kafka, "explain", tracking(ticket))
    assert "Nothing has become of it" not in explained.stdout
    (told,) = json.loads((await run(kafka, "explain", ticket.subject, "--json")).stdout)["parked"]
    assert (told["reason"], told["act"]) == ("same-id-other-content", None)
    keys = ("--keys-dir", str(keys_dir), "--audit", str(tmp_path / "audit.jsonl"))
    done = await run(kafka, "dead", "discard", told["letter"], "--reason", "agreed", *keys)
    assert done.exit_code == 0, done.output
    assert "discarded" in (await run(kafka, "explain", ticket.subject)).stdout


async def test_a_move_is_one_event_beside_the_ticket_however_often_it_is_done(
    kafka: str, ticket: RequestReceived
) -> None:
    moving = ("ticket", "move", ticket.subject, "--to", "general", "--reason", "platform-matter")
    moved, again = await run(kafka, *moving), await run(kafka, *moving)
    assert (moved.exit_code, again.exit_code) == (0, 0), moved.output
    assert "moved from marketplace to general" in moved.stdout
    assert "is in general already" in again.stdout
    (event,) = await _events(kafka, ticket)
    assert isinstance(event, TicketReassigned)
    assert event.data.ticket_id == ticket_id(UUID(ticket.subject))
    assert (event.data.previous_queue, event.data.queue) == ("marketplace", "general")
    explained = await run(kafka, "explain", ticket.subject)
    assert "general, moved by hand from marketplace" in explained.stdout
    back = await run(kafka, *moving[:4], "marketplace", "--reason", "agreed")
    assert back.exit_code == 0
    assert len({event.id for event in await _events(kafka, ticket)}) == 2


@pytest.mark.usefixtures("ticket")  # the router is at work
async def test_a_move_by_another_tool_is_followed_and_the_ticket_stays_the_one_record(
    kafka: str, producer: AIOKafkaProducer, oracle: Oracle, unique_name: str, tmp_path: Path
) -> None:
    request = await moved_while_open(producer, oracle, unique_name)
    raised = (request.subject, TicketOverdue.model_fields["type"].default)
    async with asyncio.timeout(60):
        while not oracle.outcome.events[raised]:
            await oracle.read()
    *moves, overdue = await _events(kafka, request)
    assert [(event.source, event.data.queue) for event in moves] == [(TOOL, "marketplace")]
    assert isinstance(overdue, TicketOverdue)
    assert overdue.data.queue == "marketplace"
    assert oracle.outcome.tickets[request.subject] == 1
    assert oracle.outcome.queues[request.subject] == topics.TICKETS_GENERAL
    explained = (await run(kafka, "explain", request.subject)).stdout
    for said in (
        "marketplace, moved by hand from general",
        "moved from general to marketplace: tender-matter",
        *("overdue since", TOOL, "fuite « Fuite ; envoyé par erreur »"),
    ):
        assert said in explained
    await put(producer, request)
    out = tmp_path / "moved.jsonl"
    done = await run(kafka, "rules", "export-moved", "--out", str(out), "--rules", str(RULES_FILE))
    assert done.exit_code == 0, done.output
    text = out.read_text(encoding="utf-8")
    (case,) = (c for c in map(json.loads, text.splitlines()) if mark(unique_name) in c["body"])
    assert (case["expected"]["queue"], case["why"]) == ("marketplace", "tender-matter")
    assert "Vermorel" not in text
    await oracle.read()
    assert (oracle.outcome.tickets[request.subject], oracle.outcome.events[raised]) == (1, 1)


async def test_a_reason_in_words_is_refused_because_it_may_name_somebody(
    kafka: str, ticket: RequestReceived
) -> None:
    told = await run(kafka, "ticket", "move", ticket.subject, "--to", "general", "--reason", "Zoé")
    assert told.exit_code == 1
    assert "a reason is a code" in told.stderr
    assert await _events(kafka, ticket) == []


async def test_a_closed_ticket_is_closed_once_and_moved_no_more(
    kafka: str, ticket: RequestReceived
) -> None:
    for _ in range(2):
        assert (await run(kafka, "ticket", "close", tracking(ticket))).exit_code == 0
    (event,) = await _events(kafka, ticket)
    assert isinstance(event, TicketClosed)
    late = await run(
        kafka, "ticket", "move", ticket.subject, "--to", "general", "--reason", "agreed"
    )
    assert (late.exit_code, "is closed" in late.stderr) == (1, True)


async def test_what_was_moved_is_exported_masked_and_never_into_a_repository(
    kafka: str,
    producer: AIOKafkaProducer,
    ticket: RequestReceived,
    tmp_path: Path,
    unique_name: str,
) -> None:
    await move(producer, UUID(make_request(unique_name, 77).subject))  # its ticket is long gone
    await run(kafka, "ticket", "move", ticket.subject, "--to", "general", "--reason", "agreed")
    rules = ("--rules", str(RULES_FILE))
    inside = PROJECT / "tests" / "cases" / "moved.jsonl"
    refused = await run(kafka, "rules", "export-moved", "--out", str(inside), *rules)
    assert (refused.exit_code, inside.exists()) == (1, False)
    assert "inside the repository" in refused.stderr
    out = tmp_path / "moved.jsonl"
    done = await run(kafka, "rules", "export-moved", "--out", str(out), *rules)
    assert done.exit_code == 0, done.output
    assert "1 moved tickets are no longer held, or cannot be read" in done.stdout
    text = out.read_text(encoding="utf-8")
    assert "Vermorel" not in text
    (ours,) = (c for c in map(json.loads, text.splitlines()) if mark(unique_name) in c["body"])
    assert ours["expected"]["queue"] == "general"
    assert out.stat().st_mode & 0o077 == 0
    again = await run(kafka, "rules", "export-moved", "--out", str(out), *rules)
    assert again.exit_code == 1


async def test_tickets_are_rehearsed_against_what_was_decided(
    kafka: str, producer: AIOKafkaProducer, ticket: RequestReceived, tmp_path: Path
) -> None:
    candidate = tmp_path / "routing.yaml"
    text = RULES_FILE.read_text(encoding="utf-8")
    assert "\nrules:\n" in text
    candidate.write_text(text.replace("\nrules:\n", TURNED, 1), encoding="utf-8")
    (tmp_path / "learned.json").write_bytes(RULES_FILE.with_name("learned.json").read_bytes())

    async def rehearse(*more: str, rules: Path = candidate) -> Ended:
        # Apart: it copies its process, and this one has threads.
        command = ("rules", "rehearse", "--rules", str(rules), "--against")
        arguments = (*command, *more, "--json", "--limit", "100000")
        return await asyncio.to_thread(run_apart, *arguments, AIGUILLAGE_KAFKA=kafka)

    told = await rehearse("tickets")
    assert told.returncode == 0, told.stderr
    rehearsed = json.loads(told.stdout)
    assert rehearsed["unreadable"] == 0
    assert "Vermorel" not in told.stdout
    assert tracking(ticket) in {move["id"] for move in rehearsed["moves"]}
    same = await rehearse(topics.TICKETS["marketplace"], rules=RULES_FILE)
    held = json.loads(same.stdout)
    assert held["requests"] >= 1
    # Decided live by these rules, it comes out as it did; others may be of other rules.
    assert tracking(ticket) not in {move["id"] for move in held["moves"]}
    await producer.send_and_wait(topics.REQUESTS, b"{", key=b"Vermorel")
    requests = await rehearse("requests", "--current", str(RULES_FILE))
    mixed = json.loads(requests.stdout)
    assert mixed["requests"] >= 1
    assert mixed["unreadable"] >= 1
    place = mixed["left_out"][0]["place"].split("/")
    assert (place[0], [part.isdecimal() for part in place[1:]]) == (topics.REQUESTS, [True, True])
    assert "Vermorel" not in requests.stdout


async def _events(kafka: str, request: RequestReceived) -> list[TicketEvent]:
    """Return the events of a ticket as an outsider reads them, each where its ticket is."""
    async with open_reader(kafka) as reader:
        found = await reader.read([topics.TICKET_EVENTS])
        tickets = await reader.read(topics.TICKETS.values())
    key = request.subject.encode()
    (place,) = {record.partition for record in tickets if record.key == key}
    ours = [record for record in found if record.key == key]
    assert {record.partition for record in ours} <= {place}
    assert all(dict(record.headers)["traceparent"] for record in ours)
    return [TICKET_EVENT.validate_json(record.value) for record in ours]

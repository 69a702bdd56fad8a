"""A part that everything leans on goes away and comes back: refused meanwhile, or done later."""

import asyncio
import time
from dataclasses import replace
from functools import partial
from typing import Any

import httpx
import pytest
from pymongo import MongoClient

from schemas import topics
from schemas.requests import request_id
from tests.system.evidence import take_evidence
from tests.system.requests import SOURCE, Wanted
from tests.system.running import System, dice, new_requests, until
from tests.system.sessions import Adherent, Assistant, Offered, mailed_link

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]

ANSWERED_WITHIN_S = 12.0
RESTARTED_WITHIN_S = 30.0


def says_503(answer: httpx.Response) -> None:
    """Check that an answer asks to come back, in the words of RFC 9457."""
    assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE, answer.text
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["type"] == "urn:aiguillage:problem:unavailable"
    assert problem["status"] == httpx.codes.SERVICE_UNAVAILABLE


async def test_while_kafka_is_away_intake_answers_503_and_nothing_accepted_is_lost(
    system: System,
) -> None:
    before, refused, repeated, patient = _in_groups(new_requests(dice(), 20))
    await system.hand_in(*before)
    await system.stack.stop("kafka")
    client = asyncio.create_task(system.hand_in(*patient))
    began = time.monotonic()
    answers = await asyncio.gather(*(_post(system, one) for one in [*refused, *repeated]))
    assert time.monotonic() - began < ANSWERED_WITHIN_S
    for answer in answers:
        says_503(answer)
    await _names_what_is_missing(system, "kafka", ("intake", "router", "consent", "notifier"))

    await system.stack.start("kafka")
    await system.hand_in(*repeated)
    await client
    await system.settled()
    tickets = await system.tickets()
    for one, answer in zip(refused, answers, strict=False):
        # What was answered with 503 has an unknown outcome: at most one ticket, never two.
        assert len(_tickets_of(tickets, one)) <= 1, answer


async def test_while_mongodb_is_away_requests_reach_their_queue_and_nothing_is_granted(
    system: System,
) -> None:
    throws = dice()
    assistant = Assistant(system)
    offered = await assistant.offer(f"canari{throws.getrandbits(32):08x}")
    adherent = Adherent(await mailed_link(system, offered))
    await adherent.enter(offered.code)
    await adherent.press("read-notice")
    notice = await adherent.open()

    await system.stack.kill("mongo", stays_down=True)
    await system.hand_in(*new_requests(throws, 6))
    await until(lambda: _all_have_tickets(system), within_s=30, what="a ticket for each request")
    await _names_what_is_missing(system, "mongodb", ("intake", "consent", "notifier"))
    await _consent_grants_nothing(assistant, adherent, offered, notice)

    await system.stack.start("mongo")
    await system.settled()
    evidence = await take_evidence(system.stack, system.folder)
    assert evidence.status == 0, evidence.finding
    assert "granted" not in evidence.of(offered.id)
    await adherent.press("grant")
    await adherent.close()
    assert (await assistant.act(offered.id, {"act": "cancel"})).status_code == httpx.codes.OK


async def test_an_id_reused_while_mongodb_is_away_makes_one_ticket_and_one_dead_letter(
    system: System,
) -> None:
    first = new_requests(dice(), 1)[0]
    other = replace(first, content={**first.content, "body": "Canarival, autre chose."})
    dead = topics.dead_letter(topics.REQUESTS, service="router")
    before = len(await system.read(dead))
    await system.stack.kill("mongo", stays_down=True)
    await system.hand_in(first)
    # The ledger that would refuse it is away: it is taken, and found out behind the door.
    second = await system.form_service.post(other.body)
    assert second.status_code == httpx.codes.ACCEPTED
    await until(partial(_has_grown, system, dead, before), within_s=30, what="the dead letter")
    await system.stack.start("mongo")
    await system.settled()
    assert len(await system.read(dead)) == before + 1


async def test_mails_wait_while_the_relay_is_away_and_then_arrive_once(system: System) -> None:
    wanted = new_requests(dice(), 8)
    await system.settled()
    caught = len(system.mailbox.mails())
    await system.stack.stop("mail")
    await system.hand_in(*wanted)
    await until(lambda: _all_are_planned(system, wanted), within_s=30, what="planned mails")
    assert len(system.mailbox.mails()) == caught
    assert (await system.get("notifier", "/readyz")).status_code in {200, 503}
    await system.stack.start("mail")
    verdict = await system.settled()
    run = wanted[0].run
    assert not [what for what in verdict.unknown if what.startswith(run)]


async def _has_grown(system: System, topic: str, count: int) -> bool:
    return len(await system.read(topic)) > count


def _in_groups(wanted: list[Wanted]) -> list[list[Wanted]]:
    return [wanted[start : start + 5] for start in range(0, len(wanted), 5)]


async def _post(system: System, wanted: Wanted) -> httpx.Response:
    return await system.form_service.post(wanted.body)


def _tickets_of(tickets: dict[str, list[str]], wanted: Wanted) -> list[str]:
    return tickets.get(str(request_id(SOURCE, wanted.id)), [])


async def _names_what_is_missing(system: System, missing: str, names: tuple[str, ...]) -> None:
    for name in names:
        names_it = partial(_lives_and_misses, system, name, missing)
        await until(names_it, within_s=RESTARTED_WITHIN_S, what=f"{name} without {missing}")


async def _lives_and_misses(system: System, name: str, missing: str) -> bool:
    try:
        lives = await system.get(name, "/livez")
        answer = await system.get(name, "/readyz")
    except httpx.TransportError:
        return False  # a router whose transaction broke off begins anew
    assert lives.status_code == httpx.codes.OK, name
    assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE, name
    assert answer.json()["missing"] == [missing], name
    return True


async def _all_have_tickets(system: System) -> bool:
    return {taken.request_id for taken in system.promised} <= (await system.tickets()).keys()


async def _consent_grants_nothing(
    assistant: Assistant, adherent: Adherent, offered: Offered, notice: Any
) -> None:
    says_503(await assistant.try_once(f"/{offered.id}/acts", {"act": "start"}))
    pressed = await adherent.try_press(notice, "grant")
    assert pressed.status == httpx.codes.SERVICE_UNAVAILABLE
    assert int(adherent.answers[-1].headers["Retry-After"]) > 0


async def _all_are_planned(system: System, wanted: list[Wanted]) -> bool:
    run = {t.request_id for t in system.promised if t.wanted.run == wanted[0].run}

    def planned() -> set[str]:
        with MongoClient[dict[str, Any]](system.stack.mongo) as client:
            ledger = client[f"{system.stack.database}_notifier"]["deliveries"]
            return set(ledger.distinct("cause", {"cause": {"$in": list(run)}}))

    return len(run) == len(wanted) and run == await asyncio.to_thread(planned)

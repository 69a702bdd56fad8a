"""Requests that come without a pause while the rules are changed, and what was decided of them."""

import asyncio
import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import msgspec
from aiokafka import AIOKafkaProducer

from deploy.waiting import until
from desk import load_desk
from runtime.kafka import partition_of
from schemas import topics
from schemas.requests import RequestReceived
from services.router.deciding import Decide, build_decide
from services.router.rules import load_rules
from tests.integration.router.routers import Oracle, Routers, make_request

AT_LEAST: Final = 2_000
BURST: Final = 100
START: Final = "general: 0.7"
MANY: Final = 50
"""Records in the largest transaction at least: what is decided at once, is decided alike."""

MIXED: Final = "more than one version in a transaction"
BACKWARDS: Final = "former rules after newer ones"
OTHERWISE: Final = "not what the rules of that version say"


class Swaps:
    """Rules that are changed under load; every version decides every request otherwise."""

    def __init__(
        self, routers: Routers, producer: AIOKafkaProducer, oracle: Oracle, rules: Path, name: str
    ) -> None:
        self._routers = routers
        self._producer = producer
        self._oracle = oracle
        self._rules = rules
        self._name = name
        self._desk = load_desk(rules.parent)
        self._fed: list[RequestReceived] = []
        self._by_version: dict[str, Decide] = {}
        self._note(rules)

    @property
    def versions(self) -> list[str]:
        """All that there were, in their order."""
        return list(self._by_version)

    async def strike(self) -> None:
        """Change the rules while requests come without a pause; read on until all are answered."""
        fresh, version = self._prepare()
        taken = asyncio.Event()
        first = make_request(self._name, len(self._fed)).subject
        feeding = asyncio.create_task(self._feed(taken))
        await self._oracle.reach({first}, within_s=60)
        fresh.replace(self._rules)
        assert await until(lambda: self._decides(version), within_s=60), "the rules were not taken"
        taken.set()
        await feeding
        times = await self._oracle.until({one.subject for one in self._fed}, within_s=120)
        assert set(times.values()) == {1}

    def flaws(self) -> set[str]:
        """Say what is wrong with the tickets, if they show that many were made at once."""
        found: set[str] = set()
        newest: dict[int, int] = defaultdict(int)
        by_transaction: dict[tuple[int, str], list[str]] = defaultdict(list)
        for partition, ticket, right in self._tickets():
            version = ticket["data"]["decision"]["ruleset_version"]
            by_transaction[partition, ticket["time"]].append(version)
            if not right:
                found.add(OTHERWISE)
            if self.versions.index(version) < newest[partition]:
                found.add(BACKWARDS)
            newest[partition] = self.versions.index(version)
        if any(len(set(versions)) > 1 for versions in by_transaction.values()):
            found.add(MIXED)
        assert max(map(len, by_transaction.values())) > MANY, "each record had its own transaction"
        return found

    def _tickets(self) -> Iterator[tuple[int, Any, bool]]:
        """Yield each ticket with its partition, and whether the rules it names decide so."""
        for request in self._fed:
            ticket = self._ticket(request)
            decision = ticket["data"]["decision"]
            due = self._by_version[decision["ruleset_version"]](request.data)
            right = decision == json.loads(msgspec.json.encode(due))
            yield partition_of(request.subject.encode(), topics.PARTITIONS), ticket, right

    def _ticket(self, request: RequestReceived) -> Any:
        return json.loads(self._oracle.outcome.values[request.subject])

    async def _feed(self, taken: asyncio.Event) -> None:
        """Send without waiting for answers until the rules are taken, and once more for these."""
        begun, sent, last = len(self._fed), list[asyncio.Future[object]](), False
        while not last:
            last = taken.is_set() and len(self._fed) >= begun + AT_LEAST
            for request in [make_request(self._name, len(self._fed) + n) for n in range(BURST)]:
                self._fed.append(request)
                key = request.subject.encode()
                sent.append(await self._producer.send(topics.REQUESTS, request.to_json(), key=key))
            await asyncio.sleep(0)
        await asyncio.gather(*sent)

    async def _decides(self, version: str) -> bool:
        return f'ruleset_info{{version="{version}"}} 1.0' in await measured(self._routers)

    def _prepare(self) -> tuple[Path, str]:
        """Write the next rules beside those in use; what reads them takes its time."""
        number = len(self._by_version)
        text = self._rules.read_text(encoding="utf-8")
        former = START if number == 1 else f"{START}{number - 1}"
        assert former in text
        fresh = self._rules.with_name("next.tmp")
        fresh.write_text(text.replace(former, f"{START}{number}", 1), encoding="utf-8")
        return fresh, self._note(fresh)

    def _note(self, file: Path) -> str:
        rules = load_rules(file)
        self._by_version[rules.version] = build_decide(self._desk, rules)
        return rules.version


async def measured(routers: Routers) -> str:
    """Return what the first router shows of itself."""
    async with httpx.AsyncClient(trust_env=False) as client:
        return (await client.get(f"http://127.0.0.1:{routers.ports[0]}/metrics")).text

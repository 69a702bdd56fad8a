"""Pushes requests through the Kafka door with kcat (librdkafka): a client that is not ours."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from cli.demo.http_doors import DEADLINE_S, Refused, Taken, event_of
from cli.demo.sample import Sample
from deploy.local.debian import Programs
from schemas import topics
from schemas.requests import request_id, tracking_number

HEADER: Final = "content-type=application/cloudevents+json"
SEPARATOR: Final = "\t"


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaDoor:
    """The form services that write into their own topics; ``programs`` has kcat."""

    bootstrap: str
    programs: Programs
    run: str

    async def push(self, samples: Sequence[Sample]) -> list[Taken]:
        """Write each request into its source's own topic; raises ``Refused``."""
        by_source = sorted(samples, key=lambda sample: sample.source)
        for source, some in groupby(by_source, key=lambda sample: sample.source):
            await self._write([self._line(sample) for sample in some], topics.submissions(source))
        return [Taken(sample=sample, tracking=self._tracking(sample)) for sample in samples]

    async def push_unreadable(self, sample: Sample) -> None:
        """Write a record that breaks off: it must be parked, and hold up nobody."""
        whole = self._line(sample)
        await self._write([f"{whole[: len(whole) // 2]}\n"], topics.submissions(sample.source))

    def _line(self, sample: Sample) -> str:
        event = json.dumps(event_of(sample, self.run), ensure_ascii=False)
        return f"{sample.id}-{self.run}{SEPARATOR}{event}\n"

    def _tracking(self, sample: Sample) -> str:
        # A topic gives no answer: the number is derived, as intake derives it.
        return tracking_number(request_id(sample.source, f"{sample.id}-{self.run}"))

    async def _write(self, lines: Sequence[str], topic: str) -> None:
        process = await asyncio.create_subprocess_exec(
            *(str(self.programs.path("kcat")), "-P", "-q", "-b", self.bootstrap, "-X", "acks=all"),
            *("-K", SEPARATOR, "-H", HEADER, "-t", topic),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            env=self.programs.env,
        )
        async with asyncio.timeout(DEADLINE_S):
            _, said = await process.communicate("".join(lines).encode())
        if process.returncode or said.strip():
            raise Refused(f"kcat ended with {process.returncode} for {topic}")

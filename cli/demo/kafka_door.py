"""Pushes requests through the Kafka door with kcat (librdkafka): a client that is not ours."""

import asyncio
import json
from collections.abc import Sequence
from itertools import groupby
from typing import Final

from cli.demo.http_doors import DEADLINE_S, Refused, Taken, event_of
from cli.demo.sample import Sample
from deploy.local.debian import Programs
from schemas import topics
from schemas.requests import request_id, tracking_number

HEADER: Final = "content-type=application/cloudevents+json"
SEPARATOR: Final = "\t"


async def push(
    samples: Sequence[Sample], *, run: str, bootstrap: str, programs: Programs
) -> list[Taken]:
    """Write each request into its source's own topic; raises ``Refused``."""
    by_source = sorted(samples, key=lambda sample: sample.source)
    kcat = (str(programs.path("kcat")), "-P", "-q", "-b", bootstrap, "-X", "acks=all")
    for source, some in groupby(by_source, key=lambda sample: sample.source):
        lines = [_line(sample, run) for sample in some]
        await _write(
            (*kcat, "-K", SEPARATOR, "-H", HEADER), topics.submissions(source), lines, programs
        )
    return [Taken(sample=sample, tracking=_tracking(sample, run)) for sample in samples]


def _line(sample: Sample, run: str) -> str:
    event = json.dumps(event_of(sample, run), ensure_ascii=False)
    return f"{sample.id}-{run}{SEPARATOR}{event}\n"


async def _write(kcat: Sequence[str], topic: str, lines: Sequence[str], programs: Programs) -> None:
    process = await asyncio.create_subprocess_exec(
        *kcat,
        "-t",
        topic,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env=programs.env,
    )
    async with asyncio.timeout(DEADLINE_S):
        _, said = await process.communicate("".join(lines).encode())
    if process.returncode or said.strip():
        raise Refused(f"kcat ended with {process.returncode} for {topic}")


def _tracking(sample: Sample, run: str) -> str:
    # A topic gives no answer: the number is derived, as intake derives it.
    return tracking_number(request_id(sample.source, f"{sample.id}-{run}"))

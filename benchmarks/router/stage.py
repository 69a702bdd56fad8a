"""The broker, the peers' parts and the requests: what every measurement stands on."""

import contextlib
import dataclasses
import shutil
import tempfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Final

from benchmarks.router import parts
from benchmarks.router.clients import Client, Parts
from benchmarks.router.cluster import Cluster, cluster_at
from benchmarks.router.desks import with_twenty_rules
from benchmarks.router.requests import Made, Maker
from deploy.local import fetching, folders, kafka, ports, preflight, secrets
from deploy.local import parts as local_parts
from deploy.local.processes import Child
from deploy.local.progress import Steps

LOCAL: Final = folders.PROJECT / ".local"
BENCH: Final = LOCAL / "bench"
LOGS: Final = BENCH / "logs"
"""Kept, unlike topics and keys: each client's log of its last run."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What a run needs: the broker, what was brought, and the requests."""

    cluster: Cluster
    parts: Parts
    requests: Sequence[Made]


async def bring(clients: Sequence[Client], steps: Steps) -> None:
    """Check the machine, and bring the broker and what the peers need."""
    where = folders.Folders.of_project()
    needs = {client.needs for client in clients if client.needs}
    preflight.check(["java", "maven", "setpriv"])
    parts.check(needs)
    wanted = [local_parts.kafka(where), local_parts.kafka_start(where)]
    wanted += [local_parts.go(where)] if "franz-go" in needs else []
    wanted += [parts.BY_NAME[need](BENCH) for need in sorted(needs)]
    for part in wanted:
        await fetching.bring(part, steps, where.logs)


@contextlib.asynccontextmanager
async def stage_of(messages: int, steps: Steps) -> AsyncIterator[Stage]:
    """Start the broker on a folder that is removed afterwards, and make the requests."""
    shutil.rmtree(LOGS, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=LOCAL, prefix="bench-") as data:
        where = folders.Folders(parts=LOCAL, data=Path(data))
        secrets.make(where.keys)
        found = Parts(
            brought=BENCH,
            keys=where.keys,
            twenty_rules=with_twenty_rules(where.data / "desk-20"),
            state=where.data / "state",
        )
        port, controller = ports.a_free_port(), ports.a_free_port()
        broker = Child(kafka.spec(where, port=port, controller=controller), LOGS)
        try:
            with steps.step("Kafka"):
                broker.start()
                await broker.wait_ready()
            async with cluster_at(f"{ports.HOST}:{port}") as cluster:
                yield Stage(
                    cluster=cluster,
                    parts=found,
                    requests=list(Maker().make(messages)),
                )
        finally:
            await broker.stop()

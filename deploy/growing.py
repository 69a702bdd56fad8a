"""Gives the topics that answer each other more partitions, once nothing is under way in them."""

from collections.abc import Iterable, Sequence

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions

from deploy.topics import PartitionCountError, Topic, partition_counts, reach
from deploy.waiting import until
from schemas.topics import REQUESTS

ROUTERS = "router.requests"
"""The routers' consumer group."""
NOBODY = frozenset({"Empty", "Dead"})
SETTLES_WITHIN_S = 30.0


class NotDrainedError(RuntimeError):
    """Routers still run, or have left requests unanswered: their repeats could not be told."""


async def grow(bootstrap: str, topics: Iterable[Topic]) -> Sequence[str]:
    """Give each topic as many partitions as declared, where it has fewer; return their names.

    Raises `NotDrainedError`, or `PartitionCountError` where it has more: Kafka knows no way back.
    """
    declared = {topic.name: topic.partitions for topic in topics}
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=30_000)
    try:
        await reach(admin, bootstrap)
        there = await partition_counts(admin, list(declared))
        wider = [f"{name} has {there[name]}" for name in there if there[name] > declared[name]]
        if wider:
            raise PartitionCountError("; ".join(wider))
        growing = [name for name in there if there[name] < declared[name]]
        if growing:
            await _check_drained(admin, bootstrap)
            await admin.create_partitions({n: NewPartitions(declared[n]) for n in growing})
            await _shown(admin, {name: declared[name] for name in growing})
    finally:
        await admin.close()
    return growing


async def _check_drained(admin: AIOKafkaAdminClient, bootstrap: str) -> None:
    for described in await admin.describe_consumer_groups([ROUTERS]):
        for _error, group, state, *_rest in described.groups:
            if state not in NOBODY:
                raise NotDrainedError(f"routers still run: group {group} is {state}")
    committed = await admin.list_consumer_group_offsets(ROUTERS)
    for origin, end in (await _ends(bootstrap)).items():
        known = committed.get(origin)
        if end and (known is None or known.offset < end):
            raise NotDrainedError(f"{origin.topic}/{origin.partition} holds unanswered requests")


async def _ends(bootstrap: str) -> dict[TopicPartition, int]:
    consumer = AIOKafkaConsumer(REQUESTS, bootstrap_servers=bootstrap)
    await consumer.start()
    try:
        ends: dict[TopicPartition, int] = await consumer.end_offsets(consumer.assignment())
    finally:
        await consumer.stop()
    return ends


async def _shown(admin: AIOKafkaAdminClient, wanted: dict[str, int]) -> None:
    async def shown() -> bool:
        return await partition_counts(admin, list(wanted)) == wanted

    if not await until(shown, within_s=SETTLES_WITHIN_S):
        msg = f"the brokers did not show the partitions after {SETTLES_WITHIN_S:.0f} s"
        raise PartitionCountError(msg)

"""
A partition's memory written down, so that the next owner need not read every ticket again.

A snapshot is what its owner remembers, and up to which offset of its output that holds. Its records
are written in one transaction of the fenced owner: the parts, then the manifest. The output stays
the proof: a snapshot that is missing, of another count of partitions, or unreadable, is not used.
"""

from collections.abc import AsyncIterable, Iterable, Iterator, Mapping
from typing import Final, NamedTuple

import msgspec
import structlog
from aiokafka import TopicPartition

from runtime.kafka import Record
from schemas import topics
from services.router.gateway.counts import Counts
from services.router.gateway.memory import ENTRY_BYTES
from services.router.handlers import Outgoing

log = structlog.get_logger()

FORMAT: Final = 1
_BINARY: Final = (("content-type", b"application/octet-stream"),)
_JSON: Final = (("content-type", b"application/json"),)


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """The last record of a snapshot."""

    format: int
    parts: int
    counts: tuple[int, ...]
    """Of partitions: the present one, and the former ones (see ``Counts``)."""
    offsets: dict[str, dict[str, int]]
    """By topic and partition: what stands before this offset is in the parts."""


class Snapshot(NamedTuple):
    """What a former owner wrote down."""

    parts: tuple[bytes, ...]
    offsets: Mapping[TopicPartition, int]


def written(
    partition: int, parts: Iterable[bytes], offsets: Mapping[TopicPartition, int], counts: Counts
) -> Iterator[Outgoing]:
    """Yield the records of a snapshot, to be written in one transaction."""
    key, count = str(partition).encode(), 0
    for part in parts:
        count += 1
        yield Outgoing(topics.ANSWERED, partition, key, part, _BINARY)
    by_topic: dict[str, dict[str, int]] = {}
    for (topic, of), offset in offsets.items():
        by_topic.setdefault(topic, {})[str(of)] = offset
    manifest = Manifest(format=FORMAT, parts=count, counts=counts.all, offsets=by_topic)
    yield Outgoing(topics.ANSWERED, partition, key, msgspec.json.encode(manifest), _JSON)


async def latest(batches: AsyncIterable[list[Record]], counts: Counts) -> Snapshot | None:
    """Return the newest whole snapshot among a partition's records, if it is of use."""
    found: Snapshot | None = None
    parts: list[bytes] = []
    async for records in batches:
        for record in records:
            if tuple(record.headers) == _BINARY:
                parts.append(record.value or b"")
                continue
            found, parts = _whole(record, parts, counts), []
    return found


def _whole(record: Record, parts: list[bytes], counts: Counts) -> Snapshot | None:
    try:
        manifest = msgspec.json.decode(record.value or b"", type=Manifest)
        offsets = {
            TopicPartition(topic, int(of)): offset
            for topic, by_partition in manifest.offsets.items()
            for of, offset in by_partition.items()
        }
    except ValueError:
        why = "not-a-manifest"
    else:
        if manifest.format != FORMAT:
            why = "other-format"
        elif manifest.counts != counts.all:
            why = "other-partition-counts"
        elif manifest.parts != len(parts):
            why = "parts-missing"
        elif any(len(part) % ENTRY_BYTES for part in parts):
            why = "parts-unreadable"
        else:
            return Snapshot(tuple(parts), offsets)
    log.warning("snapshot not used", partition=record.partition, offset=record.offset, reason=why)
    return None

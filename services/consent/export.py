"""The export that verify.py reads: a header line, then one line an entry, as they lie there."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Mapping
from typing import Protocol

from services.consent.domain import table
from services.consent.domain.merkle import root_hash
from services.consent.verify import FORMAT

Raw = tuple[int, bytes | None, bytes]
"""Index, content (none once it was purged) and leaf hash of an entry."""


class Source(Protocol):
    """The log as it lies there."""

    async def size(self) -> int: ...

    async def leaf_hashes(self, start: int, stop: int) -> tuple[bytes, ...]: ...

    def raw(self, stop: int) -> AsyncIterator[Raw]: ...

    async def notice_texts(self) -> Mapping[str, str]: ...


async def export_lines(source: Source, *, origin: str) -> AsyncIterator[str]:
    """
    Yield the export's lines, with the size and root that the log has now.

    Nothing is checked here: what is wrong in the log must be as wrong in its export. ``origin`` is
    the log's name in its checkpoints.
    """
    stop = await source.size()
    leaves = await source.leaf_hashes(0, stop)
    texts = await source.notice_texts()  # after the size: a text is kept before its entry
    root = await asyncio.to_thread(root_hash, leaves)  # of a million leaves: seconds
    yield _line(
        {
            "format": FORMAT,
            "origin": origin,
            "root": base64.b64encode(root).decode(),
            "size": len(leaves),
            "table": table.document(),
            "texts": dict(texts),
        }
    )
    async for index, content, leaf_hash in source.raw(stop):
        shown = {} if content is None else {"entry": base64.b64encode(content).decode()}
        yield _line({"index": index, **shown, "leaf_hash": leaf_hash.hex()})


def _line(record: dict[str, object]) -> str:
    return json.dumps(record, separators=(",", ":")) + "\n"

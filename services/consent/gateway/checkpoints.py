"""Writes a signed checkpoint within a minute of an entry, to a file on another mount."""

import asyncio
import errno
import fcntl
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol

import structlog
from prometheus_client import Gauge

from runtime.failures import Unavailable
from services.consent.domain.checkpoint import Signer
from services.consent.domain.merkle import (
    HASH_BYTES,
    Frontier,
    inclusion_spans,
    span_root,
    whole_subtrees,
)
from services.consent.domain.receipt import Witness
from services.consent.domain.tiles import WIDTH

log = structlog.get_logger()

INTERVAL_S = 10.0
_SIGNED = "\n\n\N{EM DASH} "

witnessed = Gauge(
    "aiguillage_checkpoint_size_entries", "Entries that the newest checkpoint covers."
)
uncovered = Gauge(
    "aiguillage_checkpoint_uncovered_entries", "Entries that no written checkpoint covers yet."
)


class Source(Protocol):
    """The log, as far as checkpoints need it."""

    async def size(self) -> int: ...

    async def leaf_hashes(self, start: int, stop: int) -> tuple[bytes, ...]: ...


class CheckpointWriter:
    """Follows the log and signs what it has become; ``latest`` is the newest signed note."""

    def __init__(
        self, source: Source, signer: Signer, path: Path, *, interval_s: float = INTERVAL_S
    ) -> None:
        self._source = source
        self._signer = signer
        self._path = path
        self._interval_s = interval_s
        self._frontier = Frontier()
        self._written = 0
        self.latest: str | None = None

    @property
    def size(self) -> int:
        """How many entries ``latest`` covers."""
        return self._written

    async def hashes(self, level: int, start: int, stop: int) -> bytes:
        """Return the roots of whole subtrees of 256**level leaves; raises ``Unavailable``."""
        if level:
            return self._frontier.row(level, start, stop)
        return b"".join(await self._source.leaf_hashes(start, stop))

    async def witness(self, indexes: Iterable[int]) -> Witness | None:
        """Return ``latest`` with the paths of those entries that it covers, if there is one."""
        note, size = self.latest, self._written
        if note is None:
            return None
        ways = {index: inclusion_spans(index, size=size) for index in indexes if index < size}
        spans = {span for way in ways.values() for span in way}  # most are those of neighbours, too
        leaves = await self._leaves_of(spans)

        def hashes(level: int, numbers: range) -> Sequence[bytes]:
            if not level:
                return [leaves[number] for number in numbers]
            row = self._frontier.row(level, numbers.start, numbers.stop)
            return [row[at : at + HASH_BYTES] for at in range(0, len(row), HASH_BYTES)]

        nodes = {span: span_root(span, hashes) for span in spans}
        paths = {index: tuple(nodes[span] for span in way) for index, way in ways.items()}
        return Witness(note=note, paths=paths)

    async def _leaves_of(self, spans: Iterable[range]) -> dict[int, bytes]:
        """Read the tiles of leaves that these spans reach into."""
        pieces = (piece for span in spans for piece in whole_subtrees(span))
        tiles = {numbers.start // WIDTH for level, numbers in pieces if not level}
        leaves: dict[int, bytes] = {}
        for start in (tile * WIDTH for tile in sorted(tiles)):
            found = await self._source.leaf_hashes(start, start + WIDTH)
            leaves |= enumerate(found, start)
        return leaves

    async def run(self) -> None:
        """Write for ever; a database or file that is away is tried again."""
        while True:
            try:
                await self.write()
            except (Unavailable, OSError) as error:
                log.error("checkpoint not written", error=type(error).__name__)
            await asyncio.sleep(self._interval_s)

    async def write(self) -> None:
        """Append a checkpoint if the log has grown; raises ``Unavailable`` or ``OSError``."""
        size = await self._source.size()
        for leaf in await self._source.leaf_hashes(self._frontier.size, size):
            self._frontier.append(leaf)
        if self._frontier.size == self._written:
            return
        uncovered.set(self._frontier.size - self._written)
        note = self._signer.sign(size=self._frontier.size, root=self._frontier.root())
        await asyncio.to_thread(append_note, self._path, note)
        self.latest, self._written = note, self._frontier.size
        witnessed.set(self._written)
        uncovered.set(0)
        log.info("checkpoint written", size=self._written)


class NotACheckpointFile(OSError):
    """A file holds something that is no note, and is left as it is."""


def append_note(path: Path, note: str) -> None:
    """
    Append a signed note, behind the last whole one, while no other process does.

    Raises ``OSError``, of which ``NotACheckpointFile`` is one.
    """
    content = f"{note}\n".encode()
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if torn := torn_bytes(path, origin=note.partition("\n")[0]):
            os.ftruncate(descriptor, os.fstat(descriptor).st_size - torn)
        if os.write(descriptor, content) != len(content):
            raise OSError(errno.ENOSPC, "not all was written")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def torn_bytes(path: Path, *, origin: str) -> int:
    """
    Return how much a crash or a full disk has left behind the last whole note.

    Raises ``NotACheckpointFile`` for what is no beginning of a note, and ``OSError``.
    """
    text = path.read_text("utf-8", errors="surrogateescape")
    tail, first = text.removeprefix(_whole(text)), f"{origin}\n"
    begun = tail.rstrip("\0")  # a power cut leaves zeros
    if begun.strip() and begun[: len(first)] != first[: len(begun)]:
        raise NotACheckpointFile(f"{path} holds something that is no checkpoint")
    return len(tail.encode("utf-8", errors="surrogateescape"))


def read_notes(path: Path) -> str:
    """Return the whole notes that the file holds, if it is there; raises ``OSError``."""
    if not path.exists():
        return ""
    text = path.read_text("utf-8", errors="surrogateescape")
    whole = _whole(text)
    if whole != text:
        log.warning("checkpoint file ends in a torn note", whole_notes=whole.count(_SIGNED))
    return whole


def _whole(text: str) -> str:
    """Return the text up to the last note that was written to its end."""
    signed = text.rfind(_SIGNED)
    while signed >= 0:
        end = text.find("\n\n", signed + len(_SIGNED))
        if end >= 0:
            return text[: end + 2]
        signed = text.rfind(_SIGNED, 0, signed)
    return ""

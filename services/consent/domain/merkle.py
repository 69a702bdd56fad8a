"""The Merkle tree over the log's entries (RFC 6962, section 2.1)."""

from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256

EMPTY_ROOT = sha256(b"").digest()
HASH_BYTES = 32
TILE_HEIGHT = 8


class Frontier:
    """
    The right edge of a growing tree: enough to append and to say the root, in O(log n).

    Beside it, ``row`` keeps every eighth level of whole subtrees: 32 bytes for 256 leaves.
    """

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[bytes] = []
        self._rows: list[bytearray] = []

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash (32 bytes)."""
        node, size, height = leaf, self.size, 0
        while size & 1:
            node = node_hash(self._peaks.pop(), node)
            size, height = size >> 1, height + 1
            if height % TILE_HEIGHT == 0:
                self._keep(height // TILE_HEIGHT, node)
        self._peaks.append(node)
        self.size += 1

    def row(self, level: int, start: int, stop: int) -> bytes:
        """Return the roots of subtrees of 256**level leaves, from the one numbered ``start``."""
        if not 1 <= level <= len(self._rows):
            return b""
        return bytes(self._rows[level - 1][start * HASH_BYTES : stop * HASH_BYTES])

    def _keep(self, level: int, node: bytes) -> None:
        if level > len(self._rows):
            self._rows.append(bytearray())
        self._rows[level - 1] += node

    def root(self) -> bytes:
        """Return the root hash of all leaves so far."""
        if not self._peaks:
            return EMPTY_ROOT
        node = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            node = node_hash(peak, node)
        return node


def leaf_hash(content: bytes) -> bytes:
    """Return the hash of a leaf with this content."""
    return sha256(b"\x00" + content).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node."""
    return sha256(b"\x01" + left + right).digest()


def root_hash(leaves: Sequence[bytes]) -> bytes:
    """Return the root over leaf hashes."""
    frontier = Frontier()
    for leaf in leaves:
        frontier.append(leaf)
    return frontier.root()


def inclusion_proof(leaves: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """Return PATH(index, leaves) (section 2.1.1), from the leaf upwards."""
    spans = inclusion_spans(index, size=len(leaves))
    return tuple(root_hash(leaves[span.start : span.stop]) for span in spans)


def inclusion_spans(index: int, *, size: int) -> tuple[range, ...]:
    """Return the leaves below each node of PATH(index, leaves) in a tree of this size."""
    if not 0 <= index < size:
        raise IndexError(index)
    spans: list[range] = []
    low, high = 0, size
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            spans.append(range(middle, high))
            high = middle
        else:
            spans.append(range(low, middle))
            low = middle
    return tuple(reversed(spans))


def whole_subtrees(span: range) -> Iterator[tuple[int, range]]:
    """
    Yield the whole subtrees that a span of ``inclusion_spans`` is made of, from the left.

    Each as a level, of those that ``Frontier.row`` has (0: the leaves), and its hashes' numbers
    there: at most 128, all in one tile.
    """
    start = span.start
    while start < span.stop:
        height = (span.stop - start).bit_length() - 1
        level = height // TILE_HEIGHT
        stop = start + (1 << height)
        yield level, range(start >> TILE_HEIGHT * level, stop >> TILE_HEIGHT * level)
        start = stop


def span_root(span: range, hashes: Callable[[int, range], Sequence[bytes]]) -> bytes:
    """Return the root over a span of ``inclusion_spans`` from the hashes of these levels."""
    peaks = [root_hash(hashes(level, numbers)) for level, numbers in whole_subtrees(span)]
    node = peaks.pop()
    while peaks:
        node = node_hash(peaks.pop(), node)
    return node


def consistency_proof(leaves: Sequence[bytes], old_size: int) -> tuple[bytes, ...]:
    """Return PROOF(old_size, leaves) (section 2.1.2) that the old tree is a prefix of this one."""
    if not 0 < old_size <= len(leaves):
        raise IndexError(old_size)
    path: list[bytes] = []
    low, high, whole = 0, len(leaves), True
    while old_size - low != high - low:
        middle = low + _split(high - low)
        if old_size <= middle:
            path.append(root_hash(leaves[middle:high]))
            high = middle
        else:
            path.append(root_hash(leaves[low:middle]))
            low, whole = middle, False
    if not whole:
        path.append(root_hash(leaves[low:high]))
    return tuple(reversed(path))


def root_of_inclusion(leaf: bytes, *, index: int, size: int, proof: Sequence[bytes]) -> bytes:
    """Return the root that ``proof`` leads to from ``leaf`` (RFC 9162, section 2.1.3.2)."""
    if not 0 <= index < size:
        raise ValueError("index outside the tree")
    node, position, last = leaf, index, size - 1
    for sibling in proof:
        if last == 0:
            raise ValueError("proof too long")
        if position & 1 or position == last:
            node = node_hash(sibling, node)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            node = node_hash(node, sibling)
        position, last = position >> 1, last >> 1
    if last:
        raise ValueError("proof too short")
    return node


def is_consistent(
    *, old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Return whether ``proof`` shows the old tree in the new one (RFC 9162, section 2.1.4.2)."""
    if old_size == new_size:
        return not proof and old_root == new_root
    if not 0 < old_size < new_size or not proof:
        return False
    path = list(proof) if old_size & (old_size - 1) else [old_root, *proof]
    position, last = old_size - 1, new_size - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if position & 1 or position == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        position, last = position >> 1, last >> 1
    return last == 0 and (old, new) == (old_root, new_root)


def _split(size: int) -> int:
    return 1 << ((size - 1).bit_length() - 1)

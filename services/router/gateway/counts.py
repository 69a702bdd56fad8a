"""How many partitions requests are spread over, now and before: where a ticket may lie."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd

from runtime.kafka import partition_of


class PartitionCountDiffers(Exception):
    """The topic of requests has another number of partitions than the router was told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """
    The present count, and the former ones of which a ticket may still be asked for.

    A key's partition is its hash modulo the count, so that one count tells something of another.
    """

    present: int
    former: tuple[int, ...] = ()

    @classmethod
    def of(cls, counts: Sequence[int]) -> "Counts":
        """Return the counts as they are declared: the present one first."""
        return cls(present=counts[0], former=tuple(counts[1:]))

    @property
    def all(self) -> tuple[int, ...]:
        """The present count, then the former ones."""
        return (self.present, *self.former)

    def check(self, found: int) -> None:
        """Raise ``PartitionCountDiffers``: answers would be looked for in the wrong place."""
        if found != self.present:
            raise PartitionCountDiffers(f"{found} partitions, {self.present} were told")

    def sources(self, partition: int) -> list[int]:
        """Return where the tickets of a partition's requests may lie."""
        found = {partition}
        for count in self.former:
            shared = gcd(count, self.present)
            found.update(range(partition % shared, count, shared))
        return sorted(found)

    def is_home(self, key: bytes | None, partition: int) -> bool:
        """Say whether a request belongs into a partition now; without former counts all do."""
        return not self.former or partition_of(key or b"", self.present) == partition

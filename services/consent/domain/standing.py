"""Where the log stands: its size, what a checkpoint covers of it, when it was last verified."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """When this instance last verified the whole log, and how many entries that were."""

    at: datetime
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The log as one instance knows it; ``root`` (base64) is that of the newest checkpoint."""

    size: int
    note: str | None
    """The newest checkpoint; none in the first seconds after the start."""
    covered: int
    root: str
    verified: Verified | None

    @property
    def uncovered(self) -> int:
        """How many entries no checkpoint covers yet."""
        return max(0, self.size - self.covered)

"""What the router reads from its environment, e.g. ``ROUTER_KAFKA__BOOTSTRAP_SERVERS``."""

from typing import Annotated

from pydantic import Field

from runtime.settings import ServiceSettings, environment
from schemas import topics

Count = Annotated[int, Field(gt=0)]


class Settings(ServiceSettings):
    """The router's settings; times in seconds."""

    model_config = environment("ROUTER_")

    sweep_interval_s: float = 5.0
    """How often overdue tickets are looked for."""
    horizon_days: float = 60
    """A request received longer ago is parked; tickets are kept longer (deploy/topics.yaml)."""
    snapshot_after: Count = 2_000
    """How many requests a partition answers before what it remembers is written down again."""
    rules_interval_s: float = 2.0
    """How often the rules and what was learned are looked at, for a change."""
    partition_counts: tuple[Count, ...] = Field(default=(topics.PARTITIONS,), min_length=1)
    """How many partitions requests have; after it, those that they had within the horizon."""

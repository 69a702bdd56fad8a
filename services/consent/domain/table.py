"""The state table of lifecycle.yaml as values, checked when it is read."""

from collections.abc import Mapping
from functools import cache, cached_property
from importlib.resources import files
from itertools import groupby
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.consent.domain.entry import How, Role, Scope

States = Mapping[str, tuple[str, ...]]
Seconds = Annotated[int, Field(gt=0)]


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Region(_Row):
    """One of the state machines that run side by side in a session."""

    initial: str
    final: tuple[str, ...]


class Cascade(_Row):
    """What ends, region by region and state by state, when ``when`` comes true."""

    when: States
    ends: Mapping[str, Mapping[str, str]]


class Timer(_Row):
    """The act that silence leads to."""

    name: str
    when: States
    since: tuple[str, ...]
    after_s: Seconds
    at_most_s: Seconds
    act: str
    beats: bool = False
    """Whether the open page breaks the silence, too."""


class Purge(_Row):
    """How long, at least and at most, entries are kept before their bytes are removed."""

    least_days: Annotated[int, Field(ge=1)]
    most_days: int


class Reason(_Row):
    """A code for a refusal."""

    dpo: bool = False


class Refusals(_Row):
    """The codes, and which one an act has that no arrow allows."""

    reasons: Mapping[str, Reason]
    acts: Mapping[str, str]
    by_assistant: Mapping[str, str]


class Arrow(_Row):
    """One row: who may do what when, what they must bring, and where it leads."""

    act: str
    by: tuple[Role, ...]
    when: States
    next: Mapping[str, str]
    dpo: bool = False
    paused: bool = False
    refusal: bool = False
    binds: bool = False
    how: tuple[How, ...] = ()
    scope: Scope | None = None
    notice: Literal["serves", "served", "shown"] | None = None
    round: Mapping[str, Literal["opens", "same"]] = {}


class Table(_Row):
    """The whole table; a table that contradicts itself is not read."""

    version: int
    regions: Mapping[str, Region]
    pauses: States
    purge: Purge
    cascades: tuple[Cascade, ...]
    timers: tuple[Timer, ...]
    refusals: Refusals
    arrows: tuple[Arrow, ...]

    def arrows_of(self, act: str, actor: str) -> tuple[Arrow, ...]:
        """Return the arrows for this act by this actor."""
        return self._index.get((act, actor), ())

    @cached_property
    def _index(self) -> Mapping[tuple[str, str], tuple[Arrow, ...]]:
        index: dict[tuple[str, str], tuple[Arrow, ...]] = {}
        for arrow in self.arrows:
            for actor in arrow.by:
                index[arrow.act, actor] = (*index.get((arrow.act, actor), ()), arrow)
        return index

    @model_validator(mode="after")
    def _no_contradiction(self) -> Self:
        rows = [arrow.when for arrow in self.arrows] + [cascade.when for cascade in self.cascades]
        for when in (*rows, self.pauses, *(timer.when for timer in self.timers)):
            if unknown := set(when) - set(self.regions):
                raise ValueError(f"unknown region: {min(unknown)}")
        told = sorted({(a.act, actor, a.dpo) for a in self.arrows for actor in a.by})
        for (act, actor), rows_of in groupby(told, key=lambda row: row[:2]):
            if len(list(rows_of)) > 1:
                raise ValueError(f"{act} by {actor} tells the DPO in one state only")
        for timer in self.timers:
            if not any(a.act == timer.act and "service" in a.by for a in self.arrows):
                raise ValueError(f"timer {timer.name}: the service has no arrow {timer.act}")
        for arrow in self.arrows:
            for region in arrow.next:
                final = set(self.regions[region].final)
                if not arrow.when.get(region) or final & set(arrow.when[region]):
                    raise ValueError(f"{arrow.act}: leaves a final or unnamed state of {region}")
        return self


@cache
def table() -> Table:
    """Return the table that this version of the software ships."""
    return Table.model_validate(document())


@cache
def document() -> dict[str, Any]:
    """Return the table as the document that exports carry and verify.py knows by its hash."""
    text = files("services.consent.domain").joinpath("lifecycle.yaml").read_text("utf-8")
    content: dict[str, Any] = yaml.safe_load(text)
    return content

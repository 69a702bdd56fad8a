"""Says what of a log, or of the persons beside it, the DPO would be shown as a bare code."""

from collections.abc import Iterable, Iterator

from services.consent.domain.entry import Entry
from services.consent.domain.persons import PersonRecord
from services.consent.store.evidence import MongoEvidenceLog
from services.consent.store.persons import MongoPersons
from services.consent.telling import texts
from services.consent.texts.details import base_of, load_details
from services.consent.texts.dpo import load_dpo_wording
from services.consent.texts.wording import LANGUAGE, read_yaml

ASKED = read_yaml(f"reasons.{LANGUAGE}.yaml")


def untold(entries: Iterable[Entry], records: Iterable[PersonRecord] = ()) -> set[str]:
    """Return the acts, facts, coded values and kinds of records that have no words."""
    people = {f"person:{one.group}" for one in records if one.group not in texts()["people"]}
    return people.union(*(set(_untold(entry)) for entry in entries))


async def untold_in(log: MongoEvidenceLog, persons: MongoPersons) -> set[str]:
    """Return what of a whole log, and of everybody beside it, has no words."""
    entries = await log.read(0, await log.size())
    return untold(entries, [record async for _, record in persons.everyone()])


def _untold(entry: Entry) -> Iterator[str]:
    details, wording, draft = load_details(), load_dpo_wording(), entry.draft
    if draft.type not in wording.timeline:
        yield draft.type
    if draft.reason and wording.reason(draft, ASKED) == draft.reason:
        yield f"{draft.type}:{draft.reason}"
    said_by = details.of(draft.type)
    for name, value in draft.facts.items():
        how = said_by.get(base_of(name))
        if how is None and base_of(name) not in details.unshown:
            yield f"{draft.type}.{name}"
        elif how is not None and how.words and value not in how.words:
            yield f"{draft.type}.{name}:{value}"

"""Whatever is done to an export at random, the verifier with its checkpoints catches it."""

import base64
import json
import random
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from itertools import zip_longest
from uuid import UUID

import pytest

from services.consent import verify
from services.consent.verify import NotIntact, verify_export
from tests.unit.consent.drafts import placed, sample_log, walk
from tests.unit.consent.exports import VKEY, checkpoints, export, lines_of

SEED = 20261123
MUTATIONS = 10_000
LINES = lines_of(sample_log(2)[:14])  # two sessions that take turns, up to an intervention
EXPORT = export(LINES)
NOTES = checkpoints(LINES, len(LINES))

Mutation = Callable[[random.Random, list[str]], list[str]]


def flip(chance: random.Random, lines: list[str]) -> list[str]:
    number = chance.randrange(1, len(lines))
    record = json.loads(lines[number])
    content = bytearray(base64.b64decode(record["entry"]))
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    record["entry"] = base64.b64encode(content).decode()
    return [*lines[:number], json.dumps(record) + "\n", *lines[number + 1 :]]


def flip_and_hash(chance: random.Random, lines: list[str]) -> list[str]:
    number = chance.randrange(len(LINES))
    content = bytearray(LINES[number].content)
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    changed = [*LINES]
    changed[number] = LINES[number].with_content(bytes(content))
    return export(changed)


def damage(chance: random.Random, lines: list[str]) -> list[str]:
    number = chance.randrange(len(lines))
    line, at = lines[number], chance.randrange(len(lines[number]) - 1)
    # One character at least is another: neither case nor a lone space would always matter.
    changed = line[:at] + chr((ord(line[at]) + chance.randrange(1, 90)) % 128) + line[at + 1 :]
    return [*lines[:number], changed, *lines[number + 1 :]]


def delete(chance: random.Random, lines: list[str]) -> list[str]:
    number = chance.randrange(1, len(lines))
    return [*lines[:number], *lines[number + 1 :]]


def delete_and_renumber(chance: random.Random, lines: list[str]) -> list[str]:
    number = chance.randrange(len(LINES))
    rest = [*LINES[:number], *LINES[number + 1 :]]
    return export(
        [
            type(line)(index=i, content=line.content, leaf_hash=line.leaf_hash).rewritten(index=i)
            for i, line in enumerate(rest)
        ]
    )


def swap(chance: random.Random, lines: list[str]) -> list[str]:
    first, second = chance.sample(range(1, len(lines)), 2)
    lines = [*lines]
    lines[first], lines[second] = lines[second], lines[first]
    return lines


def insert(chance: random.Random, lines: list[str]) -> list[str]:
    number = chance.randrange(1, len(lines) + 1)
    return [*lines[:number], chance.choice(lines[1:]), *lines[number:]]


def hide(chance: random.Random, lines: list[str]) -> list[str]:
    """Leave out the bytes of some entries, as a purge does, but without one."""
    lines = [*lines]
    for number in chance.sample(range(1, len(lines)), chance.choice([1, 2, 12, len(lines) - 1])):
        record = json.loads(lines[number])
        del record["entry"]
        lines[number] = json.dumps(record) + "\n"
    return lines


def cut(chance: random.Random, lines: list[str]) -> list[str]:
    return lines[: chance.randrange(1, len(lines))]


@cache
def backup(size: int) -> list[str]:
    return export(LINES[:size])


def restore(chance: random.Random, lines: list[str]) -> list[str]:
    return backup(chance.randrange(len(LINES)))


def rebuild(chance: random.Random, lines: list[str]) -> list[str]:
    """Keep the first k entries, then write another history with everything in it right."""
    kept = chance.randrange(len(LINES))
    others = placed(walk(UUID(int=chance.randrange(10**9))))
    rest = [
        replace(line, index=kept + number).rewritten(index=kept + number)
        for number, line in enumerate(lines_of(others))
    ]
    return export([*LINES[:kept], *rest])


@pytest.fixture
def known_signatures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each signature be verified once: here the entries change, and its checkpoint does not."""
    monkeypatch.setattr(verify, "ed25519_verifies", cache(verify.ed25519_verifies))


@pytest.mark.usefixtures("known_signatures")
@pytest.mark.parametrize(
    "mutate",
    [
        flip,
        flip_and_hash,
        damage,
        delete,
        delete_and_renumber,
        swap,
        insert,
        hide,
        cut,
        restore,
        rebuild,
    ],
)
def test_every_mutation_is_caught(mutate: Mutation) -> None:
    chance = random.Random(f"{SEED}-{mutate.__name__}")  # noqa: S311
    assert verify_export(EXPORT, NOTES, VKEY)[1] == len(LINES)
    caught = 0
    while caught < MUTATIONS // 10:
        changed = mutate(chance, EXPORT)
        begins = first_difference(changed)
        if begins is None:
            continue  # the same content, written otherwise
        with pytest.raises(NotIntact) as found:
            verify_export(changed, NOTES, VKEY)
        assert found.value.reason
        if mutate in LEFT_AS_THEY_ARE:
            assert found.value.index == begins
        caught += 1


LEFT_AS_THEY_ARE: tuple[Mutation, ...] = (flip, delete, swap, insert, cut)
"""What a forger does who mends nothing: it shows at the very entry."""


def first_difference(changed: list[str]) -> int | None:
    """Return the index of the first entry that is not as it was; -1 if only the header is not."""
    for index, (line, was) in enumerate(zip_longest(changed[1:], EXPORT[1:], fillvalue="")):
        if line != was and json_or(line) != json_or(was):
            return index
    return -1 if json_or(changed[0]) != json_or(EXPORT[0]) else None


@cache
def json_or(line: str) -> object:
    try:
        return json.loads(line)
    except ValueError:
        return line

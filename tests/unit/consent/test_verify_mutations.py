"""Whatever is done to an export at random, the verifier with its checkpoints catches it."""

import base64
import json
import random
from collections.abc import Callable
from uuid import UUID

import pytest

from services.consent.verify import NotIntact, verify_export
from tests.unit.consent.drafts import placed, sample_log, walk
from tests.unit.consent.exports import VKEY, checkpoints, export, lines_of

SEED = 20261123
ROUNDS = 800
LINES = lines_of(sample_log(4))
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


def restore(chance: random.Random, lines: list[str]) -> list[str]:
    return export(LINES[: chance.randrange(len(LINES))])


def rebuild(chance: random.Random, lines: list[str]) -> list[str]:
    """Keep the first k entries, then write another history with everything in it right."""
    kept = chance.randrange(4) * 12
    drafts = [one for number in range(4) for one in walk(UUID(int=number + 1))]
    others = [one for number in range(5) for one in walk(UUID(int=chance.randrange(10**9)))]
    return export(lines_of(placed([*drafts[:kept], *others])))


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
    for _ in range(ROUNDS // 10):
        changed = mutate(chance, EXPORT)
        if [json_or(line) for line in changed] == [json_or(line) for line in EXPORT]:
            continue  # the same content, written otherwise
        with pytest.raises(NotIntact):
            verify_export(changed, NOTES, VKEY)


def json_or(line: str) -> object:
    try:
        return json.loads(line)
    except ValueError:
        return line

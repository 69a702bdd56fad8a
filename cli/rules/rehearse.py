"""The command `aiguillage rules rehearse`."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import typer
from aiokafka import ConsumerRecord
from aiokafka.errors import KafkaError
from rich.console import Console

from cli.rules import rehearsed
from cli.rules.commands import DESK, RULES, Json, Limit, Reveal, app, desk_of, fail, loaded
from cli.rules.comparing import Comparison
from cli.rules.past import Line
from cli.rules.rehearsal import Chunks, Rehearsal, WorkerDied, chunked, cores, file_chunks
from cli.running import WhereUnknown, find_where
from runtime.topic_reader import open_reader
from schemas import topics

T = TypeVar("T")
TICKETS: Final = tuple(topics.TICKETS.values())
TOPICS: Final = {
    "tickets": TICKETS,
    "requests": (topics.REQUESTS,),
    **{name: (name,) for name in (*TICKETS, topics.REQUESTS)},
}


@app.command()
def rehearse(  # noqa: PLR0913 - each is an option
    *,
    rules: Annotated[Path, typer.Option(help="The candidate.")],
    against: Annotated[
        str,
        typer.Option(
            metavar="tickets|requests|TOPIC|FILE",
            help="What Kafka holds, or a file: a case or an event on each line.",
        ),
    ],
    current: Annotated[Path, typer.Option(help="What decides now.")] = RULES,
    desk: Annotated[Path, typer.Option(help="The desk whose hours and deadlines apply.")] = DESK,
    bootstrap: Annotated[
        str | None, typer.Option(envvar="AIGUILLAGE_KAFKA", help="Kafka, host:port.")
    ] = None,
    limit: Limit = 20,
    workers: Annotated[int, typer.Option(min=1, help="Processes.", show_default="cores")] = cores(),
    reveal: Reveal = False,
    as_json: Json = False,
) -> None:
    """
    Replay the past through a candidate rule set, and say what would move; publishes nothing.

    A ticket is compared with what was decided when it was made; a request or case without a
    decision, with what the current rules decide. Where another deadline of the desk's policy
    applies, both due times are told. Where labels exist, both are scored on them. What cannot be
    read is counted and left out; what raises or takes too long is a move, as live it is parked.
    """
    began = time.perf_counter()
    plan = Rehearsal(
        candidate=loaded(rules),
        current=None if against in {"tickets", *TICKETS} else loaded(current),
        desk=desk_of(desk),
        most_moves=limit,
        workers=workers,
    )
    made = _run(_rehearse(plan, against, bootstrap))
    spent_s = time.perf_counter() - began
    if not made.requests:
        fail("\n".join([f"{against}: no request in it to compare", *rehearsed.left_out(made)]))
    if as_json:
        told = rehearsed.as_json(plan, made, against=against, spent_s=spent_s, reveal=reveal)
        print(json.dumps(told, ensure_ascii=False))
        return
    console = Console()
    for part in rehearsed.tables(made, plan, reveal=reveal):
        console.print(part)
    print(rehearsed.summary(plan, made, against=against, spent_s=spent_s))


async def _rehearse(plan: Rehearsal, against: str, bootstrap: str | None) -> Comparison:
    names = TOPICS.get(against)
    if names is None:
        return await plan.run(file_chunks(Path(against)))
    where = find_where(kafka=bootstrap, keys_dir=None)
    return await plan.run(_topic_chunks(where.kafka, names))


async def _topic_chunks(kafka: str, names: tuple[str, ...]) -> Chunks:
    async with open_reader(kafka) as reader:
        async for records in reader.stream(names):
            for chunk in chunked(map(_line, records)):
                yield chunk


def _line(record: ConsumerRecord) -> Line:
    return Line(f"{record.topic}/{record.partition}/{record.offset}", record.value or b"")


def _run(work: Coroutine[Any, Any, T]) -> T:
    try:
        return asyncio.run(work)
    except KafkaError as error:
        fail(f"Kafka: {type(error).__name__}")
    except OSError as error:
        fail(f"{error.filename or 'the past'}: cannot be read ({error.strerror})")
    except (WhereUnknown, WorkerDied) as error:
        fail(str(error))

"""The command `aiguillage explain`."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC
from pathlib import Path
from typing import Annotated

import typer
from aiokafka.errors import KafkaError
from rich.console import Console

from cli.rules.commands import DESK, desk_of, fail
from cli.running import WhereUnknown, find_where
from cli.tickets import explained
from cli.tickets.finding import NoSuchRequest, Story, find, read_wanted
from deploy.local.folders import PROJECT
from runtime.topic_reader import open_reader

app = typer.Typer(add_completion=False)

Bootstrap = Annotated[str | None, typer.Option(envvar="AIGUILLAGE_KAFKA", help="Kafka, host:port.")]
Wanted = Annotated[str, typer.Argument(metavar="REQUEST", help="A request's id, or its tracking.")]


@app.command("explain")
def explain(
    request: Wanted,
    *,
    bootstrap: Bootstrap = None,
    desk: Annotated[
        Path, typer.Option(help="The desk in whose time moments are shown.", show_default=str(DESK))
    ] = PROJECT / DESK,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
) -> None:
    """
    Say where a request went and why, by when it is due, and what became of its ticket.

    Shows the words that decided, which may be personal; never the request itself. Ends with 1 when
    there is no ticket, after saying whether the request is waiting or parked. Moments are the
    desk's; in JSON, UTC.
    """
    zone = UTC if as_json else desk_of(desk).calendar.zone
    story = look_up(request, bootstrap)
    if as_json:
        print(json.dumps(explained.as_json(story), ensure_ascii=False))
    elif story.ticket is None:
        print(explained.without_ticket(request, story, zone))
    else:
        console = Console()
        for part in explained.parts(story.ticket, story, zone):
            console.print(part)
    if story.ticket is None:
        raise typer.Exit(code=1)


def look_up(request: str, bootstrap: str | None) -> Story:
    """Return what Kafka holds about a request; or say why not, and end with 1."""

    async def run(kafka: str) -> Story:
        async with open_reader(kafka) as reader:
            return await find(reader, read_wanted(request))

    try:
        read_wanted(request)
        return asyncio.run(run(find_where(kafka=bootstrap, keys_dir=None).kafka))
    except KafkaError as error:
        fail(f"Kafka: {type(error).__name__}")
    except (NoSuchRequest, WhereUnknown) as error:
        fail(str(error))

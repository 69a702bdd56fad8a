"""`aiguillage up`, `down` and `topics`: the whole system on this machine, and Kafka's topics."""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.running import WhereUnknown, find_where

if TYPE_CHECKING:
    from deploy.local import folders, stack

up = typer.Typer(add_completion=False)
down = typer.Typer(add_completion=False)
topics = typer.Typer(add_completion=False)

Folder = Annotated[
    Path | None, typer.Option(help="Where data, logs and keys lie; .local if not given.")
]


@up.command()
def start(
    *,
    folder: Folder = None,
    needs_only: Annotated[
        bool, typer.Option("--needs-only", help="Only Kafka, MongoDB and the mail catcher.")
    ] = False,
) -> None:
    """Start the whole system, say who is up and where, and stay until Ctrl-C."""
    from deploy.local import foreground, services, stack  # noqa: PLC0415 - lazily: it is slow
    from deploy.local.progress import ConsoleSteps  # noqa: PLC0415

    wanted: Sequence[str] = () if needs_only else services.NAMES

    async def main() -> int:
        where = _folders(folder)
        async with stack.local_stack(
            where=where, services_wanted=wanted, steps=ConsoleSteps()
        ) as running:
            show(running)
            await foreground.forever()
        return 0

    raise typer.Exit(foreground.run(main))


@down.command()
def stop(folder: Folder = None) -> None:
    """Stop a system that was left: its processes, in order, then by force."""
    from deploy.local import state  # noqa: PLC0415

    stopped = asyncio.run(state.stop_left(_folders(folder).state))
    print("Stopped: " + ", ".join(stopped) if stopped else "Nothing runs.")


@topics.command()
def apply(
    *,
    bootstrap: Annotated[
        str | None,
        typer.Option(envvar="AIGUILLAGE_KAFKA", help="Kafka, host:port; the running stack if not."),
    ] = None,
    replicas: Annotated[
        int | None, typer.Option(min=1, help="3 on three brokers, else 1, if not given.")
    ] = None,
    file: Annotated[Path | None, typer.Option(help="The declaration.")] = None,
    grow: Annotated[
        bool,
        typer.Option("--grow", help="Add partitions; see the runbook."),
    ] = False,
) -> None:
    """Make Kafka's topics as deploy/topics.yaml declares them; a second run changes nothing."""
    from deploy import growing  # noqa: PLC0415
    from deploy import topics as declared  # noqa: PLC0415
    from deploy.local import foreground  # noqa: PLC0415

    async def main() -> int:
        kafka = find_where(kafka=bootstrap, keys_dir=None).kafka
        wanted = declared.load(file or declared.DECLARATION)
        for name in await growing.grow(kafka, wanted) if grow else ():
            print(f"grown: {name}")
        outcome = await declared.apply(kafka, wanted, replicas=replicas)
        for verb, names in (("made", outcome.created), ("changed", outcome.altered)):
            for name in names:
                print(f"{verb}: {name}")
        print(f"as declared: {len(outcome.unchanged)}")
        return 0

    try:
        code = foreground.run(main)
    except (WhereUnknown, OSError) as error:
        raise typer.BadParameter(str(error)) from error
    raise typer.Exit(code)


def _folders(folder: Path | None) -> "folders.Folders":
    from deploy.local import folders  # noqa: PLC0415

    project = folders.Folders.of_project()
    if folder is None:
        return project
    return folders.Folders(parts=project.parts, data=folder.resolve())


def show(running: "stack.Stack") -> None:
    """Print who is up, where, and the path of each log."""
    addresses = {**running.addresses, "mail": running.smtp}
    lines = [
        (row.name, row.state, str(row.pid or ""), addresses[row.name], os.path.relpath(row.log))
        for row in running.rows()
    ]
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    for line in lines:
        print(
            "  ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)).rstrip()
        )
    print(f"Mail caught: {os.path.relpath(running.mail_dir)}")
    print(f"Keys: {os.path.relpath(running.keys_dir)}")
    print("Ctrl-C stops everything.", flush=True)

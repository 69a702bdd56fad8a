"""The command `aiguillage`; each sub-command's module is imported only when it is called."""

import dataclasses
import importlib
from collections.abc import Mapping
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Where a command is: `attribute` of `module` is a `typer.Typer`; `summary` is for --help."""

    module: str
    summary: str
    attribute: str = "app"


COMMANDS: Mapping[str, Entry] = {
    "demo": Entry(module="cli.demo", summary="Run the whole system on a shipped sample."),
    "up": Entry(
        module="cli.up", attribute="up", summary="Start the whole system; Ctrl-C stops it."
    ),
    "down": Entry(module="cli.up", attribute="down", summary="Stop a system that was left."),
    "topics": Entry(
        module="cli.up", attribute="topics", summary="Make Kafka's topics as declared."
    ),
    "send": Entry(module="cli.send", summary="Send a request through the front door."),
    "route": Entry(module="cli.route", summary="Show where requests would go, and why."),
    "explain": Entry(module="cli.tickets.explaining", summary="Say why a request went where."),
    "ticket": Entry(module="cli.tickets.moving", summary="Move or close a ticket."),
    "rules": Entry(module="cli.rules", summary="Check, test, rehearse and learn routing rules."),
    "evidence": Entry(module="cli.evidence", summary="Verify, export and search the log; erase."),
    "assistants": Entry(module="cli.assistants", summary="Add assistants; give them tokens."),
    "dpo": Entry(module="cli.dpo.signing_in", summary="Let the DPO in at their page."),
    "check-config": Entry(module="cli.check_config", summary="Check the files of one desk."),
    "dead": Entry(module="cli.dead", summary="List, show and replay dead letters."),
}


class LazyGroup(TyperGroup):
    """Shows every command from its `Entry`, and imports a module when its command is called."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names in the order of `COMMANDS`."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a stand-in that carries name and summary; None for an unknown name."""
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        stand_in = typer.Typer(add_completion=False)
        stand_in.command(cmd_name, help=entry.summary)(lambda: None)
        return get_command(stand_in)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Import what the arguments call."""
        name, command, rest = super().resolve_command(ctx, args)
        if name is None or command is None:
            return name, command, rest
        entry = COMMANDS[name]
        called = getattr(importlib.import_module(entry.module), entry.attribute)
        return name, get_command(called), rest


app = typer.Typer(
    cls=LazyGroup,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)


@app.callback()
def root() -> None:
    """Take requests for help, put each into the right queue, prove every remote session."""

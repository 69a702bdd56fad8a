"""Keeps what the services say of a run, for whoever looks after they have stopped."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx

from cli.dead.letters import Letter
from cli.dead.showing import as_line


async def keep(
    folder: Path, urls: Mapping[str, str], letters: Sequence[Letter], client: httpx.AsyncClient
) -> None:
    """Write each service's metrics, and the headers of what was parked, into the run's folder."""
    for name, url in urls.items():
        answer = await client.get(f"{url}/metrics")
        (folder / f"metrics-{name}.txt").write_text(answer.text, "utf-8")
    lines = "".join(f"{as_line(letter)}\n" for letter in letters)
    (folder / "dead-letters.jsonl").write_text(lines, "utf-8")

"""Keeps what the services say of a run, for whoever looks after they have stopped."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import httpx

from cli.dead.letters import Letter
from cli.dead.showing import as_line

WITHIN_S: Final = 5.0


async def keep_metrics(
    folder: Path, urls: Mapping[str, str], client: httpx.AsyncClient
) -> list[str]:
    """Write each service's metrics into the run's folder; return who did not tell them."""
    silent: list[str] = []
    for name, url in urls.items():
        try:
            answer = await client.get(f"{url}/metrics", timeout=WITHIN_S)
        except httpx.HTTPError:
            silent.append(name)
        else:
            (folder / f"metrics-{name}.txt").write_text(answer.text, "utf-8")
    return silent


def keep_headers(folder: Path, letters: Sequence[Letter]) -> None:
    """Write the headers of what was parked into the run's folder."""
    lines = "".join(f"{as_line(letter)}\n" for letter in letters)
    (folder / "dead-letters.jsonl").write_text(lines, "utf-8")

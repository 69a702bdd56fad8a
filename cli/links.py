"""Links that sign a browser in once, at the assistants' entrance or at the DPO's."""

import json
from collections.abc import Container
from pathlib import Path
from typing import Annotated, Final

import typer

from cli.tokens import NoSigningKey, mint_link
from deploy.local.folders import Folders
from services.consent.domain.signing_in import Entrance

_STATE_FILE: Final = Path(".local/stack.json")

Url = Annotated[
    str,
    typer.Option(
        envvar="CONSENT_PUBLIC_URL", help="Consent's address; the local system's if not given."
    ),
]
Keys = Annotated[Path | None, typer.Option(help="Folder of keys; the local system's if not given.")]
Minutes = Annotated[int, typer.Option(min=1, max=60, help="How long it is good.")]


class NotRunning(Exception):
    """No system runs here that would say where consent is."""


class NotListed(Exception):
    """The desk's list does not have the person."""


def make_link(
    entrance: Entrance, name: str, listed: Container[str], *, url: str, keys: Path, minutes: int
) -> str:
    """Return the link; raises ``NotListed``, ``NoSigningKey`` or ``NotRunning``."""
    if name not in listed:
        raise NotListed(f"{name} is not in the desk's list")
    return mint_link(keys, name, url or _local_url(), entrance, minutes=minutes)


def keys_folder(given: Path | None) -> Path:
    """Return the folder of keys, the local system's if none is given."""
    return given or Folders.of_project().keys


def _local_url() -> str:
    try:
        address: str = json.loads(_STATE_FILE.read_text())["addresses"]["consent"]
    except (OSError, ValueError, KeyError):
        reason = "Where is consent? Give --url or CONSENT_PUBLIC_URL, or run `make up`."
        raise NotRunning(reason) from None
    return address


REFUSED: Final = (NotListed, NotRunning, NoSigningKey)
"""Why there is no link; each says it."""

"""`aiguillage assistants`: the built-in issuer of tokens for the assistants' API."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final

import jwt
import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from deploy.local.folders import Folders
from desk import DeskError, load_desk

ISSUER: Final = "aiguillage"
AUDIENCE: Final = "consent"
SIGNING_KEY: Final = "tokens-signing.pem"
_DESK: Final = Path("deploy/desk")

app = typer.Typer(add_completion=False, no_args_is_help=True)


class NoSigningKey(Exception):
    """The folder of keys has no Ed25519 key to sign tokens with."""


def mint(keys_dir: Path, assistant: str, *, minutes: int = 60) -> str:
    """Return a bearer token (JWT, RFC 7519, signed with Ed25519) for an assistant's id."""
    try:
        key = load_pem_private_key((keys_dir / SIGNING_KEY).read_bytes(), password=None)
    except (OSError, ValueError) as error:
        raise NoSigningKey(f"{keys_dir / SIGNING_KEY}: {type(error).__name__}") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise NoSigningKey(f"{keys_dir / SIGNING_KEY}: not an Ed25519 key")
    now = datetime.now(UTC)
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": assistant,
        "iat": now,
        "exp": now + timedelta(minutes=minutes),
    }
    return jwt.encode(claims, key, algorithm="EdDSA")


@app.callback()
def assistants() -> None:
    """Give assistants the tokens with which they call the API."""


@app.command()
def token(
    name: Annotated[str, typer.Argument(help="The assistant's id in assistants.yaml.")],
    keys: Annotated[
        Path | None, typer.Option(help="Folder of keys; the local system's if not given.")
    ] = None,
    desk: Annotated[Path, typer.Option(help="Folder of the desk's files.")] = _DESK,
    minutes: Annotated[int, typer.Option(min=1, max=720, help="How long it is good.")] = 60,
) -> None:
    """Print a token; whether its holder may act is judged at each call, by the desk's list."""
    try:
        known = load_desk(desk).assistants
        if name not in known:
            typer.echo(f"{name} is not in the desk's list: {', '.join(sorted(known))}", err=True)
            raise typer.Exit(code=1)
        typer.echo(mint(keys or Folders.of_project().keys, name, minutes=minutes))
    except (DeskError, NoSigningKey) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(code=1) from None

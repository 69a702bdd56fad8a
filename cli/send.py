"""`aiguillage send`: hands requests in at intake's front door and shows their tracking numbers."""

import json
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

app = typer.Typer(add_completion=False)

STATE_FILE = Path(".local/stack.json")
PLAIN_KEYS = Path(".local/keys/sources-plain")
TRIES = 3


class CannotSend(Exception):
    """What is to be sent, or where to, cannot be read; the message never quotes content."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What became of one request: HTTP status (0: no answer) and the document that came."""

    status: int
    content: dict[str, Any]

    @property
    def accepted(self) -> bool:
        return self.status == httpx.codes.ACCEPTED

    def line(self, number: int) -> str:
        if self.accepted:
            return f"{number}\t{self.content['tracking']}\t{self.content['request_id']}"
        places = "; ".join(f"{e['pointer']}: {e['detail']}" for e in self.content.get("errors", ()))
        detail = self.content.get("detail", "no answer")
        return f"{number}\trefused\t{self.status} {detail} {places}".rstrip()


@app.command("send")
def send(
    file: Annotated[
        Path | None,
        typer.Argument(help="JSON lines, one request each; - for stdin; nothing: --subject."),
    ] = None,
    *,
    subject: Annotated[str | None, typer.Option(help="Send one request with this subject.")] = None,
    body: Annotated[str, typer.Option(help="The text of that request.")] = "",
    url: Annotated[
        str | None, typer.Option(envvar="AIGUILLAGE_INTAKE", help="Intake's address.")
    ] = None,
    source: Annotated[str, typer.Option(help="Whose development key to use.")] = "formulaires",
    key_file: Annotated[
        Path | None, typer.Option(help="The file with the source's key, instead.")
    ] = None,
) -> None:
    """
    Send requests by HTTP, as a form service would: one line each, tracking number and id.

    What intake cannot take for the moment is sent again. Ends with 0 only when all were accepted.
    """
    try:
        requests = [(1, _written(subject, body))] if file is None else list(_read(file))
        door = httpx.Client(
            base_url=url or _running_intake(),
            headers={"Authorization": f"Bearer {_key(key_file or PLAIN_KEYS / f'{source}.key')}"},
            timeout=30,
            trust_env=False,
            transport=httpx.HTTPTransport(retries=TRIES),
        )
        with door:
            answers = [_shown(number, _post(door, request)) for number, request in requests]
    except CannotSend as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(code=2) from None
    if not all(answer.accepted for answer in answers):
        raise typer.Exit(code=1)


def _shown(number: int, answer: Answer) -> Answer:
    typer.echo(answer.line(number), err=not answer.accepted)
    return answer


def _written(subject: str | None, body: str) -> bytes:
    if subject is None:
        raise CannotSend("What is to be sent? Give a file, or --subject and --body.")
    return json.dumps({"id": str(uuid.uuid4()), "subject": subject, "body": body}).encode()


def _read(file: Path) -> Iterator[tuple[int, bytes]]:
    """Give each line that is not blank with its number; intake says what is wrong with it."""
    try:
        content = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise CannotSend(f"{file}: cannot be read ({error.strerror})") from None
    for number, line in enumerate(content.splitlines(), start=1):
        if line.strip():
            yield number, line


def _post(door: httpx.Client, request: bytes) -> Answer:
    answer = Answer(status=0, content={})
    for attempt in range(TRIES):
        time.sleep(attempt)
        try:
            response = door.post(
                "/v1/requests", content=request, headers={"Content-Type": "application/json"}
            )
        except httpx.TransportError:
            continue
        answer = Answer(status=response.status_code, content=_document(response))
        if answer.status != httpx.codes.SERVICE_UNAVAILABLE:
            break
    return answer


def _document(response: httpx.Response) -> dict[str, Any]:
    try:
        content = response.json()
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _key(file: Path) -> str:
    try:
        return file.read_text().strip()
    except OSError as error:
        raise CannotSend(f"{file}: the source's key cannot be read ({error.strerror})") from None


def _running_intake() -> str:
    try:
        address: str = json.loads(STATE_FILE.read_text())["addresses"]["intake"]
    except (OSError, ValueError, KeyError):
        raise CannotSend(
            "Where is intake? Give --url or AIGUILLAGE_INTAKE, or run `make up`."
        ) from None
    return address

"""Pushes requests through intake's HTTP doors: own JSON, CloudEvents in three modes, and pages."""

import asyncio
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx

from cli.demo.browsing import Browser, Page
from cli.demo.sample import Sample

SUBMITTED: Final = "assistance.request.submitted.v1"
DEADLINE_S: Final = 15.0
WAIT_MOST_S: Final = 5.0
TRIES: Final = 8
CLERK: Final = "desk"
_TRACKING: Final = re.compile(
    r"\b[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{2}\b"
)


class Refused(Exception):
    """A door did not take a request that it should take; says which and the status."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A request that a door took, with the tracking number that it gave."""

    sample: Sample
    tracking: str


def event_of(sample: Sample, run: str) -> dict[str, Any]:
    """Return the request as a form service's CloudEvent (1.0.2, structured)."""
    return {
        "specversion": "1.0",
        "type": SUBMITTED,
        "id": f"{sample.id}-{run}",
        "source": f"urn:demonstration:{sample.source}",
        "time": datetime.now(UTC).isoformat(),
        "datacontenttype": "application/json",
        "data": sample.submission(run),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpDoors:
    """A form service with its keys, a person with a browser, and a clerk at the telephone."""

    url: str
    keys_dir: Path
    run: str
    client: httpx.AsyncClient

    async def push(self, samples: Sequence[Sample], says: Callable[[str], None]) -> list[Taken]:
        """Hand in each request by its own door; raises ``Refused``."""
        batch = [sample for sample in samples if sample.door == "http-batch"]
        taken = await self._push_batch(batch) if batch else []
        for sample in samples:
            if sample.door.startswith("page-"):
                taken.append(await self._push_page(sample))
            elif sample.door in ("http-json", "http-structured", "http-binary"):
                taken.append(await self._push_json(sample))
            says(f"{len(taken)} of {len(samples)}")
        calls = [sample for sample in samples if sample.door == "call"]
        return [*taken, *(await self._push_calls(calls) if calls else [])]

    async def _push_json(self, sample: Sample) -> Taken:
        event = event_of(sample, self.run)
        if sample.door == "http-json":
            answer = await self._post(sample, sample.submission(self.run), "application/json")
        elif sample.door == "http-structured":
            answer = await self._post(sample, event, "application/cloudevents+json")
        else:
            data = event.pop("data")
            kind = event.pop("datacontenttype")
            headers = {f"ce-{name}": str(value) for name, value in event.items()}
            answer = await self._post(sample, data, kind, headers)
        return Taken(sample=sample, tracking=answer["tracking"])

    async def _push_batch(self, batch: Sequence[Sample]) -> list[Taken]:
        events = [event_of(sample, self.run) for sample in batch]
        answer = await self._post(batch[0], events, "application/cloudevents-batch+json")
        return [
            Taken(sample=sample, tracking=item["tracking"])
            for sample, item in zip(batch, answer["items"], strict=True)
        ]

    async def _post(
        self, sample: Sample, content: Any, kind: str, headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        key = (self.keys_dir / "sources-plain" / f"{sample.source}.key").read_text().strip()
        for _ in range(TRIES):
            answer = await self.client.post(
                f"{self.url}/v1/requests",
                content=json.dumps(content, ensure_ascii=False).encode(),
                headers={"Authorization": f"Bearer {key}", "Content-Type": kind, **(headers or {})},
            )
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                break
            # The same again is safe: the source's id is the same.
            await asyncio.sleep(min(WAIT_MOST_S, float(answer.headers.get("Retry-After", "1"))))
        if answer.status_code != httpx.codes.ACCEPTED:
            raise Refused(f"{sample.id} by {sample.door}: {answer.status_code}")
        taken: dict[str, Any] = answer.json()
        return taken

    async def _push_page(self, sample: Sample) -> Taken:
        path = "/demande/marche" if sample.door == "page-marketplace" else "/demande/generale"
        return await self._fill_in(Browser(self.client), path, sample)

    async def _push_calls(self, calls: Sequence[Sample]) -> list[Taken]:
        """Sign in as the desk does, and log each call."""
        browser = Browser(self.client)
        page = await browser.open(f"{self.url}/connexion")
        key = (self.keys_dir / "desk-users-plain" / f"{CLERK}.key").read_text().strip()
        await browser.send(page, page.form_with(name="key"), {"user": CLERK, "key": key})
        return [await self._fill_in(browser, "/appel", call) for call in calls]

    async def _fill_in(self, browser: Browser, path: str, sample: Sample) -> Taken:
        page = await browser.open(f"{self.url}{path}")
        values = form_values(sample)
        form = page.form_with(name="call_body" if sample.door == "call" else "body")
        return Taken(
            sample=sample, tracking=_tracking(await browser.send(page, form, values), sample)
        )


def form_values(sample: Sample) -> dict[str, str]:
    """Return what a person writes into the fields of the door's page, by the fields' names."""
    content = sample.content
    person: dict[str, str] = {name: content.get(name, "") for name in ("profile", "organisation")}
    person |= content["contact"]
    words = {"subject": content["subject"], "body": content["body"]}
    if sample.door == "call":
        called = {f"caller_{name}": text for name, text in person.items()}
        return called | {f"call_{name}": text for name, text in words.items()}
    if sample.door == "page-marketplace":
        del person["profile"]
        return {**person, **words, **content["consultation"]}
    return {**person, **words, "service": content["service"]}


def _tracking(page: Page, sample: Sample) -> str:
    found = _TRACKING.search(page.text)
    if page.status >= httpx.codes.BAD_REQUEST or found is None:
        raise Refused(f"{sample.id} by {sample.door}: {page.status}, no tracking number")
    return found.group()

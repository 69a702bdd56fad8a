"""The answer to an access request: one person's data as a document in French, and as JSON."""

import base64
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from desk import Desk
from desk.facts import Profile, Service
from desk.wording import say
from services.consent.domain.acts import ENTERING
from services.consent.domain.elsewhere import Mailed, Requested
from services.consent.domain.entry import THE_LOG, Draft, Entry
from services.consent.domain.notices import Notice, texts_read
from services.consent.domain.pictures import captures
from services.consent.handlers.assisting import timeline_item
from services.consent.handlers.gathering import Gathered
from services.consent.handlers.searching import Found
from services.consent.telling import state_of, texts
from services.consent.texts.details import load_details
from services.consent.texts.dpo import load_dpo_wording
from services.consent.texts.wording import Wording, load_wording

_KINDS: Final = ("adherent", "assistant", "words", "connection")


def as_json(gathered: Gathered, desk: Desk) -> Iterator[str]:
    """
    Yield one JSON object with all of it, and the sentences that people read beside the codes.

    It comes in parts, as with pictures it is large.
    """
    content = _content(gathered, desk)
    yield from json.JSONEncoder(ensure_ascii=False, indent=2).iterencode(content)
    yield "\n"


def as_document(gathered: Gathered, desk: Desk) -> Iterator[str]:
    """Yield the same as one page that loads nothing, to be read or printed."""
    environment = Environment(
        loader=PackageLoader("services.consent", "texts"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )

    def moment(text: str) -> str:
        return say(desk.calendar.local(datetime.fromisoformat(text)))

    environment.filters["moment"] = moment
    words = texts()
    facts = {
        "operator": desk.operator.name,
        "address": gathered.address,
        "at": moment(gathered.at.isoformat()),
        "dpo_address": desk.contacts.dpo.address,
        "dpo_telephone": desk.contacts.dpo.telephone,
    }
    queues = {name: desk.queues[name].title for name in ("marketplace", "general")}
    yield from environment.get_template("access.fr.html.j2").generate(
        **_content(gathered, desk), words=words, facts=facts, queues=queues, the_log=str(THE_LOG)
    )


def _content(gathered: Gathered, desk: Desk) -> dict[str, Any]:
    wording = load_wording(desk)
    return {
        "address": gathered.address,
        "made_at": gathered.at.isoformat(),
        "sessions": [
            {**_session(one, gathered.pictures, wording, desk), **_read(one, gathered.texts)}
            for one in gathered.sessions
            if one.is_adherents
        ],
        "assisting": [
            _part(one, wording, desk) for one in gathered.sessions if not one.is_adherents
        ],
        "mails": None if gathered.mailed is None else [_mail(one) for one in gathered.mailed],
        "requests": None
        if gathered.asked is None
        else [_request(one, desk) for one in gathered.asked],
        "requests_unreadable": gathered.unreadable,
        "not_included": list(texts()["access"]["elsewhere_lines"]),
    }


def _session(
    one: Found, pictures: Mapping[str, bytes], wording: Wording, desk: Desk
) -> dict[str, Any]:
    values = {record.commitment: dict(record.value) for record in one.records}
    groups: dict[str, list[dict[str, str]]] = {kind: [] for kind in _KINDS}
    for record in one.records:
        groups.setdefault(record.group, []).append(dict(record.value))
    return {
        "session": str(one.session),
        "request_id": one.request,
        "state": state_of(one),
        "adherent": groups["adherent"],
        "assisted": bool(groups["assistant"])
        or any(entry.draft.type in ENTERING for entry in one.entries),
        "assistants": [
            {name: value.get(name, "") for name in ("name", "organisation")}
            for value in groups["assistant"]
        ],
        "words": [value.get("words", "") for value in groups["words"]],
        "connections": groups["connection"],
        "screenshots": [
            {**taken.item, "png": base64.b64encode(pictures[taken.picture]).decode()}
            for taken in captures(one.entries)
            if taken.picture in pictures
        ],
        "entries": [_entry(entry, values, wording, desk) for entry in one.entries],
    }


def _read(one: Found, kept: Sequence[Notice]) -> dict[str, Any]:
    """Return the texts that were shown or read in a session, and whether some are not kept."""
    read = texts_read(one.entries, kept)
    named = {entry.draft.notice for entry in one.entries} - {None}
    return {"texts": _texts(read.values()), "texts_missing": not named <= read.keys()}


def _texts(read: Iterable[Notice]) -> list[dict[str, Any]]:
    """Return each text once that was shown to the adherent, or read to them."""
    return [
        {
            "title": text.title,
            "version": text.version,
            "language": text.language,
            "paragraphs": list(text.paragraphs),
            "points": list(text.points),
        }
        for text in {text.hash: text for text in read}.values()
    ]


def _part(one: Found, wording: Wording, desk: Desk) -> dict[str, Any]:
    """Return what is of an assistant, officer or stranger: nothing of the adherent's."""
    own = one.own or ()
    return {
        "session": str(one.session),
        "known": [dict(record.value) for record in own if record.group != "connection"],
        "connections": [
            {name: value for name, value in record.value.items() if name != "device"}
            for record in own
            if record.group == "connection"
        ],
        "entries": [
            {
                **timeline_item(entry),
                "sentence": load_dpo_wording().timeline[entry.draft.type],
                "details": _details(entry.draft, wording, desk),
            }
            for entry in one.own_entries
        ],
    }


def _entry(
    entry: Entry, values: Mapping[str, Mapping[str, str]], wording: Wording, desk: Desk
) -> dict[str, Any]:
    commitment = entry.draft.commitment
    author = values.get(commitment or "", {})
    is_assistant = entry.draft.actor in ("assistant", "witness")
    name = author.get("name", wording.nobody) if is_assistant else wording.nobody
    sentence = wording.timeline.get(entry.draft.type, entry.draft.type)
    return {
        **timeline_item(entry),
        "sentence": sentence.format(assistant=name),
        "details": _details(entry.draft, wording, desk),
        "opens": commitment is None or commitment in values,
    }


def _details(draft: Draft, wording: Wording, desk: Desk) -> list[str]:
    """Return how it came, why, and what it is about, in words; no name, which may be another's."""
    dpo = load_dpo_wording()
    told = {
        "how": dpo.hows.get(draft.how or "", draft.how),
        "reason": dpo.reason(draft, wording.reasons),
    }
    said = [texts()["access"][name].format(said=value) for name, value in told.items() if value]
    return said + load_details().lines(draft, local=desk.calendar.local)


def _mail(one: Mailed) -> dict[str, str]:
    return {
        "mail": one.template,
        "outcome": one.state,
        "planned_at": one.planned_at.isoformat(),
        "forgotten_at": one.forgotten_at.isoformat(),
    }


def _request(one: Requested, desk: Desk) -> dict[str, Any]:
    request = one.ticket.data.request
    return {
        "tracking": one.ticket.data.tracking,
        "queue": one.ticket.data.decision.queue,
        "leaves_at": one.leaves_at.isoformat() if one.leaves_at else None,
        "service_title": _title(request.service, desk.services),
        "profile_title": _title(request.profile, desk.profiles),
        **request.model_dump(mode="json", exclude={"fingerprint"}),
    }


def _title(code: str | None, catalogue: Mapping[str, Service | Profile]) -> str | None:
    """Return what the form calls it; the code itself where the catalogue has it no longer."""
    return catalogue[code].title if code and code in catalogue else code

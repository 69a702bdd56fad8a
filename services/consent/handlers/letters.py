"""A mail to a person, and the sealed notice that brings it to the notifier."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from runtime.sealing import Sealer
from schemas.sessions import NoticeData, NoticeIssued

PURPOSE: Final = "notice"
SOURCE: Final = "/consent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One notice before it is sealed."""

    template: str
    to: str
    name: str | None
    variables: Mapping[str, str]


def seal_notice(
    letter: Letter, *, session: UUID, notice: UUID, time: datetime, sealer: Sealer
) -> NoticeIssued:
    """Return the notice as an event, with the address, the link and the words sealed."""
    content = {"to": letter.to, "name": letter.name, "variables": dict(letter.variables)}
    return NoticeIssued(
        id=str(notice),
        source=SOURCE,
        subject=str(session),
        time=time,
        data=NoticeData(
            notice_id=notice,
            session_id=session,
            template=letter.template,
            sealed=sealer.seal_text(json.dumps(content).encode(), purpose=PURPOSE),
        ),
    )

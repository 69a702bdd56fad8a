"""What the assistants' API accepts: closed, typed, and silent about its input when it is wrong."""

from typing import Annotated, Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from services.consent.domain.acts import ASSISTANT_ACTS, TAKE

BY_WORD: Final = sorted(set(ASSISTANT_ACTS) - {TAKE})
"""The acts that need no more than to be said."""
_NO_CONTROLS = r"^[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]+$"
_ADDRESS = r"^[A-Za-z0-9._%+-]{1,64}@([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$"

Line = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    Field(pattern=_NO_CONTROLS),
]
Words = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=500),
    Field(pattern=_NO_CONTROLS),
]
Address = Annotated[str, Field(max_length=254, pattern=_ADDRESS)]
Code = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class AdherentBody(_Body):
    """Whom the session is offered to."""

    name: Line
    email: Address
    organisation: Line


class OfferBody(_Body):
    """An offer on the ticket of a request."""

    request_id: UUID
    adherent: AdherentBody


class ActBody(_Body):
    """One act of an assistant."""

    act: Annotated[Code, Field(json_schema_extra={"enum": BY_WORD})]
    reason: Code | None = None
    words: Words | None = None
    no_password: bool | None = None
    no_elevation: bool | None = None

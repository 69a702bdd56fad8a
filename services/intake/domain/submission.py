"""What a form service hands in: the own JSON of the door, and the same as an event's data."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from schemas.requests import Channel
from services.intake.domain.refusal import Flaw, flaws_of, invalid
from services.intake.domain.text import (
    Address,
    Code,
    Line120,
    Line200,
    Line500,
    Optional,
    Required,
    Rfc3339,
    Telephone,
    Text,
)


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class ContactSent(_Closed):
    """Who to answer, and how."""

    name: Annotated[Line200 | None, Optional] = None
    email: Annotated[Address | None, Optional] = None
    phone: Annotated[Telephone | None, Optional] = None


class ConsultationSent(_Closed):
    """What identifies a public tender."""

    reference: Annotated[Line120 | None, Optional] = None
    buyer: Annotated[Line200 | None, Optional] = None
    object: Annotated[Line500 | None, Optional] = None


class Submission(_Closed):
    """One request as sent; ``id`` is the source's own, and makes a repeat known as one."""

    id: Annotated[Line200 | None, Optional] = None
    channel: Channel | None = None
    service: Annotated[Code | None, Optional] = None
    profile: Annotated[Code | None, Optional] = None
    organisation: Annotated[Line200 | None, Optional] = None
    subject: Annotated[Line200, Required]
    body: Annotated[Text, Required]
    contact: ContactSent = ContactSent()
    consultation: ConsultationSent | None = None
    occurred_at: Annotated[AwareDatetime, Rfc3339] | None = None


class SessionWish(_Closed):
    """An adherent's own wish for a remote session, as the portal that knows them sends it."""

    id: Annotated[Line200, Required]
    request_id: UUID
    organisation: Annotated[Line200 | None, Optional] = None
    contact: ContactSent


def read_submission(value: Any, *, at: str = "") -> Submission:
    """Return the submission that a JSON value is; raises ``Unacceptable`` ("invalid")."""
    try:
        return Submission.model_validate(value)
    except ValidationError as error:
        raise invalid(list(flaws_of(error, at=at))) from None


def read_wish(value: Any) -> SessionWish:
    """Return the wish that a JSON value is; raises ``Unacceptable`` ("invalid")."""
    try:
        wish = SessionWish.model_validate(value)
    except ValidationError as error:
        raise invalid(list(flaws_of(error))) from None
    if wish.contact.email is None:  # the link to the session goes there, and nowhere else
        raise invalid([Flaw(pointer="/contact/email", detail="A mail address is needed.")])
    return wish


def own_id(sent: str | None, idempotency_key: str | None, *, at: str = "") -> str | None:
    """Return the source's own id, from the content or the Idempotency-Key; both must agree."""
    if idempotency_key is not None and sent is not None and idempotency_key != sent:
        raise invalid([Flaw(pointer=f"{at}/id", detail="Differs from the Idempotency-Key.")])
    return sent if sent is not None else idempotency_key

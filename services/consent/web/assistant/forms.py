"""Reads the forms of the assistants' pages into what the API reads."""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from runtime.problems import Problem, invalid
from services.consent.web.bodies import ActBody, OfferBody

M = TypeVar("M", bound=BaseModel)
_ANSWERS: Final = {"yes": True, "no": False}


def offer_in(fields: Mapping[str, str]) -> OfferBody:
    """Return the offer; raises ``Problem`` that points at each field that is wrong."""
    adherent = {name: fields.get(name, "") for name in ("name", "email", "organisation")}
    content = {"request_id": fields.get("request_id", "").strip(), "adherent": adherent}
    return _read(OfferBody.model_validate, content)


def act_in(fields: Mapping[str, str]) -> ActBody:
    """Return the act; raises ``Problem``."""
    content: dict[str, Any] = {"act": fields.get("act", "")}
    for name in ("reason", "words"):
        if fields.get(name, "").strip():
            content[name] = fields[name]
    for name in ("no_password", "no_elevation"):
        if fields.get(name) in _ANSWERS:
            content[name] = _ANSWERS[fields[name]]
    return _read(ActBody.model_validate, content)


def _read(validate: Callable[[Any], M], content: Mapping[str, Any]) -> M:
    try:
        return validate(content)
    except ValidationError as error:
        raise invalid(error) from None
    except (ValueError, TypeError):  # a lone surrogate, for one
        raise Problem(status=422, code="invalid", detail="Not readable.") from None


def key_in(fields: Mapping[str, str]) -> str:
    """Return what names this very form, so that it counts once however often it is sent."""
    return f"page:{fields.get('act', 'offer')}:{fields.get('key', '')[:64]}"

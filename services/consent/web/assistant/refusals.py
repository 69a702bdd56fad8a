"""What only the assistants' pages refuse, in plain French and with the right status."""

from collections.abc import Callable
from typing import Any

from litestar import Response
from litestar.exceptions.http_exceptions import RequestEntityTooLarge

from services.consent.domain.redrawing import NotAPicture, TooLarge
from services.consent.domain.signing_in import ASSISTANTS
from services.consent.handlers.assisting import NoSuchSession
from services.consent.handlers.picturing import NoSuchPicture
from services.consent.handlers.places import TooMany
from services.consent.handlers.recorder import MarkReused, NotNow
from services.consent.web.assistant.views import Views
from services.consent.web.sign_in.refusals import Req, away, entrance_refusals, saying


def assistant_refusals(views: Views) -> dict[int | type[Exception], Any]:
    """Return a handler for each refusal."""
    home = ASSISTANTS.home
    return {
        **entrance_refusals(views.says, ASSISTANTS),
        NotNow: _not_now(views),
        NoSuchSession: saying(views.says, "no-such-session", 404, home),
        MarkReused: saying(views.says, "reused", 409, home),
        NotAPicture: saying(views.says, "not-a-picture", 422, home),
        TooLarge: saying(views.says, "too-large", 413, home),
        RequestEntityTooLarge: saying(views.says, "too-large", 413, home),
        TooMany: away(views.says, "too-many", home),
        NoSuchPicture: saying(views.says, "no-such-picture", 404, home),
    }


def _not_now(views: Views) -> Callable[[Req, NotNow], Response[Any]]:
    def answer(request: Req, error: NotNow) -> Response[Any]:
        session = request.path_params.get("session")
        back = f"{ASSISTANTS.home}/sessions/{session}" if session else ASSISTANTS.home
        state = error.seen.state.session if error.is_shown else None
        return views.not_now(error.reason, state, back=back)

    return answer

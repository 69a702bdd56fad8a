"""Refusals on the adherent's pages, in plain French and with the right status."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException

from runtime.failures import Unavailable
from runtime.problems import RETRY_AFTER_S, Problem
from services.consent.handlers.attending import Malformed, NotBound, TextChanged
from services.consent.handlers.recorder import NotNow
from services.consent.web.rendering import Renderer

log = structlog.get_logger()


Answer = Callable[[Request[Any, Any, Any], Exception], Response[str]]


class NoSuchLink(Exception):
    """The link was never ours."""


class Gone(Exception):
    """The session is over, and this browser had no part in it."""


def page_refusals(renderer: Renderer) -> dict[int | type[Exception], Any]:
    """Return a handler for each refusal."""

    def say(status: int, title: str, *lines: str) -> Answer:
        def answer(request: Request[Any, Any, Any], error: Exception) -> Response[str]:
            token = str(request.path_params.get("token", ""))
            back = f"/s/{token}" if status == HTTPStatus.CONFLICT else None
            headers = {"Retry-After": str(RETRY_AFTER_S)} if status == _AWAY else {}
            return renderer.message(title, *lines, status=status, back=back, headers=headers)

        return answer

    def on_http(request: Request[Any, Any, Any], error: HTTPException) -> Response[str]:
        title = "Cette page ne peut pas être affichée"
        return renderer.message(title, "Rechargez la page du lien reçu.", status=error.status_code)

    def on_problem(request: Request[Any, Any, Any], error: Problem) -> Response[str]:
        title = "Cette page ne peut pas être affichée"
        return renderer.message(title, "Rechargez la page du lien reçu.", status=error.status)

    def on_bug(request: Request[Any, Any, Any], error: Exception) -> Response[str]:
        log.error("request failed", error=type(error).__name__, exc_info=error)
        return say(500, "Une erreur de notre part", "Elle a été enregistrée. Réessayez.")(
            request, error
        )

    return {
        NoSuchLink: say(404, "Ce lien n’existe pas", "Vérifiez l’adresse reçue par courriel."),
        Gone: say(
            410, "Ce lien n’est plus valable", "La séance est terminée, ou la proposition a expiré."
        ),
        NotBound: say(
            403,
            "Action refusée",
            "Rien n’a été enregistré comme accepté. Ouvrez à nouveau le lien reçu par courriel.",
        ),
        Malformed: say(422, "Formulaire illisible", "Ouvrez à nouveau le lien reçu par courriel."),
        TextChanged: say(409, "Le texte a changé", "Relisez-le avant de décider."),
        NotNow: say(
            409,
            "Ce n’est plus possible",
            "La séance a changé entre-temps. Rien de nouveau n’a été accepté.",
        ),
        Unavailable: say(
            _AWAY,
            "Le registre ne répond pas",
            "Rien n’a été accepté ni commencé. Réessayez dans quelques secondes.",
            "Pour arrêter tout de suite, fermez l’outil de prise en main.",
        ),
        Problem: on_problem,
        HTTPException: on_http,
        Exception: on_bug,
    }


_AWAY = 503

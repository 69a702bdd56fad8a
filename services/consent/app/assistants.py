"""Puts the assistants' pages together: the API's handlers behind forms, and the way in."""

import secrets
from collections.abc import Callable
from datetime import datetime

from litestar import Router

from runtime.sealing import Sealer
from services.consent.app.connections import Connections
from services.consent.app.identities import Identities
from services.consent.domain.derived import Secrets
from services.consent.settings import Settings
from services.consent.texts.assistant import load_assistant_wording
from services.consent.texts.wording import Wording
from services.consent.web.assistant.cookies import AssistantCookies
from services.consent.web.assistant.pages import AssistantPages, assistant_page_routes
from services.consent.web.assistant.signing_in import SigningIn
from services.consent.web.assistant.views import Views
from services.consent.web.assistant_api import AssistantApi
from services.consent.web.rendering import Renderer


def assistants_pages(
    settings: Settings,
    identities: Identities,
    connections: Connections,
    api: AssistantApi,
    *,
    renderer: Renderer,
    wording: Wording,
    keys: tuple[Secrets, Sealer],
    now: Callable[[], datetime],
) -> Router:
    """Return the routes under ``/assistant``."""
    derived, sealer = keys
    views = Views(renderer=renderer, wording=wording, texts=load_assistant_wording())
    sign_ins = connections.sign_ins
    way_in = SigningIn(
        authenticator=identities.authenticator,
        sign_ins=sign_ins,
        cookies=AssistantCookies(
            secrets=derived, sealer=sealer, is_https=settings.is_https, now=now
        ),
        views=views,
        record_stranger=api.record_stranger,
        now=now,
        draw=lambda: secrets.token_urlsafe(32),
        hours=settings.signed_in_hours,
        links=identities.links(sign_ins) if identities.links else None,
        flow=identities.flow,
    )
    return assistant_page_routes(AssistantPages(way_in=way_in, api=api, views=views))

"""Puts the assistants' pages together: the API's handlers behind forms, and the way in."""

from litestar import Router

from services.consent.app.entrances import Entrances
from services.consent.domain.signing_in import ASSISTANTS
from services.consent.texts.assistant import load_assistant_wording
from services.consent.texts.wording import Wording
from services.consent.web.assistant.pages import AssistantPages, assistant_page_routes
from services.consent.web.assistant.views import Views
from services.consent.web.assistant_api import AssistantApi


def assistants_pages(entrances: Entrances, api: AssistantApi, wording: Wording) -> Router:
    """Return the routes under ``/assistant``."""
    views = Views(renderer=entrances.renderer, wording=wording, texts=load_assistant_wording())
    way_in = entrances.way_in(ASSISTANTS, api.authenticator.admit)
    return assistant_page_routes(AssistantPages(way_in=way_in, api=api, views=views))

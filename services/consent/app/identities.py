"""Whose word counts on who an assistant is: the built-in issuer's, or an identity provider's."""

from collections.abc import Callable
from datetime import datetime

from desk import Desk
from services.consent.domain.tokens import Tokens
from services.consent.gateway.oidc import Provider, ProviderTokens
from services.consent.gateway.tokens import BuiltInTokens, read_public_key
from services.consent.settings import Settings
from services.consent.web.authentication import Authenticator


def authenticator(settings: Settings, desk: Desk, *, now: Callable[[], datetime]) -> Authenticator:
    """Return the one way in; raises ``KeyUnusable``."""
    assistants = desk.assistants
    if settings.oidc is not None:
        assistants = {one.subject or one.id: one for one in assistants.values()}
    return Authenticator(tokens=_tokens(settings), subjects=assistants, desk=desk, now=now)


def _tokens(settings: Settings) -> Tokens:
    if settings.oidc is None:
        return BuiltInTokens(read_public_key(settings.keys_dir, "tokens-public.pem"))
    return ProviderTokens(Provider(settings.oidc), settings.oidc)

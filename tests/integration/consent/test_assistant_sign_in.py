"""Signing in to the assistants' page: once by a link, or at a provider; and out, and the end."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from cli.tokens import mint, mint_link
from runtime.sealing import Sealer
from services.consent.domain.lifecycle import tells_dpo
from services.consent.settings import OidcSettings
from services.consent.web.sign_in.cookies import SignInCookies
from tests.integration.consent.identity_provider import (
    AUDIENCE,
    CLIENT,
    CLIENT_SECRET,
    IdentityProvider,
    running_provider,
)
from tests.integration.consent.stage import ALINE, LUCIE, AtDesk, Stage, forms, staged, title


async def _is_in(desk: AtDesk) -> bool:
    return (await desk.http.get("/assistant")).status_code == 200


async def test_a_link_signs_in_once_and_opening_it_does_nothing(stage: Stage) -> None:
    link = stage.login_link()
    first, second = await stage.browser(), await stage.browser()
    for _ in range(3):
        assert "ne sert qu’une fois" in (await first.http.get(link)).text
    assert not await _is_in(first)
    entered = await first.sign_in(link)
    assert (entered.status_code, entered.headers["location"]) == (303, "/assistant")
    assert "Lucie Garnerot" in (await first.http.get("/assistant")).text
    again = await second.sign_in(link)
    assert (again.status_code, title(again.text)) == (403, "Connexion refusée")
    assert not await _is_in(second)


async def test_what_is_no_link_of_ours_signs_nobody_in(stage: Stage) -> None:
    genuine = stage.login_link()
    token, late = mint(stage.keys, LUCIE), mint_link(stage.keys, LUCIE, stage.url, minutes=-1)
    for link in (genuine[:-6] + "AAAAAA", f"/assistant/login?ticket={token}", late):
        desk = await stage.browser()
        assert (await desk.sign_in(link)).status_code == 403
        assert not await _is_in(desk)
    ticket = parse_qs(urlsplit(genuine).query)["ticket"][0]
    assert (await (await stage.assistant(token=ticket)).offer()).status_code == 401


async def test_a_link_is_used_only_from_our_own_form(stage: Stage) -> None:
    link, desk = stage.login_link(), await stage.browser()
    (form,) = forms((await desk.http.get(link)).text)
    for fields, headers in (
        (form.fields | {"csrf": "x"}, {}),
        (form.fields, {"Sec-Fetch-Site": "cross-site"}),
        ({"ticket": form.fields["ticket"]}, {}),
    ):
        refused = await desk.http.post(form.action, data=fields, headers=headers)
        assert refused.status_code == 403
    other = await stage.browser()
    assert (await other.http.post(form.action, data=form.fields)).status_code == 403
    assert (await desk.http.post(form.action, data=form.fields)).status_code == 303


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("nobody-known", "unknown-assistant"),
        ("mathis-perrenoud", "expired-assistant"),
        ("ines-courtalon", "unsigned-assistant"),
    ],
)
async def test_who_may_not_act_does_not_get_in_and_the_dpo_is_told(
    stage: Stage, name: str, reason: str
) -> None:
    desk = await stage.browser()
    refused = await desk.sign_in(stage.login_link(name))
    assert refused.status_code == 403
    assert title(refused.text) == "Vous ne pouvez pas proposer de séance"
    (entry,) = await stage.consent.connections.log.read(0, 10)
    assert (entry.draft.reason, tells_dpo(entry.draft)) == (reason, True)
    assert not await _is_in(desk)


async def test_signing_out_ends_it_also_for_a_copy_of_the_cookie(stage: Stage) -> None:
    desk, thief = await stage.at_desk(), await stage.browser()
    thief.http.cookies.update(desk.http.cookies)
    assert await _is_in(thief)
    assert (await desk.sign_out()).headers["location"] == "/assistant/login"
    assert not await _is_in(desk)
    assert not await _is_in(thief)


async def test_after_some_hours_one_must_sign_in_again(stage: Stage) -> None:
    desk = await stage.at_desk()
    stage.clock.advance(hours=9, minutes=59)
    assert await _is_in(desk)
    stage.clock.advance(minutes=2)
    turned_away = await desk.http.get("/assistant")
    assert (turned_away.status_code, turned_away.headers["location"]) == (303, "/assistant/login")


async def test_the_cookie_is_for_this_host_and_no_script(stage: Stage) -> None:
    desk = await stage.browser()
    entered = await desk.sign_in(stage.login_link())
    (kept,) = (c for c in entered.headers.get_list("set-cookie") if c.startswith("signed-in="))
    assert "httponly" in kept.lower()
    assert "samesite=lax" in kept.lower()
    assert entered.headers["cache-control"] == "no-store"
    cookies = SignInCookies(
        secrets=stage.secrets, sealer=Sealer(b"k" * 32), is_https=True, now=stage.clock
    )
    made = cookies.make("signed-in", "value", kept_s=60)
    assert (made.key, made.secure, made.path, made.domain) == ("__Host-signed-in", True, "/", None)


async def test_without_a_link_the_page_says_how_to_get_one(stage: Stage) -> None:
    desk = await stage.browser()
    shown = await desk.http.get("/assistant/login")
    assert "Demandez un lien de connexion" in shown.text
    assert not forms(shown.text)
    for path in ("/assistant/login/begin", "/assistant/login/callback?code=a&state=b"):
        assert (await desk.http.get(path)).status_code == 403


@pytest.fixture(scope="module")
def server() -> Iterator[IdentityProvider]:
    with running_provider() as provider:
        yield provider


@pytest.fixture
def provider(server: IdentityProvider) -> IdentityProvider:
    """Give the one server, well behaved again."""
    server.id_claims, server.who, server.away = {}, LUCIE, False
    return server


def _oidc(provider: IdentityProvider) -> OidcSettings:
    return OidcSettings(issuer=provider.issuer, audience=AUDIENCE, client_id=CLIENT)


async def _sent(desk: AtDesk, provider: IdentityProvider, home: str = "/assistant") -> str:
    """Begin to sign in, and return where the provider sends the browser back to."""
    begun = await desk.http.get(f"{home}/login/begin")
    assert begun.status_code == 303
    async with httpx.AsyncClient(trust_env=False) as elsewhere:
        return (await elsewhere.get(begun.headers["location"])).headers["location"]


async def test_signing_in_at_a_provider(
    provider: IdentityProvider, tmp_path: Path, mongo_uri: str, mongo_database: str
) -> None:
    (tmp_path / "keys").mkdir(mode=0o700)
    (tmp_path / "keys" / "oidc-client-secret").write_text(CLIENT_SECRET + "\n")
    async with staged(tmp_path, mongo_uri, mongo_database, oidc=_oidc(provider)) as stage:
        await _signs_in_and_no_link_does(stage, provider)
        await _refuses_what_does_not_belong(stage, provider)
        await _refuses_bent_tokens(stage, provider)
        await _refuses_strangers_and_waits(stage, provider)
        await _lets_the_dpo_in_at_their_own_entrance(stage, provider)


async def _signs_in_and_no_link_does(stage: Stage, provider: IdentityProvider) -> None:
    desk = await stage.browser()
    assert "compte de votre organisme" in (await desk.http.get("/assistant/login")).text
    back = await _sent(desk, provider)
    entered = await desk.http.get(back)
    assert (entered.status_code, entered.headers["location"]) == (303, "/assistant")
    assert await _is_in(desk)
    again = await desk.http.get(back)
    assert again.status_code == 403
    other = await stage.browser()
    assert "ticket" not in (await other.http.get(stage.login_link())).text


async def _refuses_what_does_not_belong(stage: Stage, provider: IdentityProvider) -> None:
    for change in ("state=", "code=", "iss=", "cookie", "late"):
        desk = await stage.browser()
        back = await _sent(desk, provider)
        if change == "cookie":
            desk = await stage.browser()
        elif change == "late":
            stage.clock.advance(minutes=11)
        else:
            back = back.replace(change, f"{change}x")
        assert (await desk.http.get(back)).status_code == 403, change
        assert not await _is_in(desk)
    mine, theirs = await stage.browser(), await stage.browser()
    await _sent(mine, provider)
    assert (await mine.http.get(await _sent(theirs, provider))).status_code == 403


async def _refuses_bent_tokens(stage: Stage, provider: IdentityProvider) -> None:
    bent: tuple[dict[str, Any], ...] = (
        {"nonce": "another"},
        {"nonce": None},
        {"aud": AUDIENCE},
        {"iss": "https://elsewhere.example"},
        {"exp": 1},
        {"aud": [CLIENT, "other"], "azp": "other"},
    )
    for claims in bent:
        provider.id_claims = claims
        desk = await stage.browser()
        assert (await desk.http.get(await _sent(desk, provider))).status_code == 403, claims
        assert not await _is_in(desk)
    provider.id_claims = {}


async def _lets_the_dpo_in_at_their_own_entrance(stage: Stage, provider: IdentityProvider) -> None:
    desk = await stage.browser()
    provider.who = LUCIE
    back = await _sent(desk, provider, "/dpo")
    assert (await desk.http.get(back)).status_code == 403
    last = (await stage.consent.connections.log.read(0, 10))[-1].draft
    assert (last.reason, last.actor) == ("no-right-to-read", "dpo")
    provider.who = ALINE
    back = await _sent(desk, provider)
    crossed = back.replace("/assistant/", "/dpo/")
    for address in (crossed, back):  # begun at the other entrance, then not an assistant
        assert (await desk.http.get(address)).status_code == 403
    entered = await desk.http.get(await _sent(desk, provider, "/dpo"))
    assert (entered.status_code, entered.headers["location"]) == (303, "/dpo")
    assert (await desk.http.get("/dpo")).status_code == 200
    assert (await desk.http.get("/assistant")).status_code == 403


async def _refuses_strangers_and_waits(stage: Stage, provider: IdentityProvider) -> None:
    provider.who = "nobody-known"
    desk = await stage.browser()
    assert (await desk.http.get(await _sent(desk, provider))).status_code == 403
    last = (await stage.consent.connections.log.read(0, 10))[-1].draft
    assert last.reason == "unknown-assistant"
    provider.who = LUCIE
    back = await _sent(desk, provider)
    provider.away = True
    away = await desk.http.get(back)
    assert (away.status_code, away.headers["retry-after"]) == (503, "5")
    provider.away = False
    assert (await desk.http.get(back)).status_code == 303

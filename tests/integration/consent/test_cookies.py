"""Over https each cookie is tied to this very host: the browser keeps the ``__Host-`` promise."""

from collections.abc import AsyncIterator
from http.cookies import Morsel, SimpleCookie
from pathlib import Path

import httpx
import pytest

from services.consent.domain.signing_in import ASSISTANTS, OFFICERS, Entrance
from tests.integration.consent.deciding import offered
from tests.integration.consent.stage import ALINE, LUCIE, Stage, acts, staged


@pytest.fixture
async def safe(tmp_path: Path, mongo_uri: str, mongo_database: str) -> AsyncIterator[Stage]:
    """Run the service behind a proxy that ends TLS."""
    async with staged(tmp_path, mongo_uri, mongo_database, scheme="https") as stage:
        yield stage


def _jar(client: httpx.AsyncClient) -> list[Morsel[str]]:
    """Return what will hold every cookie that this browser is given from now on."""
    given: list[Morsel[str]] = []

    async def note(answer: httpx.Response) -> None:
        for header in answer.headers.get_list("set-cookie"):
            given.extend(SimpleCookie(header).values())

    client.event_hooks["response"].append(note)
    return given


def _are_for_this_host(given: list[Morsel[str]], *kinds: str) -> None:
    for cookie in given:
        assert cookie.key.startswith("__Host-"), cookie
        assert (cookie["path"], cookie["domain"]) == ("/", ""), cookie
        assert (cookie["secure"], cookie["httponly"]) == (True, True), cookie
        assert cookie["samesite"] == "lax", cookie
    assert {kind for kind in kinds for cookie in given if cookie.key.startswith(kind)} == set(kinds)


async def test_the_adherents_cookies_are_for_this_host_alone(safe: Stage) -> None:
    session, code = await offered(safe)
    adherent = await safe.adherent(session)
    given = _jar(adherent.http)
    assert (await adherent.give_code(code)).status_code == 303
    for act in ("read-notice", "grant"):
        assert (await adherent.do(act)).status_code == 303
    assert {cookie.name for cookie in adherent.http.cookies.jar} == {c.key for c in given}
    _are_for_this_host(given, "__Host-visit-", "__Host-session-")


async def test_a_cookie_that_another_host_could_have_set_binds_no_browser(safe: Stage) -> None:
    session, code = await offered(safe)
    adherent = await safe.entered(session, code)
    other = await safe.adherent(session)
    for cookie in adherent.http.cookies.jar:
        plain = cookie.name.removeprefix("__Host-")
        other.http.cookies.set(plain, cookie.value or "", domain="127.0.0.1")
    assert "read-notice" in acts((await adherent.look()).text)
    assert "read-notice" not in acts((await other.look()).text)


@pytest.mark.parametrize(("entrance", "name"), [(ASSISTANTS, LUCIE), (OFFICERS, ALINE)])
async def test_the_cookies_of_who_signs_in_are_for_this_host_alone(
    safe: Stage, entrance: Entrance, name: str
) -> None:
    desk = await safe.browser()
    given = _jar(desk.http)
    entered = await desk.sign_in(safe.login_link(name, entrance))
    assert (entered.status_code, entered.headers["location"]) == (303, entrance.home)
    assert (await desk.http.get(entrance.home)).status_code == 200
    _are_for_this_host(given, "__Host-sign-in-visit", "__Host-signed-in", "__Host-sign-in-attempt")

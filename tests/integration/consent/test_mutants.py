"""The tests of pages, forms and codes catch a service that has lost one of its safeguards."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from litestar import Request, Response

from runtime.failures import Unavailable
from services.consent.domain.entry import Draft, place
from services.consent.domain.lifecycle import advance
from services.consent.handlers.attending import Answer
from services.consent.handlers.recorder import NotNow, Recorded, Recorder, Seen
from services.consent.web.browsers import Browsers
from services.consent.web.pages import Pages
from services.consent.web.sign_in.cookies import SignInCookies
from tests.integration.consent import test_forgeries as forgeries
from tests.integration.consent import test_pages_safety as pages_safety
from tests.integration.consent.stage import Stage

Req = Request[Any, Any, Any]
Append = Callable[[Recorder, Draft, Seen], Awaitable[Recorded]]
WithPatch = Callable[[Stage, pytest.MonkeyPatch], Awaitable[None]]
show, is_written = Pages.show, Recorder._append


async def _show_and_do(pages: Pages, request: Req, token: str, act: str) -> Response[str]:
    session = pages.session_of(request, token)
    seen = await pages.attending.see(session)
    answer = Answer(
        act=act,
        cookie=pages.browsers.bound(request, session),
        notice=seen.state.notice or pages.attending._wording.notice.hash,
    )
    if pages.is_bound(request, session, seen):
        with contextlib.suppress(NotNow):
            await pages.attending.act(session, answer)
    return await show(pages, request, token)


async def serves_by_a_fetch(self: Pages, request: Req, token: str) -> Response[str]:
    """Put on record that the notice was served because the page was."""
    return await _show_and_do(self, request, token, "read-notice")


async def obeys_the_address(self: Pages, request: Req, token: str) -> Response[str]:
    """Do what a link says."""
    act = request.query_params.get("act")
    if act is None:
        return await show(self, request, token)
    return await _show_and_do(self, request, token, act)


@pytest.mark.parametrize("mutant", [serves_by_a_fetch, obeys_the_address])
async def test_a_page_that_decides_when_it_is_fetched_is_caught(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, mutant: Callable[..., Awaitable[Response[str]]]
) -> None:
    monkeypatch.setattr(Pages, "show", mutant)
    with pytest.raises(AssertionError, match="notice-served"):
        await pages_safety.test_getting_every_address_of_a_bound_browser_appends_nothing(stage)


@pytest.mark.parametrize(
    ("forms", "oracle"),
    [
        (Browsers, pages_safety.test_a_form_without_its_token_is_refused_and_recorded),
        (Browsers, forgeries.test_no_origin_makes_up_for_a_token_on_any_of_the_three_pages),
        (SignInCookies, forgeries.test_no_origin_makes_up_for_a_token_on_any_of_the_three_pages),
        (
            SignInCookies,
            forgeries.test_nobody_is_signed_in_as_somebody_else_by_a_form_from_elsewhere,
        ),
    ],
)
async def test_pages_that_take_forms_from_anywhere_are_caught(
    stage: Stage,
    monkeypatch: pytest.MonkeyPatch,
    forms: type[Browsers | SignInCookies],
    oracle: Callable[[Stage], Awaitable[None]],
) -> None:
    monkeypatch.setattr(forms, "is_forged", lambda *_: False)
    with pytest.raises(AssertionError):  # of the oracle, which is a test of its own and passes
        await oracle(stage)


def hasty(writing: set[asyncio.Task[None]]) -> Append:
    """Return what says that an act is on record, and then writes it."""

    async def append(recorder: Recorder, draft: Draft, seen: Seen) -> Recorded:
        async def write() -> None:
            with contextlib.suppress(Unavailable):
                await is_written(recorder, draft, seen)

        writing.add(asyncio.create_task(write()))
        sequence = seen.state.sequence + 1
        entry = place(draft, index=0, sequence=sequence, recorded_at=recorder._now())
        after = Seen(entries=(*seen.entries, entry), state=advance(seen.state, entry))
        return Recorded(entry=entry, seen=after)

    return append


@pytest.mark.parametrize(
    "oracle",
    [
        pages_safety.test_when_the_log_is_away_no_code_is_given_out_or_believed,
        pages_safety.test_when_the_log_is_away_nothing_is_granted,
    ],
)
async def test_a_service_that_answers_before_the_evidence_is_written_is_caught(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, oracle: WithPatch
) -> None:
    writing: set[asyncio.Task[None]] = set()
    away = pages_safety.away

    @contextlib.contextmanager
    def hasty_while_away(stage: Stage, patch: pytest.MonkeyPatch) -> Iterator[None]:
        with patch.context() as mutant, away(stage, patch):
            mutant.setattr(Recorder, "_append", hasty(writing))
            yield

    monkeypatch.setattr(pages_safety, "away", hasty_while_away)
    with pytest.raises(AssertionError, match="503"):
        await oracle(stage, monkeypatch)
    await asyncio.gather(*writing)

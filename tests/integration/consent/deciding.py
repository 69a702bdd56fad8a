"""An offer, a page that asks for a decision, and what a refusal in words looks like."""

import httpx

from tests.integration.consent.stage import Adherent, Form, Stage, forms

HTML = {"Accept": "text/html"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


async def offered(stage: Stage) -> tuple[str, str]:
    """Offer a session; return its id and its entry code."""
    shown = (await (await stage.assistant()).offer()).json()
    return shown["session_id"], shown["entry_code"]["code"]


async def deciding(stage: Stage) -> tuple[Adherent, str]:
    """Return an adherent whose page asks for their decision, and the session."""
    session, code = await offered(stage)
    adherent = await stage.entered(session, code)
    await adherent.do("read-notice")
    return adherent, session


def wrong(code: str) -> str:
    """Return an entry code that is well formed and not this one."""
    return "AAAAAAAA" if code != "AAAAAAAA" else "CCCCCCCC"


async def form_of(adherent: Adherent, act: str) -> Form:
    """Return the form with the button for an act, as the page has it now."""
    return next(f for f in forms((await adherent.look()).text) if act in f.acts)


async def press(adherent: Adherent, form: Form, act: str) -> httpx.Response:
    """Press a button of a page that was fetched before."""
    return await adherent.http.post(form.action, data=form.fields | {"act": act})


def says(answer: httpx.Response, status: int, *words: str) -> None:
    """Hold that an answer is a page with this status and these words."""
    kind = answer.headers["content-type"]
    assert (answer.status_code, kind) == (status, "text/html; charset=utf-8"), answer.text
    for one in words:
        assert one in answer.text, (one, answer.text)

"""The browser without a picture sends what a browser would send."""

import httpx
import pytest

from cli.demo.browsing import Browser, NoSuchForm

PAGE = """
<form method="post" action="/send">
<input type="hidden" name="csrf" value="t&amp;k"><input name="user" value="old">
<input type="checkbox" name="off" value="1"><input type="checkbox" name="on" value="1" checked>
<input type="file" name="picture"><input type="submit" name="go" value="now">
<select name="service"><option value="">?</option><option value="a" selected>A</option></select>
<textarea name="body"> kept </textarea>
<button name="act" value="grant">Yes</button><button name="act" value="refuse">No</button>
</form>"""


def _client(sent: list[httpx.Request]) -> httpx.AsyncClient:
    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200, html=PAGE)

    return httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://desk.example")


async def test_untouched_fields_go_along_and_only_the_pressed_button() -> None:
    sent: list[httpx.Request] = []
    browser = Browser(_client(sent))
    page = await browser.open("http://desk.example/form")
    form = page.form_with(button=("act", "grant"))
    await browser.send(page, form, {"user": "é"}, button=("act", "grant"))
    fields = dict(httpx.QueryParams(sent[1].content.decode()))
    assert fields == {
        "csrf": "t&k",
        "user": "é",
        "on": "1",
        "service": "a",
        "body": " kept ",
        "act": "grant",
    }
    assert str(sent[1].url) == "http://desk.example/send"
    assert sent[1].headers["origin"] == "http://desk.example"


async def test_what_the_page_does_not_offer_cannot_be_sent() -> None:
    browser = Browser(_client([]))
    page = await browser.open("http://desk.example/form")
    with pytest.raises(NoSuchForm):
        page.form_with(button=("act", "stop"))
    with pytest.raises(NoSuchForm, match="csrf"):
        await browser.send(page, page.form_with(name="user"), {"csrf": "forged"})

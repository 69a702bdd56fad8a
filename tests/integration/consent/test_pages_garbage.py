"""Nothing that a stranger can send to a page or to the API is answered with a 5xx."""

import random

import httpx
import pytest

from tests.integration.consent.stage import Stage

SEED = 20261123
CASES = 600
_KINDS = (
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/json",
    "text/plain; charset=utf-7",
    "application/x-www-form-urlencoded; charset=nonsense",
    "",
)
_PIECES = (
    b"csrf=", b"&act=grant", b"&code=AAAAAAAA", b"\xff\xfe", b"%ff", b"%", b"=&=&", b"\x00",
    b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n--x--', b'{"act":', b"[[[[",
    "é\u2028\U0001f600".encode(), b"a" * 3000, b"&notice=" + b"0" * 64, b"&authorization=x",
)  # fmt: skip


@pytest.mark.timeout(120)
async def test_garbage_is_refused_and_changes_nothing(stage: Stage) -> None:
    assistant, adherent, session = await stage.started()
    before = await stage.size()
    dice = random.Random(SEED)  # noqa: S311 - repeatable on purpose
    paths = [f"{adherent.link}{end}" for end in ("", "/code", "/acts", "/not-asked")] + [
        stage.receipt(session),
        "/receipt/%ff%00/receipt.json",
        "/v1/sessions",
        f"/v1/sessions/{session}/acts",
        "/checkpoint",
        "/assets/x",
        "/s/%ff%00",
        "/tile/0/%ff%00",
        "/tile/0/000.p/1",
    ]
    async with httpx.AsyncClient(base_url=stage.url, trust_env=False, timeout=15) as stranger:
        for _ in range(CASES):
            headers = {
                b"content-type": dice.choice(_KINDS).encode(),
                b"cookie": dice.choice((b"session-=1", b"\xff=\xfe", b"a" * 900, b";;=;", b"x=")),
                b"last-event-id": dice.choice((b"", b"-1", b"9" * 30, b"\xc2\xb2")),
                b"idempotency-key": b"k" * dice.choice((1, 300)),
            }
            if dice.random() < 0.3:
                headers[b"authorization"] = assistant.http.headers["authorization"].encode()
            answer = await stranger.request(
                dice.choice(("GET", "POST", "POST", "PUT", "DELETE", "PATCH")),
                dice.choice(paths),
                content=b"".join(dice.choices(_PIECES, k=dice.randint(0, 5))),
                headers=list(headers.items()),
            )
            assert answer.status_code < 500, (SEED, answer.request.url.path, answer.status_code)
    assert await stage.size() == before

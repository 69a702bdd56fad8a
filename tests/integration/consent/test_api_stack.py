"""The whole walk on the whole stack: the link comes by mail, the service dies, the log holds."""

import asyncio
import email
import email.policy
import re
import uuid
from pathlib import Path

import httpx
import pytest

from cli.tokens import mint
from tests.conftest import MakeStack
from tests.integration.consent.stage import ADHERENT, LUCIE, Adherent, Assistant, acts

pytestmark = pytest.mark.timeout(240)


def _contents(folder: Path) -> list[bytes]:
    return [file.read_bytes() for file in sorted(folder.glob("*.eml"))]


async def _mail(folder: Path, pattern: str) -> re.Match[str]:
    """Wait for a mail to the adherent whose text has this; return what was found."""
    async with asyncio.timeout(60):
        while True:
            for content in await asyncio.to_thread(_contents, folder):
                message = email.message_from_bytes(content, policy=email.policy.default)
                body = message.get_body(("plain",))
                found = re.search(pattern, body.get_content()) if body else None
                if found and ADHERENT["email"] in str(message["to"]):
                    return found
            await asyncio.sleep(0.2)


async def _has(assistant: Assistant, session: str, region: str, state: str) -> None:
    async with asyncio.timeout(30):
        while (await assistant.see(session))["state"][region] != state:
            await asyncio.sleep(0.2)


async def test_a_session_over_mail_and_through_a_crash(own_stack: MakeStack) -> None:
    stack = await own_stack("consent", "notifier")
    bearer = {"Authorization": f"Bearer {mint(stack.keys_dir, LUCIE)}"}
    url = stack.urls["consent"]
    async with (
        httpx.AsyncClient(headers=bearer, base_url=url, trust_env=False, timeout=15) as api,
        httpx.AsyncClient(base_url=url, trust_env=False, timeout=15) as browser,
    ):
        assistant = Assistant(http=api)
        offered = (await assistant.offer(uuid.uuid4())).json()
        session = offered["session_id"]
        link = (await _mail(stack.mail_dir, r"https?://\S+(/s/[\w-]{43})")).group(1)
        adherent = Adherent(http=browser, link=link)
        assert (await adherent.give_code(offered["entry_code"]["code"])).status_code == 303
        await adherent.do("ask-identity")
        await _has(assistant, session, "identity", "mailed")
        word = (await assistant.see(session))["identity_word"]
        await _mail(stack.mail_dir, re.escape(word))
        await adherent.do("confirm-identity")
        await adherent.do("read-notice")

        await stack.kill("consent")
        await stack.wait_ready("consent")
        assert acts((await adherent.look()).text)[:2] == ["grant", "refuse"]
        await adherent.do("grant")
        assert (await assistant.do(session, "start")).status_code == 200
        await adherent.do("stop")
        declared = await assistant.do(session, "declare", no_password=True, no_elevation=True)
        assert declared.json()["state"]["session"] == "closed"
        receipt = (await _mail(stack.mail_dir, r"https?://\S+(/receipt/[\w-]{43})")).group(1)
        assert (await api.get(receipt)).status_code == 200
        checkpoint = (await api.get("/checkpoint")).text
        assert checkpoint.startswith("aiguillage/evidence\n")

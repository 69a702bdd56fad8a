"""A ticket posted to a tool, as often as needed and under one key."""

import base64
import secrets
from pathlib import Path

import pytest

from runtime.keys import read_key
from schemas.tickets import TicketCreated
from services.notifier.channels.webhook import sign
from tests.integration.notifier.conftest import MakeNotifier
from tests.integration.notifier.running import Running
from tests.integration.notifier.tool import Tool, tool
from tests.unit.notifier import events

pytestmark = pytest.mark.timeout(120)


async def posting_notifier(
    make_notifier: MakeNotifier, taking: Tool, own_desk: Path, keys_dir: Path
) -> Running:
    file = own_desk / "queues.yaml"
    webhook = f"  webhook: {{url: '{taking.url}', key_file: tool.key}}\n  guide:"
    file.write_text(file.read_text().replace("  guide:", webhook, 1))
    (keys_dir / "tool.key").write_text(base64.b64encode(secrets.token_bytes(32)).decode())
    notifier = await make_notifier()
    await notifier.start()
    await notifier.publish("tickets_marketplace", events.marketplace_ticket(email=None))
    return notifier


@pytest.mark.parametrize("first", [503, 429, 0])
async def test_a_ticket_is_posted_until_the_tool_takes_it_under_one_signed_key(
    make_notifier: MakeNotifier, own_desk: Path, keys_dir: Path, first: int
) -> None:
    async with tool(first) as taking:
        notifier = await posting_notifier(make_notifier, taking, own_desk, keys_dir)
        await notifier.settled({"sent": 3})
        assert len(taking.posted) == 2
        assert len({headers["idempotency-key"] for headers, _ in taking.posted}) == 1
        headers, body = taking.posted[-1]
        TicketCreated.model_validate_json(body)
        assert headers["content-type"] == "application/cloudevents+json"
        assert headers["webhook-signature"] == sign(
            read_key(keys_dir, "tool.key"),
            headers["webhook-id"],
            headers["webhook-timestamp"],
            body,
        )


async def test_a_tool_that_says_no_is_not_asked_again(
    make_notifier: MakeNotifier, own_desk: Path, keys_dir: Path
) -> None:
    async with tool(422) as taking:
        notifier = await posting_notifier(make_notifier, taking, own_desk, keys_dir)
        await notifier.settled({"sent": 2, "refused": 1})
        assert len(taking.posted) == 1

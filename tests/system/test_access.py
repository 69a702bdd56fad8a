"""From a request at a form's door to the answer that the DPO's page gives to who sent it."""

import httpx
import pytest

from cli.tokens import mint_link
from services.consent.domain.signing_in import OFFICERS
from tests.integration.consent.stage import ALINE, AtDpo
from tests.system.running import System, dice, new_requests

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_dpos_page_has_what_all_services_hold_of_a_person(system: System) -> None:
    wanted, other = new_requests(dice(), 2)
    await system.hand_in(wanted, other)
    await system.settled()
    url = system.stack.urls["consent"]
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=60.0) as http:
        dpo = AtDpo(http=http)
        await dpo.sign_in(mint_link(system.stack.keys_dir, ALINE, url, OFFICERS))
        answer = await dpo.ask("access", address=wanted.address.upper(), form="json")
    assert answer.status_code == httpx.codes.OK, answer.text
    told = answer.json()
    assert [one["body"] for one in told["requests"]] == [wanted.content["body"]]
    assert [one["mail"] for one in told["mails"]] == ["ticket-acknowledged"]
    assert other.address not in answer.text

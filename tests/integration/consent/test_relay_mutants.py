"""The oracle of the relay catches a relay that has lost one of its safeguards."""

import asyncio
import contextlib
from collections.abc import Mapping

import pytest

from services.consent.gateway.output import Output
from tests.integration.consent.relay_place import (
    Greedy,
    Place,
    announced,
    append_walks,
    check_once_and_in_order,
    running,
)
from tests.unit.consent.drafts import WALK


async def test_a_relay_that_does_not_read_its_own_output_is_caught(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def sees_nothing(self: Output, offsets: Mapping[int, int]) -> None:
        return None

    monkeypatch.setattr(Output, "last_published", sees_nothing)
    await append_walks(place.log, 1)
    for round_number in (1, 2):
        await place.database["relay"].delete_many({})
        async with running(place.relay()):
            events = await announced(place, round_number * len(WALK))
    with pytest.raises(AssertionError):
        check_once_and_in_order(events, len(WALK))


async def test_relays_that_do_not_fence_each_other_are_caught(place: Place) -> None:
    store = Greedy(place.database)
    async with contextlib.AsyncExitStack() as stack:
        for number in range(2):
            relay = place.relay(store=store, transactional_id=f"{place.entries}-{number}")
            await stack.enter_async_context(running(relay))
        await asyncio.sleep(2)
        await append_walks(place.log, 1)
        events = await announced(place, 2 * len(WALK))
    with pytest.raises(AssertionError):
        check_once_and_in_order(events, len(WALK))

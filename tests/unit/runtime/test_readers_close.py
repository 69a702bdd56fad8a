import gc
import warnings
from collections.abc import Awaitable, Callable

import pytest
from aiokafka.errors import KafkaConnectionError

from runtime.topic_reader import open_reader
from runtime.transactions import latest_ends
from services.router.gateway.history import History

NOWHERE = "127.0.0.1:1"


async def _asks_for_ends() -> None:
    async with latest_ends(NOWHERE):
        pass


async def _reads_history() -> None:
    async for _ in History(NOWHERE, partitions=[0], topics=["t"]).read_on():
        pass


async def _opens_a_reader() -> None:
    async with open_reader(NOWHERE):
        pass


@pytest.mark.parametrize("reads", [_asks_for_ends, _reads_history, _opens_a_reader])
async def test_a_reader_that_finds_no_broker_is_closed(
    reads: Callable[[], Awaitable[None]],
) -> None:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        with pytest.raises(KafkaConnectionError):
            await reads()
        gc.collect()
    assert [str(one.message) for one in told if one.category is ResourceWarning] == []

"""What the Kafka client is made to do between two transactions."""

from collections.abc import Mapping, Sequence
from types import SimpleNamespace

from aiokafka import TopicPartition
from aiokafka.errors import ConcurrentTransactions
from aiokafka.producer.sender import AddPartitionsToTxnHandler

from runtime.transactions import ASKED_AGAIN_S, Transactions


async def no_ends(_: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
    return {}


def test_a_transaction_that_meets_the_markers_of_the_last_one_is_soon_tried_again() -> None:
    Transactions(SimpleNamespace(), no_ends)
    a_sender = SimpleNamespace(_retry_backoff=0.1, _txn_manager=SimpleNamespace(txn_partitions=[]))
    handler = AddPartitionsToTxnHandler(a_sender, [TopicPartition("tickets", 0)])
    too_soon = SimpleNamespace(errors=[("tickets", [(0, ConcurrentTransactions.errno)])])

    assert handler.handle_response(too_soon) == ASKED_AGAIN_S

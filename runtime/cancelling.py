"""Tells our own cancellation from one that a library let out by mistake."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from aiokafka import AIOKafkaConsumer


class StrayCancellation(Exception):
    """A library let out a ``CancelledError`` of its own: nobody has cancelled the running task."""


@contextmanager
def strays_told() -> Iterator[None]:
    """
    Raise ``StrayCancellation`` for a cancellation that is not the running task's own.

    aiokafka's ``stop()``, for one, raises that of a fetch of its own which waits to be repeated
    while a broker is away. Taken for ours, it ends whoever called, without a word.
    """
    try:
        yield
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise StrayCancellation from error


async def stop_consumer(consumer: AIOKafkaConsumer) -> None:
    """Stop a consumer, also while its broker is away."""
    try:
        with strays_told():
            await consumer.stop()
    except StrayCancellation:
        await consumer._client.close()  # noqa: SLF001 - what stop() had still to do

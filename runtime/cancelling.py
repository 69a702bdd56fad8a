"""Tells our own cancellation from one that a library let out by mistake."""

import asyncio


def told_to_end() -> bool:
    """Say whether the running task itself has been cancelled, and must let ``CancelledError`` pass.

    aiokafka's ``stop()`` raises the cancellation of a fetch of its own that waits to be repeated
    while a broker is away. Taken for ours, it ends whoever called, without a word.
    """
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0

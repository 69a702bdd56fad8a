"""Runs a stack in the foreground of a terminal: Ctrl-C ends it in order, without a stack trace."""

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable

from deploy.growing import NotDrainedError
from deploy.local.fetching import FetchError
from deploy.local.needs import AddressError
from deploy.local.preflight import MissingError
from deploy.local.processes import NeverReadyError
from deploy.local.stack import AlreadyRunningError
from deploy.topics import ClusterAwayError, DeclarationError, PartitionCountError, TopicRefusedError

# What a person can put right; each message is one line that says what to do.
TOLD_PLAINLY = (
    AddressError,
    AlreadyRunningError,
    ClusterAwayError,
    DeclarationError,
    FetchError,
    MissingError,
    NeverReadyError,
    NotDrainedError,
    PartitionCountError,
    TopicRefusedError,
)


def run(main: Callable[[], Awaitable[int]]) -> int:
    """Run `main` and return its exit code; 0 when SIGINT or SIGTERM ended it, 1 on a known failure.

    The first signal cancels `main`, whose contexts then stop what they started; later ones are
    ignored, since every stop has its own deadline.
    """
    with asyncio.Runner() as runner:
        return runner.run(_run(main))


async def _run(main: Callable[[], Awaitable[int]]) -> int:
    task = asyncio.ensure_future(main())
    asked_to_end = asyncio.Event()

    def end() -> None:
        if not asked_to_end.is_set():
            asked_to_end.set()
            task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, end)
    try:
        return await task
    except asyncio.CancelledError:
        return 0
    except TOLD_PLAINLY as error:
        sys.stderr.write(f"{error}\n")
        return 1


async def forever() -> None:
    """Wait until cancelled."""
    await asyncio.Event().wait()

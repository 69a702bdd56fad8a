"""Brings all that the tests need, before they begin: so that its progress is seen."""

import asyncio
import sys
from collections.abc import Coroutine

from deploy.local import browser, debian, engine, fetching, folders, foreground, parts, preflight
from deploy.local.progress import ConsoleSteps, Steps


async def bring(where: folders.Folders, steps: Steps) -> None:
    """Check the machine and fetch what is missing; raises `MissingError` or `FetchError`."""
    with_engine = await engine.answers()
    needed = ["make", "node", "npm", "setpriv", "apt-get", "dpkg"]
    preflight.check(needed if with_engine else ["java", "maven", *needed])
    await _each(_servers(where, steps, with_engine=with_engine), _clients(where, steps))


async def _each(*halves: Coroutine[None, None, None]) -> None:
    """Let each half come to its own end; raises what failed, of several `FetchError`s all."""
    ended = await asyncio.gather(*halves, return_exceptions=True)
    failed = [error for error in ended if error is not None]
    for error in failed:
        if not isinstance(error, fetching.FetchError):
            raise error
    if failed:
        raise fetching.FetchError("\n".join(map(str, failed)))


async def _servers(where: folders.Folders, steps: Steps, *, with_engine: bool) -> None:
    if not with_engine:
        for part in (parts.kafka(where), parts.kafka_start(where), parts.mongo(where)):
            await fetching.bring(part, steps, where.logs)
    await debian.find(where, "prometheus", steps)


async def _clients(where: folders.Folders, steps: Steps) -> None:
    await browser.find(where, steps)
    for part in (parts.go(where), parts.foreign_log(where)):
        await fetching.bring(part, steps, where.logs)
    await debian.find(where, "kcat", steps)


async def _main() -> int:
    await bring(folders.Folders.of_project(), ConsoleSteps())
    return 0


if __name__ == "__main__":
    sys.exit(foreground.run(_main))

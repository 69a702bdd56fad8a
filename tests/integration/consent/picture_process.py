"""Hands a picture in by itself, so that a test can kill it: DATABASE FOLDER SESSION."""

import asyncio
import os
import sys
from pathlib import Path
from uuid import UUID

from pydantic import SecretStr

from runtime.settings import MongoSettings
from services.consent.app import Consent
from services.consent.web.live import Live
from tests.integration.consent.pictures import screen
from tests.integration.consent.stage import LUCIE, settings_of


async def run(database: str, folder: str, session: str) -> None:
    mongo = MongoSettings(uri=SecretStr(os.environ["PICTURE_MONGO"]), database=database)
    consent = Consent(settings_of(Path(folder), mongo, None))
    lifecycle = consent.prepare()
    writing = asyncio.create_task(consent.connections.log.run())
    live = Live(consent._recorder, consent.follower, ending=lifecycle.ending)
    api = consent._assistant_api(live)
    lucie = consent._desk.assistants[LUCIE]
    await api.picturing.take(lucie, UUID(session), _read, None)
    writing.cancel()


async def _read() -> bytes:
    return screen()


if __name__ == "__main__":
    asyncio.run(run(*sys.argv[1:4]))

"""What rests encrypted opens in its own place, under its own keys, and says so when it does not."""

import asyncio
import base64
import os
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from deploy.local import secrets, services
from deploy.local.ports import a_free_port
from runtime import mongo
from runtime.failures import Unavailable, Undecipherable
from runtime.keys import KeyUnusable
from runtime.mongo import Binary, Collection, Database
from runtime.settings import MongoSettings
from runtime.vault import COLLECTION, MASTER_BYTES, MASTER_KEYS, Vault

CANARY = b"Odile Canari, 12 rue du Vieux-Pont"
PURPOSE = "letter"


def _master() -> str:
    return base64.b64encode(os.urandom(MASTER_BYTES)).decode()


def _database(uri: str, name: str) -> Database:
    settings = MongoSettings(uri=SecretStr(uri), database=name)
    return mongo.database(mongo.connect(settings), settings)


class Letters:
    """Documents with one encrypted field, under the master keys of a folder."""

    def __init__(self, database: Database, folder: Path, *, guest: bool = False) -> None:
        self.database = database
        self.documents: Collection = database["letters"]
        self.folder = folder
        self.vault = Vault(database, folder, guest=guest)

    def under(self, *masters: str, guest: bool = False) -> "Letters":
        """Return the same letters under these master keys."""
        (self.folder / MASTER_KEYS).write_text("\n".join(masters))
        return Letters(self.database, self.folder, guest=guest)

    async def prepare(self, purpose: str = PURPOSE) -> None:
        await self.vault.prepare(purpose, self.documents, "sealed")

    async def keep(self, name: str) -> None:
        sealed = await self.vault.encrypt(CANARY, purpose=PURPOSE, of=name)
        await self.documents.insert_one({"_id": name, "sealed": sealed})

    async def sealed(self, name: str) -> Binary:
        found = await self.documents.find_one({"_id": name})
        assert found is not None
        return Binary(found["sealed"], found["sealed"].subtype)

    async def read(self, name: str, *, purpose: str = PURPOSE) -> bytes:
        return await self.vault.decrypt(await self.sealed(name), purpose=purpose, of=name)

    async def swap(self, one: str, other: str) -> None:
        mine, its = await self.sealed(one), await self.sealed(other)
        await self.documents.update_one({"_id": one}, {"$set": {"sealed": its}})
        await self.documents.update_one({"_id": other}, {"$set": {"sealed": mine}})


@pytest.fixture
async def letters(mongo_uri: str, mongo_database: str, tmp_path: Path) -> AsyncIterator[Letters]:
    """Give two letters that are kept."""
    (tmp_path / MASTER_KEYS).write_text(_master())
    database = _database(mongo_uri, mongo_database)
    letters = Letters(database, tmp_path)
    await letters.prepare()
    for name in ("one", "other"):
        await letters.keep(name)
    yield letters
    database.client.close()


async def test_what_is_kept_reads_the_same_and_rests_encrypted(letters: Letters) -> None:
    assert await letters.read("one") == CANARY
    assert await letters.sealed("one") != await letters.sealed("other")
    for name in await letters.database.list_collection_names():
        async for document in letters.database[name].find():
            assert CANARY.decode() not in repr(document)


async def test_a_value_in_another_document_or_for_another_purpose_is_refused(
    letters: Letters,
) -> None:
    await letters.swap("one", "other")
    for name in ("one", "other"):
        with pytest.raises(Undecipherable):
            await letters.read(name)
    await letters.swap("one", "other")
    await letters.vault.prepare("postcard", letters.database["postcards"], "sealed")
    with pytest.raises(Undecipherable):
        await letters.read("one", purpose="postcard")
    assert await letters.read("one") == CANARY


@pytest.mark.parametrize("change", ["a bit", "the end", "its kind", "all"])
async def test_a_value_that_was_changed_is_refused(letters: Letters, change: str) -> None:
    sealed = await letters.sealed("one")
    changed = {
        "a bit": Binary(sealed[:-1] + bytes([sealed[-1] ^ 1]), 6),
        "the end": Binary(sealed[:40], 6),
        "its kind": Binary(sealed, 0),
        "all": None,
    }[change]
    with pytest.raises(Undecipherable):
        await letters.vault.decrypt(changed, purpose=PURPOSE, of="one")


async def test_another_master_key_is_told_at_once_and_opens_nothing(letters: Letters) -> None:
    wrong = letters.under(_master())
    for purpose in (PURPOSE, "postcard"):
        with pytest.raises(
            KeyUnusable, match=rf"fields\.key: not the master key of .*{COLLECTION}"
        ):
            await wrong.prepare(purpose)
    with pytest.raises(Unavailable):
        await wrong.read("one")
    with pytest.raises(Unavailable):
        await wrong.keep("third")


async def test_a_key_that_cannot_be_had_is_waited_for_and_no_value_called_damaged(
    letters: Letters,
) -> None:
    keys = letters.database[COLLECTION]
    kept = await keys.find({}).to_list(None)
    await keys.delete_many({})
    running = Letters(letters.database, letters.folder)  # its keys are no longer in memory
    with pytest.raises(Unavailable):
        await running.read("one")
    await keys.insert_many(kept)
    assert await running.read("one") == CANARY


async def test_the_master_key_is_changed_while_instances_go_on(letters: Letters) -> None:
    old, new = (letters.folder / MASTER_KEYS).read_text(), _master()
    for masters in ((old, new), (new, old), (new,)):
        changed = letters.under(*masters)
        await changed.prepare()
        assert await changed.read("one") == CANARY
    with pytest.raises(KeyUnusable):
        await letters.under(old).prepare()


async def test_a_guest_reads_under_its_keys_and_leaves_the_services_own_in_place(
    letters: Letters,
) -> None:
    own = (letters.folder / MASTER_KEYS).read_text()
    guest = letters.under(_master(), own, guest=True)
    await guest.prepare()
    assert await guest.read("one") == CANARY
    again = letters.under(own)
    await again.prepare()
    assert await again.read("one") == CANARY


@pytest.mark.parametrize("kept", [(), ("postcard",)])
async def test_a_guest_makes_no_key_and_says_where_the_service_has_never_run(
    letters: Letters, kept: tuple[str, ...]
) -> None:
    await letters.database.client.drop_database(letters.database.name)
    for purpose in kept:
        await letters.vault.prepare(purpose, letters.database["postcards"], "sealed")
    guest = Letters(letters.database, letters.folder, guest=True)
    with pytest.raises(KeyUnusable, match=rf"{COLLECTION}: no letter key, .* never run"):
        await guest.prepare()
    assert await letters.database[COLLECTION].count_documents({}) == len(kept)
    assert bool(await letters.database.list_collection_names()) == bool(kept)


async def test_instances_that_begin_at_once_share_one_key(letters: Letters) -> None:
    instances = [Letters(letters.database, letters.folder) for _ in range(5)]
    await letters.database.drop_collection(COLLECTION)
    await letters.documents.delete_many({})
    await asyncio.gather(*(one.prepare() for one in instances))
    await asyncio.gather(*(one.keep(str(number)) for number, one in enumerate(instances)))
    assert await letters.database[COLLECTION].count_documents({}) == 1
    for number in range(len(instances)):
        assert await instances[0].read(str(number)) == CANARY


@pytest.mark.parametrize("flaw", ["the keys are lost", "written before there were keys"])
async def test_what_no_key_opens_is_told_at_the_start_and_no_key_is_made(
    letters: Letters, flaw: str
) -> None:
    await letters.database.drop_collection(COLLECTION)
    if flaw == "written before there were keys":
        await letters.documents.update_many({}, {"$set": {"sealed": b"sealed"}})
    beginning = Letters(letters.database, letters.folder)
    for _ in range(2):
        with pytest.raises(KeyUnusable, match=r"data_keys: not the keys of sealed in .*letters"):
            await beginning.prepare()
    assert await letters.database[COLLECTION].count_documents({}) == 0


@pytest.mark.parametrize("service", ["consent", "notifier"])
async def test_a_service_under_another_master_key_ends_as_misconfigured(
    letters: Letters, service: str, mongo_uri: str, tmp_path: Path
) -> None:
    secrets.make(tmp_path / "keys")
    given = services.Surroundings(
        kafka="127.0.0.1:1",
        mongo=mongo_uri,
        smtp="127.0.0.1:1",
        database="",
        keys=tmp_path / "keys",
        checkpoints=tmp_path,
        urls={service: f"http://127.0.0.1:{a_free_port()}"},
    )
    database = {f"{service.upper()}_MONGO__DATABASE": letters.database.name}
    spec = services.spec(service, given, database)
    process = await asyncio.create_subprocess_exec(
        *spec.argv, cwd=spec.cwd, env={**os.environ, **spec.env}, stdout=DEVNULL, stderr=PIPE
    )
    async with asyncio.timeout(60):
        _, said = await process.communicate()
    told = f"{MASTER_KEYS}: not the master key of {letters.database.name}.{COLLECTION}"
    assert (process.returncode, said.decode().splitlines()[-1].endswith(told)) == (78, True), said


async def test_a_database_that_is_away_is_not_taken_for_a_wrong_key(tmp_path: Path) -> None:
    (tmp_path / MASTER_KEYS).write_text(_master())
    database = _database("mongodb://127.0.0.1:1", "nowhere")
    with pytest.raises(Unavailable):
        await Vault(database, tmp_path).encrypt(CANARY, purpose=PURPOSE, of="one")
    database.client.close()

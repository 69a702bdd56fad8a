"""MongoDB on this machine: one mongod, a replica set of one, so that transactions work."""

from pymongo import AsyncMongoClient
from pymongo.errors import OperationFailure, PyMongoError

from deploy.local import folders, ports
from deploy.local.processes import Spec

REPLICA_SET = "aiguillage"
NOT_YET_INITIATED = 94


def binary(where: folders.Folders) -> str:
    """Return the path of mongod, from the wheel that is unpacked apart from the project."""
    return str(where.parts / "mongo" / "fiftyone" / "db" / "bin" / "mongod")


def uri(port: int) -> str:
    """Return the address that the services are given."""
    return f"mongodb://{ports.HOST}:{port}/?replicaSet={REPLICA_SET}"


def spec(where: folders.Folders, *, port: int) -> Spec:
    """Return how mongod is started; `enableTestCommands` gives the tests their fail points."""
    where.mongo.mkdir(parents=True, exist_ok=True)

    async def ready() -> bool:
        return await ports.answers(port) and await is_primary(port)

    options = {
        "--dbpath": str(where.mongo),
        "--bind_ip": ports.HOST,
        "--port": str(port),
        "--replSet": REPLICA_SET,
        "--wiredTigerCacheSizeGB": "0.25",
        "--setParameter": "enableTestCommands=1",
    }
    flat = [word for pair in options.items() for word in pair]
    return Spec(name="mongo", argv=[binary(where), *flat, "--nounixsocket"], ready=ready)


async def is_primary(port: int) -> bool:
    """Say whether writes are taken; on the way, start the replica set or move it to `port`."""
    host = f"{ports.HOST}:{port}"
    client: AsyncMongoClient[dict[str, object]] = AsyncMongoClient(
        host, directConnection=True, serverSelectionTimeoutMS=2000
    )
    try:
        return await _primary(client, host)
    except PyMongoError:
        return False
    finally:
        await client.close()


async def _primary(client: AsyncMongoClient[dict[str, object]], host: str) -> bool:
    try:
        config = (await client.admin.command("replSetGetConfig"))["config"]
    except OperationFailure as error:
        if error.code != NOT_YET_INITIATED:
            raise
        members = [{"_id": 0, "host": host}]
        await client.admin.command("replSetInitiate", {"_id": REPLICA_SET, "members": members})
        return False
    if config["members"][0]["host"] != host:
        config["members"][0]["host"] = host
        config["version"] += 1
        await client.admin.command("replSetReconfig", config, force=True)
        return False
    return bool((await client.admin.command("hello"))["isWritablePrimary"])

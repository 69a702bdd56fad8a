"""MongoDB on this machine: one mongod, a replica set of one, so that transactions work."""

from pydantic import SecretStr

from deploy.local import folders, ports
from deploy.local.processes import Spec
from runtime import mongo
from runtime.failures import Unavailable
from runtime.settings import MongoSettings

REPLICA_SET = "aiguillage"
NOT_YET_INITIATED = 94
# A slow operation is logged with its documents, and these hold personal data.
NEVER_SLOW_MS = str(24 * 3_600_000)


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
        "--slowms": NEVER_SLOW_MS,
        "--wiredTigerCacheSizeGB": "0.25",
        "--setParameter": "enableTestCommands=1",
    }
    flat = [word for pair in options.items() for word in pair]
    return Spec(name="mongo", argv=[binary(where), *flat, "--nounixsocket"], ready=ready)


async def is_primary(port: int) -> bool:
    """Say whether writes are taken; on the way, start the replica set or move it to `port`."""
    host = f"{ports.HOST}:{port}"
    direct = f"mongodb://{host}/?directConnection=true"
    settings = MongoSettings(uri=SecretStr(direct), database="admin")
    client = mongo.connect(settings)
    try:
        return await _primary(client, host)
    except Unavailable:
        return False
    finally:
        client.close()


async def _primary(client: mongo.Client, host: str) -> bool:
    try:
        config = (await _command(client, {"replSetGetConfig": 1}))["config"]
    except Unavailable as error:
        if getattr(error.__cause__, "code", None) != NOT_YET_INITIATED:
            raise
        members = [{"_id": 0, "host": host}]
        await _command(client, {"replSetInitiate": {"_id": REPLICA_SET, "members": members}})
        return False
    if config["members"][0]["host"] != host:
        config["members"][0]["host"] = host
        config["version"] += 1
        await _command(client, {"replSetReconfig": config, "force": True})
        return False
    return bool((await _command(client, {"hello": 1}))["isWritablePrimary"])


async def _command(client: mongo.Client, command: mongo.Document) -> mongo.Document:
    """Run one command of the administration; raises `Unavailable` with the cause."""
    with mongo.unavailable_when_away():
        answer: mongo.Document = await client.admin.command(command)
    return answer

"""Finds Kafka, MongoDB and a mail server: given addresses, else an engine, else this machine."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

from deploy.local import engine, fetching, folders, kafka, mail, mongo, parts, preflight
from deploy.local.ports import HOST, Ports
from deploy.local.processes import Child
from deploy.local.progress import Steps
from deploy.local.supervisor import Member


class AddressError(ValueError):
    """An address in the environment is not enough to work with."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """Where the three are, and the members among them that are ours to run."""

    kafka: str
    mongo: str
    smtp: str
    mail_dir: Path
    members: Sequence[Member]


async def find(
    where: folders.Folders, ports: Ports, steps: Steps, given: Mapping[str, str]
) -> Needs:
    """Decide for each of the three where it comes from; bring what this machine must run."""
    members: list[Member] = []
    with_engine = not {"AIGUILLAGE_KAFKA", "AIGUILLAGE_MONGO"} <= given.keys() and (
        await engine.answers()
    )
    if not with_engine:
        preflight.check(tools_needed(given))
    kafka_at = given.get("AIGUILLAGE_KAFKA") or await _kafka(
        where, ports, steps, members, with_engine=with_engine
    )
    mongo_at = given.get("AIGUILLAGE_MONGO") or await _mongo(
        where, ports, steps, members, with_engine=with_engine
    )
    smtp, mail_dir = _mail(where, ports, members, given)
    return Needs(kafka=kafka_at, mongo=mongo_at, smtp=smtp, mail_dir=mail_dir, members=members)


def tools_needed(given: Mapping[str, str]) -> Sequence[str]:
    """Return the tools that this machine needs for what the environment does not give."""
    needed = ["setpriv"]
    if not given.get("AIGUILLAGE_KAFKA"):
        needed += ["java", "maven"]
    return needed


async def _kafka(
    where: folders.Folders,
    ports: Ports,
    steps: Steps,
    members: list[Member],
    *,
    with_engine: bool,
) -> str:
    port = ports.take("kafka")
    if with_engine:
        members.append(engine.kafka(port, where.logs))
    else:
        await fetching.bring(parts.kafka(where), steps, where.logs)
        await fetching.bring(parts.kafka_start(where), steps, where.logs)
        spec = kafka.spec(where, port=port, controller=ports.take("controller"))
        members.append(Child(spec, where.logs))
    return f"{HOST}:{port}"


async def _mongo(
    where: folders.Folders,
    ports: Ports,
    steps: Steps,
    members: list[Member],
    *,
    with_engine: bool,
) -> str:
    port = ports.take("mongo")
    if with_engine:
        members.append(engine.mongo(port, where.logs))
    else:
        await fetching.bring(parts.mongo(where), steps, where.logs)
        preflight.check_libraries(mongo.binary(where))
        members.append(Child(mongo.spec(where, port=port), where.logs))
    return mongo.uri(port)


def _mail(
    where: folders.Folders, ports: Ports, members: list[Member], given: Mapping[str, str]
) -> tuple[str, Path]:
    """Return address and folder; the catcher is always a process here, for its files."""
    if smtp := given.get("AIGUILLAGE_SMTP"):
        if "AIGUILLAGE_MAIL_DIR" not in given:
            raise AddressError("AIGUILLAGE_SMTP needs AIGUILLAGE_MAIL_DIR beside it: its folder")
        return smtp, Path(given["AIGUILLAGE_MAIL_DIR"])
    port = ports.take("mail")
    members.append(Child(mail.spec(where, port=port), where.logs))
    return f"{HOST}:{port}", where.mail

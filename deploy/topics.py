"""Reads the declaration of the topics, and makes a Kafka cluster agree with it."""

import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaConnectionError, for_code
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from deploy.waiting import until

DECLARATION = Path(__file__).with_name("topics.yaml")
HOUR_MS = 3_600_000
SET_ON_TOPIC = 1  # KIP-226: config_source 1 is a topic's own setting, all others are inherited
TOPIC_EXISTS = 36
SETTLES_WITHIN_S = 30.0

Count = Annotated[int, Field(gt=0)]


class DeclarationError(ValueError):
    """The file of topics contradicts itself, or says something unknown."""


class PartitionCountError(RuntimeError):
    """A topic exists with another number of partitions than declared; keys would move."""


class TopicRefusedError(RuntimeError):
    """The cluster refused to make or to change a topic."""


class ClusterAwayError(RuntimeError):
    """No broker answers at the address given."""


class Topic(BaseModel):
    """One topic as declared; the words are explained at the head of topics.yaml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z0-9.-]{1,249}$")]
    partitions: Count
    partitioned_with: str | None = None
    retention_days: Count
    segment_hours: Count
    cleanup: Literal["delete", "compact"]
    flush_messages: Literal[1] | None = None
    max_message_kib: Count
    personal: Annotated[str, Field(min_length=4)]
    reason: Annotated[str, Field(min_length=20)]

    def settings(self, *, replicas: int) -> dict[str, str]:
        """Return the topic's settings as Kafka names them, for this number of replicas."""
        wanted = {
            "cleanup.policy": self.cleanup,
            "retention.ms": str(self.retention_days * 24 * HOUR_MS),
            "segment.ms": str(self.segment_hours * HOUR_MS),
            "max.message.bytes": str(self.max_message_kib * 1024),
            # Retention is a promise to people: it runs by the broker's clock, not by a writer's.
            "message.timestamp.type": "LogAppendTime",
            "min.insync.replicas": str(max(1, replicas - 1)),
        }
        if self.flush_messages and replicas == 1:
            wanted["flush.messages"] = str(self.flush_messages)
        return wanted


class Declaration(BaseModel):
    """The whole file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    topics: tuple[Topic, ...]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What was done: names of the topics made, changed, and found as declared."""

    created: Sequence[str]
    altered: Sequence[str]
    unchanged: Sequence[str]


def load(path: Path = DECLARATION) -> tuple[Topic, ...]:
    """Read the declaration; raises `DeclarationError` naming file, topic and reason."""
    try:
        topics = Declaration.model_validate(yaml.safe_load(path.read_bytes())).topics
    except yaml.YAMLError as error:
        msg = f"{path}: {error}"
        raise DeclarationError(msg) from error
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        msg = f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}"
        raise DeclarationError(msg) from None
    _agree(path, topics)
    return topics


def _agree(path: Path, topics: Sequence[Topic]) -> None:
    """Check what one entry says of another: names are unique, shared counts are equal."""
    counts = {topic.name: topic.partitions for topic in topics}
    if len(counts) != len(topics):
        msg = f"{path}: a topic is declared twice"
        raise DeclarationError(msg)
    for topic in topics:
        partner = topic.partitioned_with
        if partner is not None and counts.get(partner) != topic.partitions:
            msg = f"{path}: {topic.name} must have as many partitions as {partner}"
            raise DeclarationError(msg)


async def apply(bootstrap: str, topics: Iterable[Topic], *, replicas: int | None = None) -> Outcome:
    """Make the cluster at `bootstrap` agree with `topics`; a second call changes nothing.

    `replicas` is 3 where the cluster has three brokers, else 1, when it is not given. Raises
    `ClusterAwayError`, `PartitionCountError` before anything is changed, or `TopicRefusedError`.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=30_000)
    try:
        await reach(admin, bootstrap)
        if replicas is None:
            replicas = 3 if len((await admin.describe_cluster())["brokers"]) >= 3 else 1  # noqa: PLR2004
        return await _apply(admin, {topic.name: topic for topic in topics}, replicas)
    finally:
        await admin.close()


async def reach(admin: AIOKafkaAdminClient, bootstrap: str) -> None:
    """Connect; raises `ClusterAwayError`."""
    try:
        await admin.start()
    except KafkaConnectionError as error:
        msg = f"no Kafka answers at {bootstrap}"
        raise ClusterAwayError(msg) from error


async def _apply(admin: AIOKafkaAdminClient, topics: dict[str, Topic], replicas: int) -> Outcome:
    there = await partition_counts(admin, list(topics))
    _refuse_other_counts(topics, there)
    missing = [topic for name, topic in topics.items() if name not in there]
    await _create(admin, missing, replicas)
    altered = await _alter(admin, [topics[name] for name in there], replicas)
    await _settled(admin, topics.values(), replicas)
    return Outcome(
        created=[topic.name for topic in missing],
        altered=altered,
        unchanged=sorted(set(there) - set(altered)),
    )


async def _settled(admin: AIOKafkaAdminClient, topics: Iterable[Topic], replicas: int) -> None:
    """Wait until the brokers show what the controller has taken: they learn of it afterwards."""
    wanted = {topic.name: topic.settings(replicas=replicas) for topic in topics}

    async def shown() -> bool:
        there = await partition_counts(admin, list(wanted))
        return there.keys() == wanted.keys() and await _settings(admin, list(wanted)) == wanted

    if not await until(shown, within_s=SETTLES_WITHIN_S):
        msg = f"the brokers did not show the topics after {SETTLES_WITHIN_S:.0f} s"
        raise TopicRefusedError(msg)


async def partition_counts(admin: AIOKafkaAdminClient, names: Sequence[str]) -> dict[str, int]:
    """Return how many partitions those of the topics have that exist."""
    known = set(await admin.list_topics())
    asked = [name for name in names if name in known]
    described = await admin.describe_topics(asked) if asked else []
    return {topic["topic"]: len(topic["partitions"]) for topic in described}


def _refuse_other_counts(topics: dict[str, Topic], there: dict[str, int]) -> None:
    differing = [
        f"{name} has {count} partitions, {topics[name].partitions} are declared"
        for name, count in there.items()
        if count != topics[name].partitions
    ]
    if differing:
        raise PartitionCountError("; ".join(differing))


async def _create(admin: AIOKafkaAdminClient, topics: Sequence[Topic], replicas: int) -> None:
    if not topics:
        return
    made = await admin.create_topics(
        [
            NewTopic(
                topic.name,
                topic.partitions,
                replicas,
                topic_configs=topic.settings(replicas=replicas),
            )
            for topic in topics
        ]
    )
    for name, code, message in made.topic_errors:
        if code not in (0, TOPIC_EXISTS):
            msg = f"{name}: {message or for_code(code).__name__}"
            raise TopicRefusedError(msg)


async def _alter(admin: AIOKafkaAdminClient, topics: Sequence[Topic], replicas: int) -> list[str]:
    """Set the settings of those that differ: the declaration is the whole of them."""
    if not topics:
        return []
    actual = await _settings(admin, [topic.name for topic in topics])
    differing = [t for t in topics if actual[t.name] != t.settings(replicas=replicas)]
    for topic in differing:
        wanted = ConfigResource(
            ConfigResourceType.TOPIC, topic.name, topic.settings(replicas=replicas)
        )
        for answer in await admin.alter_configs([wanted]):
            code, message = answer.resources[0][:2]
            if code:
                msg = f"{topic.name}: {message or for_code(code).__name__}"
                raise TopicRefusedError(msg)
    return [topic.name for topic in differing]


async def _settings(
    admin: AIOKafkaAdminClient, names: Sequence[str]
) -> dict[str, dict[str, str | None]]:
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    found: dict[str, dict[str, Any]] = {}
    for answer in await admin.describe_configs(resources):
        for _code, _message, _type, name, entries in answer.resources:
            found[name] = {e[0]: e[1] for e in entries if e[3] == SET_ON_TOPIC}
    return found

"""What a reader of whole topics says of them."""

from datetime import timedelta

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import UnknownTopicOrPartitionError

from deploy.waiting import until
from runtime.topic_reader import open_reader

NO_END = ("-1", str(2**63 - 1))


async def test_how_long_a_topic_keeps_its_records_is_told_and_no_end_is_none(
    kafka: str, unique_name: str
) -> None:
    asked = ("60000", *NO_END)
    names = [f"{unique_name}.{number}" for number in range(len(asked))]
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    await admin.create_topics(
        [
            NewTopic(name, 1, 1, topic_configs={"retention.ms": kept})
            for name, kept in zip(names, asked, strict=True)
        ]
    )
    await admin.close()
    async with open_reader(kafka) as reader:

        async def are_there() -> bool:
            return set(names) <= set(await reader.topics())

        assert await until(are_there, within_s=10)
        told = await reader.kept(names)
        with pytest.raises(UnknownTopicOrPartitionError):
            await reader.kept([f"{unique_name}.none"])
    assert [told[name] for name in names] == [timedelta(minutes=1), None, None]

"""What the tests of the runtime share."""

from collections.abc import AsyncIterator

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from tests.integration.runtime.trials import Trial


@pytest.fixture
async def trial(kafka: str, unique_name: str) -> AsyncIterator[Trial]:
    trial = Trial(kafka, f"trial.{unique_name}")
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    await admin.create_topics([NewTopic(trial.topic, 2, 1), NewTopic(trial.dead, 1, 1)])
    yield trial
    await admin.delete_topics([trial.topic, trial.dead])
    await admin.close()

"""The declaration of the topics, and how a real cluster is made to agree with it."""

from pathlib import Path

import pytest
import yaml

from deploy import topics
from schemas import topics as names

DECLARATION = topics.DECLARATION
SHARED = [names.REQUESTS, *names.TICKETS.values(), names.TICKET_EVENTS]


@pytest.fixture
def declared(unique_name: str) -> topics.Topic:
    return topics.Topic(
        name=f"{unique_name}.v1",
        partitions=2,
        retention_days=3,
        segment_hours=6,
        cleanup="delete",
        flush_messages=1,
        max_message_kib=1024,
        personal="none",
        reason="A topic that a test alone uses, to be changed.",
    )


async def test_what_is_missing_is_made_and_a_second_time_changes_nothing(
    kafka: str, declared: topics.Topic
) -> None:
    first = await topics.apply(kafka, [declared])
    second = await topics.apply(kafka, [declared])
    assert first.created == [declared.name]
    assert second == topics.Outcome(created=[], altered=[], unchanged=[declared.name])


async def test_a_setting_that_differs_is_set(kafka: str, declared: topics.Topic) -> None:
    await topics.apply(kafka, [declared])
    longer = declared.model_copy(update={"retention_days": 5})
    assert (await topics.apply(kafka, [longer])).altered == [declared.name]
    assert (await topics.apply(kafka, [longer])).unchanged == [declared.name]


async def test_another_partition_count_is_refused_by_name_before_anything_is_changed(
    kafka: str, declared: topics.Topic
) -> None:
    await topics.apply(kafka, [declared])
    wider = declared.model_copy(update={"partitions": 3})
    fresh = declared.model_copy(update={"name": f"{declared.name}.fresh"})
    refusal = f"{declared.name} has 2 partitions, 3 are declared"
    with pytest.raises(topics.PartitionCountError, match=refusal):
        await topics.apply(kafka, [fresh, wider])
    assert (await topics.apply(kafka, [fresh])).created == [fresh.name]


def test_the_topics_that_answer_each_other_have_one_partition_count() -> None:
    counts = {topic.name: topic.partitions for topic in topics.load()}
    assert {counts[name] for name in SHARED} == {names.PARTITIONS}


def test_every_topic_of_the_contract_is_declared() -> None:
    contract = {value for value in vars(names).values() if isinstance(value, str)}
    contract = {value for value in contract if value.startswith("assistance.")}
    assert contract <= {topic.name for topic in topics.load()}


def test_each_source_with_a_kafka_door_has_its_topic_and_no_other_has() -> None:
    sources = yaml.safe_load((DECLARATION.parent / "desk" / "sources.yaml").read_bytes())["sources"]
    doors = {names.submissions(s["name"]) for s in sources if "kafka" in s["doors"]}
    declared = {topic.name for topic in topics.load()}
    assert {n for n in declared if ".submissions." in n and not n.endswith(".dead")} == doors
    assert {f"{door}.intake.dead" for door in doors} <= declared


def test_tickets_are_kept_longer_than_requests() -> None:
    kept = {topic.name: topic.retention_days for topic in topics.load()}
    assert all(kept[name] > kept[names.REQUESTS] for name in names.TICKETS.values())


def test_everything_is_on_disk_before_it_is_acknowledged_on_a_single_broker() -> None:
    for topic in topics.load():
        assert topic.settings(replicas=1)["flush.messages"] == "1"
        assert topic.settings(replicas=3)["min.insync.replicas"] == "2"


def test_a_dead_letter_has_room_for_the_largest_record_and_its_seal() -> None:
    by_name = {topic.name: topic for topic in topics.load()}
    for topic in by_name.values():
        if topic.name.endswith(".dead"):
            origin = by_name[topic.name.rsplit(".", 2)[0]]
            assert topic.max_message_kib > origin.max_message_kib


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("partitions: 4", "partitions: 0"), "partitions: Input should be greater than 0"),
        (("cleanup: delete", "cleanup: dust"), "cleanup: Input should be 'delete' or 'compact'"),
        (("    reason: >-", "    raison: >-"), "reason: Field required"),
        (("partitions: 4", "partitions: 6"), "must have as many partitions as"),
        (("topics:", "topics: ["), "topics.yaml"),
    ],
)
def test_a_wrong_declaration_is_refused_with_file_and_reason(
    tmp_path: Path, change: tuple[str, str], expected: str
) -> None:
    file = tmp_path / "topics.yaml"
    file.write_text(DECLARATION.read_text().replace(*change, 1))
    with pytest.raises(topics.DeclarationError, match=expected):
        topics.load(file)

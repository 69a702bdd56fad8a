"""The router in Quix Streams, exactly once; its checkpoints twice a second."""

from collections.abc import Mapping
from typing import Any

from quixstreams import Application
from quixstreams.models import Topic

from benchmarks.router.peers.routing import Rules, setting, ticket

CHECKPOINT_EVERY_S = 0.5


def main() -> None:
    rules = Rules()
    app = Application(
        broker_address=setting("BOOTSTRAP"),
        consumer_group=setting("GROUP"),
        auto_offset_reset="earliest",
        processing_guarantee="exactly-once",
        commit_interval=CHECKPOINT_EVERY_S,
        auto_create_topics=False,
        state_dir=setting("STATE"),
    )
    requests = app.topic(setting("REQUESTS"), key_deserializer="bytes", value_deserializer="json")
    tickets = {
        queue: app.topic(setting(queue.upper()), key_serializer="bytes", value_serializer="json")
        for queue in ("marketplace", "general")
    }

    def route(event: Mapping[str, Any]) -> dict[str, Any]:
        data = event["data"]
        return ticket(event, rules.decide(data["subject"], data["body"]))

    def queue_of(made: Any, _key: Any, _timestamp: int, _headers: Any) -> Topic:
        return tickets[made["data"]["decision"]["queue"]]

    app.dataframe(requests).apply(route).to_topic(queue_of)
    app.run()


if __name__ == "__main__":
    main()

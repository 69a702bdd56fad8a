"""The shared contract: every event on Kafka and the topic that carries it."""

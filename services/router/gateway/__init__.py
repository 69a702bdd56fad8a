"""Kafka as the router needs it: fenced producers, its own output, and who owns what."""

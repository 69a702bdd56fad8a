"""Kafka in and out: puts what was sent onto its topic, and reads the form services' own topics."""

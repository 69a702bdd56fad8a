"""What leaves the consent service: events to Kafka, checkpoints to a file."""

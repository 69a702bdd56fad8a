"""The whole stack on one machine, with no container engine: real Kafka, real MongoDB, real SMTP."""

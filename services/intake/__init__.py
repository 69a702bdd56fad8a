"""The doors: takes requests from forms, events and calls, and puts each on Kafka once."""

"""The router in Quix Streams, with a lock file of its own."""

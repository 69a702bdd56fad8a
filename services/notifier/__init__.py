"""Tells people and tools what happened: by mail and webhook, each delivery once."""

"""`aiguillage assistants`: the people who may propose remote sessions, and their tokens."""

from cli.assistants.commands import app

__all__ = ["app"]

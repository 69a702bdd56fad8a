"""`aiguillage dead`: what could not be processed, and what an operator does about it."""

from cli.dead.commands import app

__all__ = ["app"]

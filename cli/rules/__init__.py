"""`aiguillage rules`: check, test, rehearse and learn what decides where requests go."""

from cli.rules import learn, moved, rehearse
from cli.rules.commands import app

__all__ = ["app", "learn", "moved", "rehearse"]

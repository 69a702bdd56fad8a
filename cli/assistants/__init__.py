"""`aiguillage assistants`: the people who may propose remote sessions, and their tokens."""

from cli.assistants.commands import app
from cli.assistants.tokens import mint, mint_link

__all__ = ["app", "mint", "mint_link"]

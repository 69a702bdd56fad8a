"""`aiguillage demo`: the whole system on a shipped sample, judged from outside."""

from cli.demo.command import app

__all__ = ["app"]

"""The command `aiguillage`: one module for each of its commands."""

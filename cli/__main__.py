"""``python -m cli``: the command `aiguillage` where it is not installed."""

from cli.main import app

if __name__ == "__main__":
    app(prog_name="aiguillage")

"""Runs the notifier: ``python -m services.notifier``."""

import sys

from runtime import serving, settings
from services.notifier.app import build_app, prepare
from services.notifier.settings import Settings

if __name__ == "__main__":
    declared = settings.load(Settings)
    sys.exit(serving.run(build_app, prepare(declared), declared.http))

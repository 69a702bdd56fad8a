"""The shipped desk, table and templates."""

from functools import partial
from pathlib import Path

import pytest

from desk import Desk, load_desk
from runtime.keys import keyed_hash
from services.notifier.composing import Composer
from services.notifier.declared import build_renderer, load_table, load_words
from services.notifier.domain.occasions import Word
from services.notifier.domain.table import MailTable
from services.notifier.rendering import Renderer

DESK = Path(__file__).resolve().parents[3] / "deploy/desk"


@pytest.fixture(scope="session")
def desk() -> Desk:
    return load_desk(DESK)


@pytest.fixture(scope="session")
def word() -> Word:
    return load_words()


@pytest.fixture(scope="session")
def renderer(desk: Desk, word: Word) -> Renderer:
    return build_renderer(desk, word, consent_url="https://consent.example")


@pytest.fixture(scope="session")
def table(renderer: Renderer) -> MailTable:
    return load_table(renderer)


@pytest.fixture(scope="session")
def composer(desk: Desk, renderer: Renderer, table: MailTable) -> Composer:
    return Composer(
        table=table, desk=desk, renderer=renderer, keyed_hash=partial(keyed_hash, b"k" * 32)
    )

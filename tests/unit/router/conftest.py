"""What tests of the router share."""

from collections.abc import Iterator

import pytest

from runtime.overlong import Watch


@pytest.fixture
def watch() -> Iterator[Watch]:
    """Yield a watch that looks."""
    made = Watch()
    made.start()
    yield made
    made.stop()

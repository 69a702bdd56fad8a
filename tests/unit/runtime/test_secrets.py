"""Keys, seals and dead letters give back exactly what was put in, and nothing under another key."""

import base64
import os
from pathlib import Path

import pytest
from aiokafka import ConsumerRecord
from hypothesis import given
from hypothesis import strategies as st

from runtime.dead_letters import bury, exhume
from runtime.keys import KeyUnusable, keyed_hash, read_key
from runtime.sealing import Sealer, Unsealable

KEY = bytes(range(32))


def record(
    key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes | None]]
) -> ConsumerRecord:
    return ConsumerRecord(
        topic="t",
        partition=3,
        offset=7,
        timestamp=11,
        timestamp_type=0,
        key=key,
        value=value,
        checksum=None,
        serialized_key_size=0,
        serialized_value_size=0,
        headers=tuple(headers),
    )


@given(
    st.none() | st.binary(),
    st.none() | st.binary(),
    st.lists(st.tuples(st.text(), st.none() | st.binary()), max_size=3),
)
def test_a_dead_letter_gives_the_exact_bytes_back(
    key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes | None]]
) -> None:
    sealer = Sealer(KEY)
    letter = bury(record(key, value, headers), reason="not-json", service="router", sealer=sealer)
    original = exhume(letter.value, sealer=sealer)
    assert (original.key, original.value, list(original.headers)) == (key, value, headers)


def test_a_dead_letter_shows_nothing_of_the_record() -> None:
    canary = b"canari-0353010000"
    letter = bury(
        record(canary, canary, [("x", canary)]),
        reason="not-json",
        service="router",
        sealer=Sealer(KEY),
    )
    assert canary not in letter.value
    assert canary not in (letter.key or b"")
    assert all(canary not in value for _, value in letter.headers)
    assert dict(letter.headers)["origin-offset"] == b"7"


@pytest.mark.parametrize("change", ["key", "purpose", "bit", "cut"])
def test_a_seal_opens_only_as_it_was_made(change: str) -> None:
    sealed = Sealer(KEY).seal(b"secret", purpose="notice")
    sealer = Sealer(os.urandom(32)) if change == "key" else Sealer(KEY)
    if change == "bit":
        sealed = sealed[:-1] + bytes([sealed[-1] ^ 1])
    if change == "cut":
        sealed = sealed[:5]
    with pytest.raises(Unsealable):
        sealer.open(sealed, purpose="other" if change == "purpose" else "notice")


def test_parts_of_a_keyed_hash_do_not_run_together() -> None:
    assert keyed_hash(KEY, "ab", "c") != keyed_hash(KEY, "a", "bc")


@pytest.mark.parametrize("content", [None, "", "not base64!", base64.b64encode(b"short").decode()])
def test_an_unusable_key_names_its_file_and_not_its_content(
    tmp_path: Path, content: str | None
) -> None:
    if content is not None:
        (tmp_path / "sealing.key").write_text(content)
    with pytest.raises(KeyUnusable) as caught:
        read_key(tmp_path, "sealing.key")
    assert "sealing.key" in str(caught.value)
    assert not content or content not in str(caught.value)

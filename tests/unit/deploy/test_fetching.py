import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local import bring, fetching, preflight
from deploy.local.folders import Folders
from deploy.local.progress import SilentSteps


def test_a_folder_that_vanishes_while_it_is_measured_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "debs").mkdir()
    (tmp_path / "debs" / "a.deb").write_bytes(b"x" * 500)
    (tmp_path / "kept" / "inside").mkdir(parents=True)
    (tmp_path / "kept" / "inside" / "bin").write_bytes(b"x" * 7)
    real, gone = os.scandir, tmp_path / "debs"

    def scandir(folder: str | Path | int) -> Iterator[os.DirEntry[str]]:
        if str(folder) == str(gone):
            (gone / "a.deb").unlink()
            gone.rmdir()
        return real(folder)

    monkeypatch.setattr(os, "scandir", scandir)

    assert fetching.size(tmp_path) == 7
    assert not gone.exists()


async def test_what_fails_beside_it_does_not_stop_the_other_half(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    came = []

    async def servers(*_: object, **__: object) -> None:
        raise fetching.FetchError("Kafka could not be brought")

    async def clients(*_: object) -> None:
        await asyncio.sleep(0.05)
        came.append("clients")
        raise fetching.FetchError("nor could kcat")

    monkeypatch.setattr(bring, "_servers", servers)
    monkeypatch.setattr(bring, "_clients", clients)
    monkeypatch.setattr(preflight, "check", lambda _: None)

    with pytest.raises(fetching.FetchError, match="Kafka could not be brought") as told:
        await bring.bring(Folders.of_project(), SilentSteps())
    assert str(told.value) == "Kafka could not be brought\nnor could kcat"
    assert came == ["clients"]

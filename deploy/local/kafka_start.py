"""Makes once what every later broker starts with: its loaded classes, and formatted storage."""

import argparse
import asyncio
import dataclasses
import shutil
import tempfile
from pathlib import Path

from deploy.local import kafka
from deploy.local.folders import Folders
from deploy.local.ports import a_free_port
from deploy.local.processes import Child


async def write(parts: Path, into: Path) -> None:
    """Run a broker on empty storage; keep that, and what the JVM archives at its end (JEP 350)."""
    with tempfile.TemporaryDirectory(dir=parts) as data:
        where = Folders(parts=parts, data=Path(data))
        alone = kafka.Node(port=a_free_port(), controller=a_free_port(), folder=where.kafka)
        kafka.prepare(where, [alone], anew=True)
        shutil.copytree(alone.data, into / kafka.FORMATTED)
        spec = kafka.start(where, alone)
        java, *rest = [word for word in spec.argv if not word.startswith("-XX:SharedArchiveFile")]
        argv = [java, f"-XX:ArchiveClassesAtExit={into / kafka.CLASSES}", *rest]
        broker = Child(dataclasses.replace(spec, argv=argv, stop_within_s=60.0), into)
        broker.start()
        try:
            await broker.wait_ready()
        finally:
            await broker.stop()


def main() -> None:
    """Read the command line and write both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parts", type=Path, required=True)
    parser.add_argument("--into", type=Path, required=True)
    given = parser.parse_args()
    asyncio.run(write(given.parts, given.into))


if __name__ == "__main__":
    main()

"""What the peers need, brought into ``.local/bench``: a Python library, jars, a Go program."""

import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from deploy.local import parts
from deploy.local.fetching import Part
from deploy.local.folders import Folders
from deploy.local.preflight import MissingError

PEERS: Final = Path(__file__).with_name("peers")


def quix(into: Path) -> Part:
    """Take Quix Streams and what it needs, apart from the project's environment."""
    lock = PEERS / "quix" / "requirements.lock"
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes")
    return Part(
        title="Quix Streams (pip)",
        folder=into / "quix",
        declared=[lock],
        commands=lambda fresh: [[*pip, "--target", str(fresh), "-r", str(lock)]],
    )


def kafka_streams(into: Path) -> Part:
    """Take Kafka Streams' jars and compile the peer with them."""
    pom = PEERS / "kafka_streams" / "pom.xml"
    sources = sorted((PEERS / "kafka_streams" / "src").glob("*.java"))
    maven = ("mvn", "--batch-mode", "--no-transfer-progress", "--strict-checksums")
    return Part(
        title="Kafka Streams 4.3.1 (Maven, javac)",
        folder=into / "kafka-streams",
        declared=[pom, *sources],
        commands=lambda fresh: [
            [
                *maven,
                *("--file", str(pom), parts.MAVEN_GOAL),
                "-DincludeScope=runtime",
                f"-DoutputDirectory={fresh / 'libs'}",
            ],
            [
                *("javac", "-encoding", "UTF-8", "-cp", f"{fresh / 'libs'}/*"),
                *("-d", str(fresh / "classes"), *map(str, sources)),
            ],
        ],
    )


def franz_go(into: Path) -> Part:
    """Build the Go program with the Go of the local stack."""
    return parts.go_program(
        Folders.of_project(),
        "franz-go (Go)",
        source=PEERS / "franz_go",
        folder=into / "franz-go",
    )


BY_NAME: Final[Mapping[str, Callable[[Path], Part]]] = {
    "quix": quix,
    "kafka-streams": kafka_streams,
    "franz-go": franz_go,
}


def check(needs: set[str]) -> None:
    """Raise `MissingError` unless the compiler that a peer needs is there."""
    if "kafka-streams" in needs and shutil.which("javac") is None:
        raise MissingError(
            "Missing on this machine: javac 17 or newer. "
            "On Debian or Ubuntu: apt install openjdk-17-jdk-headless"
        )

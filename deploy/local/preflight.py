"""Checks what the machine must have, and names what is missing in one line."""

import platform
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable, Mapping

OLDEST_JAVA = 17


class MissingError(RuntimeError):
    """The machine lacks something; the message is one line, with what to install."""


def _java() -> str | None:
    if shutil.which("java") is None:
        return f"Java {OLDEST_JAVA} or newer"
    said = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False)  # noqa: S607
    found = re.search(r'version "(?:1\.)?(\d+)', said.stderr)
    if found is None or int(found.group(1)) < OLDEST_JAVA:
        version = found.group(1) if found else "unreadable"
        return f"Java {OLDEST_JAVA} or newer (found: {version})"
    return None


def _command(name: str, called: str) -> Callable[[], str | None]:
    return lambda: None if shutil.which(name) else called


CHECKS: Mapping[str, tuple[Callable[[], str | None], str]] = {
    "java": (_java, "openjdk-17-jre-headless"),
    "maven": (_command("mvn", "Maven"), "maven"),
    "node": (_command("node", "Node"), "nodejs"),
    "npm": (_command("npm", "npm"), "npm"),
    "make": (_command("make", "make"), "make"),
    "setpriv": (_command("setpriv", "setpriv"), "util-linux"),
    "apt-get": (_command("apt-get", "apt-get"), "apt"),
    "dpkg": (_command("dpkg", "dpkg"), "dpkg"),
}


def check(needed: Iterable[str], *, machine: str | None = None) -> None:
    """Raise `MissingError` unless every tool of `needed` (keys of `CHECKS`) is there.

    The machine itself must be x86-64: the database and the browser come as such binaries.
    """
    if (machine or platform.machine()) not in {"x86_64", "AMD64"}:
        raise MissingError("The stack without a container engine needs Linux on x86-64.")
    results = [(CHECKS[name][0](), CHECKS[name][1]) for name in needed]
    missing = [(what, package) for what, package in results if what is not None]
    if missing:
        names = ", ".join(what for what, _ in missing)
        packages = " ".join(package for _, package in missing)
        msg = f"Missing on this machine: {names}. On Debian or Ubuntu: apt install {packages}"
        raise MissingError(msg)


def check_libraries(binary: str) -> None:
    """Raise `MissingError` when the system lacks a library that `binary` is linked to."""
    linked = subprocess.run(["ldd", binary], capture_output=True, text=True, check=False)  # noqa: S603, S607
    missing = re.findall(r"^\s*(\S+) => not found", linked.stdout, re.MULTILINE)
    if missing:
        msg = (
            f"Missing on this machine, for {binary}: {', '.join(missing)} (OpenSSL 3 and libcurl 4)"
        )
        raise MissingError(msg)

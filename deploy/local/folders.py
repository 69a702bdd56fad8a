"""Where the stack keeps what it fetches and what it writes: all of it under one ignored folder."""

import dataclasses
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
DECLARED = Path(__file__).resolve().parent


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Folders:
    """The two roots of a stack.

    `parts` holds what is fetched and may be shared by many stacks; `data` belongs to one stack.
    """

    parts: Path
    data: Path

    @classmethod
    def of_project(cls) -> "Folders":
        """Return the folders of `make demo` and `make up`: both are `.local` of the checkout."""
        return cls(parts=PROJECT / ".local", data=PROJECT / ".local")

    @property
    def logs(self) -> Path:
        """One `<name>.log` for each process."""
        return self.data / "logs"

    @property
    def mail(self) -> Path:
        """One `.eml` for each message caught; the names sort by arrival."""
        return self.data / "mail"

    @property
    def keys(self) -> Path:
        """The development keys, made once."""
        return self.data / "keys"

    @property
    def kafka(self) -> Path:
        """The broker's configuration and log segments."""
        return self.data / "data" / "kafka"

    @property
    def mongo(self) -> Path:
        """The database's files."""
        return self.data / "data" / "mongo"

    @property
    def checkpoints(self) -> Path:
        """Where consent writes its checkpoints: a production desk puts this on another mount."""
        return self.data / "checkpoints"

    @property
    def state(self) -> Path:
        """Addresses and process ids of the running stack."""
        return self.data / "stack.json"

    @property
    def ports(self) -> Path:
        """The ports of the last run, taken again when they are still free."""
        return self.data / "ports.json"

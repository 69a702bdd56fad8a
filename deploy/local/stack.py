"""The whole stack as one thing: bring, start, use, hurt, stop.

    async with local_stack(steps=ConsoleSteps()) as stack:
        stack.kafka          # "127.0.0.1:40001"
        stack.mongo          # "mongodb://127.0.0.1:40003/?replicaSet=aiguillage"
        stack.smtp           # "127.0.0.1:40004"
        stack.mail_dir       # one .eml for each message caught, names sort by arrival
        stack.keys_dir, stack.log_dir, stack.database
        stack.urls["intake"] # "http://127.0.0.1:40005"
        stack.rows()         # the status table: name, state, pid, restarts, log

        await stack.kill("router")                    # kill -9; the supervisor brings it back
        await stack.wait_ready("router")
        await stack.kill("router", stays_down=True)   # kill -9; down until start()
        await stack.stop("kafka"); await stack.start("kafka")      # also "mongo", "mail"
        await stack.restart("notifier")
        stack.freeze("consent"); stack.thaw("consent")             # SIGSTOP, SIGCONT

        stack.add_services(["router-2"])                           # another instance, not started
        stack.begin("router-2")                                    # started, without waiting

Names of members: kafka, mongo, mail, intake, router, consent, notifier. Leaving the context stops
all in order, services before what they need, within 10 seconds. With `services=()` only Kafka,
MongoDB and the mail catcher start. Kafka, MongoDB and SMTP come from the addresses in the
environment (AIGUILLAGE_KAFKA, AIGUILLAGE_MONGO, AIGUILLAGE_SMTP with AIGUILLAGE_MAIL_DIR), else
from a container engine, else from this machine; what is not ours cannot be stopped by name.
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from deploy import topics
from deploy.local import folders, needs, secrets, services, state
from deploy.local.ports import HOST, Ports, a_free_port
from deploy.local.processes import Child
from deploy.local.progress import SilentSteps, Steps
from deploy.local.supervisor import Row, Supervisor

Environments = Mapping[str, Mapping[str, str]]
NOTHING: Mapping[str, Mapping[str, str]] = MappingProxyType({})


class AlreadyRunningError(RuntimeError):
    """Another process runs a stack in the same folder."""


class Stack:
    """A running stack; made by `local_stack` or `start_stack`."""

    def __init__(
        self, *, where: folders.Folders, found: needs.Needs, urls: Mapping[str, str], database: str
    ) -> None:
        self.where = where
        self.kafka = found.kafka
        self.mongo = found.mongo
        self.smtp = found.smtp
        self.mail_dir: Path = found.mail_dir
        self.urls = dict(urls)
        self.database = database
        self._needs = [member.name for member in found.members]
        self._services: list[str] = []
        self._supervisor = Supervisor(on_change=self._write_state)
        self._supervisor.add(found.members)

    @property
    def keys_dir(self) -> Path:
        """The development keys."""
        return self.where.keys

    @property
    def log_dir(self) -> Path:
        """One `<name>.log` for each member."""
        return self.where.logs

    @property
    def addresses(self) -> Mapping[str, str]:
        """Every address by name."""
        return {"kafka": self.kafka, "mongo": self.mongo, "smtp": self.smtp, **self.urls}

    def rows(self) -> Sequence[Row]:
        """Return who is up: one row a member."""
        return self._supervisor.rows()

    async def start(self, name: str) -> None:
        """Start a member that is down, and wait until it is ready."""
        await self._supervisor.start(name)

    def begin(self, name: str) -> None:
        """Start a member that is down, without waiting for its readiness."""
        self._supervisor.begin(name)

    async def stop(self, name: str) -> None:
        """Stop a member in order; it stays down until `start`."""
        await self._supervisor.stop(name)

    async def restart(self, name: str) -> None:
        """Stop a member in order and start it again."""
        await self._supervisor.stop(name)
        await self._supervisor.start(name)

    async def kill(self, name: str, *, stays_down: bool = False) -> None:
        """End a member with SIGKILL; it comes back by itself unless `stays_down`."""
        await self._supervisor.kill(name, stays_down=stays_down)

    def freeze(self, name: str) -> None:
        """Halt a member (SIGSTOP)."""
        self._supervisor.freeze(name)

    def thaw(self, name: str) -> None:
        """Let a halted member go on (SIGCONT)."""
        self._supervisor.thaw(name)

    async def wait_ready(self, name: str, *, within_s: float = 60.0) -> None:
        """Wait until a member is ready, its restarts included."""
        await self._supervisor.wait_ready(name, within_s=within_s)

    async def start_needs(self, steps: Steps, *, watched: bool) -> None:
        """Start Kafka, MongoDB and the mail catcher together, then make the topics."""
        with steps.step("Starting " + (", ".join(self._needs) or "nothing: all addresses given")):
            await asyncio.gather(
                *(self._supervisor.start(name, watched=watched) for name in self._needs)
            )
        with steps.step("Topics") as step:
            outcome = await topics.apply(self.kafka, topics.load())
            step.says(f"{len(outcome.created)} made, {len(outcome.unchanged)} as declared")

    async def start_services(
        self,
        names: Sequence[str],
        *,
        steps: Steps | None = None,
        environments: Environments = NOTHING,
    ) -> None:
        """Start services together, and wait until each is ready."""
        self.add_services(names, environments=environments)
        with (steps or SilentSteps()).step("Starting " + ", ".join(names)):
            await asyncio.gather(*(self._supervisor.start(name) for name in names))

    def add_services(self, names: Sequence[str], *, environments: Environments = NOTHING) -> None:
        """Take services in without starting them; `router-2` is a second instance of `router`."""
        for name in names:
            self.urls.setdefault(name, f"http://{HOST}:{a_free_port()}")
        given = services.Surroundings(
            kafka=self.kafka,
            mongo=self.mongo,
            smtp=self.smtp,
            database=self.database,
            keys=self.where.keys,
            checkpoints=self.where.checkpoints,
            urls=self.urls,
        )
        specs = [services.spec(name, given, environments.get(name, {})) for name in names]
        self._supervisor.add(Child(spec, self.where.logs) for spec in specs)
        self._services.extend(names)

    async def stop_all(self) -> None:
        """Stop services, then what they need, all within 10 seconds: all survive a kill."""
        for group, within_s in ((self._services, 5.0), (self._needs, 4.0)):
            stopping = (self._supervisor.stop(name, within_s=within_s) for name in group)
            await asyncio.gather(*stopping)
        self.where.state.unlink(missing_ok=True)

    def _write_state(self) -> None:
        pids = {row.name: row.pid for row in self.rows() if row.pid is not None}
        state.write(self.where.state, addresses=self.addresses, pids=pids)


@contextlib.asynccontextmanager
async def local_stack(
    *,
    where: folders.Folders | None = None,
    services_wanted: Sequence[str] = services.NAMES,
    steps: Steps | None = None,
    environments: Environments = NOTHING,
    given: Mapping[str, str] | None = None,
    database: str = "aiguillage",
) -> AsyncIterator[Stack]:
    """Bring what is missing, start, hand over, stop.

    `environments` adds variables to single services, e.g. `{"router": {"AIGUILLAGE_CRASH_AT":
    "published"}}`. `given` is where addresses are looked up (the process environment if absent).
    Raises `MissingError`, `FetchError`, `NeverReadyError` or `AlreadyRunningError`.
    """
    steps = steps or SilentSteps()
    stack = await start_stack(where=where, steps=steps, given=given, database=database)
    try:
        if services_wanted:
            await stack.start_services(services_wanted, steps=steps, environments=environments)
        yield stack
    finally:
        with steps.step("Stopping"):
            await stack.stop_all()


async def start_stack(
    *,
    where: folders.Folders | None = None,
    steps: Steps | None = None,
    given: Mapping[str, str] | None = None,
    database: str = "aiguillage",
    watched: bool = True,
) -> Stack:
    """Start Kafka, MongoDB and the mail catcher, with topics and keys; the caller stops them.

    With `watched=False` nothing is restarted, and no event loop need run meanwhile.
    """
    where = where or folders.Folders.of_project()
    steps = steps or SilentSteps()
    if "owner" in state.alive(where.state):
        msg = f"A stack already runs in {where.data}; stop it with: make down"
        raise AlreadyRunningError(msg)
    await state.stop_left(where.state)
    where.data.mkdir(parents=True, exist_ok=True)
    secrets.make(where.keys)
    ports = Ports(where.ports)
    found = await needs.find(where, ports, steps, os.environ if given is None else given)
    urls = {name: f"http://{HOST}:{ports.take(name)}" for name in services.NAMES}
    stack = Stack(where=where, found=found, urls=urls, database=database)
    try:
        await stack.start_needs(steps, watched=watched)
    except BaseException:
        await stack.stop_all()
        raise
    return stack

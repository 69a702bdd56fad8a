"""The command `aiguillage demo`: start, push, walk, watch, verify, show; then stay, or end."""

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import httpx
import typer

from cli.dead.letters import Letter
from cli.demo import showing
from cli.demo.http_doors import HttpDoors, Refused, Taken
from cli.demo.kafka_door import KafkaDoor
from cli.demo.keepsakes import keep_headers, keep_metrics
from cli.demo.mailbox import Mailbox
from cli.demo.proof import NotProven, Proof, prove
from cli.demo.sample import Sample, load_sample
from cli.demo.session import Adherent, SessionFailed, Walked, walk
from cli.demo.verdict import Outcome
from cli.demo.watching import Watcher
from cli.tokens import mint
from deploy.local import debian, folders, foreground, services
from deploy.local.progress import ConsoleSteps, Step
from deploy.local.stack import Stack, local_stack
from desk import load_desk
from runtime.keys import read_key
from runtime.sealing import Sealer
from runtime.topic_reader import open_reader

ASSISTANT = "lucie-garnerot"
UNREADABLE = "malformed"
HTTP_DEADLINE_S = 20.0

app = typer.Typer(add_completion=False)


class TimedSteps(ConsoleSteps):
    """Steps on the console that also keep how long each took, in seconds."""

    def __init__(self) -> None:
        super().__init__()
        self.spent: dict[str, float] = {}

    @contextlib.contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """Show the step, and note its time."""
        began = time.monotonic()
        with super().step(title) as step:
            yield step
        self.spent[title] = time.monotonic() - began


@dataclass(slots=True, kw_only=True)
class Report:
    """What the run found; without faults it is a success."""

    outcomes: list[Outcome] = field(default_factory=list)
    walked: Walked | None = None
    proof: Proof | None = None
    parked: list[Letter] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


@app.command()
def demo(
    folder: Annotated[
        Path | None, typer.Option(help="Where data, logs and keys lie; .local if not given.")
    ] = None,
) -> None:
    """
    Run the whole system on the shipped sample and judge the outcome from outside.

    On a terminal it stays up until Ctrl-C; off a terminal, or with DEMO_EXIT=1, it stops all and
    exits: 0 when nothing was lost, doubled, misdelivered or unverified.
    """
    project = folders.Folders.of_project()
    where = folders.Folders(parts=project.parts, data=(folder or project.data).resolve())
    stays = sys.stdout.isatty() and os.environ.get("DEMO_EXIT") != "1"
    raise typer.Exit(foreground.run(lambda: _main(where, stays=stays)))


async def _main(where: folders.Folders, *, stays: bool) -> int:
    steps = TimedSteps()
    async with local_stack(where=where, steps=steps) as stack:
        run = f"{time.time_ns() // 1_000_000:x}"
        made = where.data / "demo" / run
        made.mkdir(parents=True)
        demonstration = Demonstration(stack=stack, steps=steps, run=run, folder=made)
        report = await demonstration.perform()
        demonstration.show(report)
        if stays:
            steps.note("Ctrl-C stops everything.")
            with contextlib.suppress(asyncio.CancelledError):
                await foreground.forever()
    return 1 if report.faults else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Demonstration:
    """One run over a stack; ``run`` is in every source's id, so that each run is new."""

    stack: Stack
    steps: TimedSteps
    run: str
    folder: Path

    async def perform(self) -> Report:
        """Push, walk, watch and verify; every fault is in the report, none is raised."""
        report = Report()
        desk = load_desk(services.DESK)
        mailbox = Mailbox(self.stack.mail_dir)
        async with (
            open_reader(self.stack.kafka) as reader,
            httpx.AsyncClient(timeout=HTTP_DEADLINE_S, trust_env=False) as client,
        ):
            watcher = await Watcher.begin(reader, mailbox, desk)
            try:
                taken = await self._push(client)
            except (Refused, httpx.HTTPError, TimeoutError) as error:
                report.faults.append(f"not taken: {error or type(error).__name__}")
                return report
            await self._walk(report, taken, watcher, mailbox)
            await self._watch(report, taken, watcher)
            await self._prove(report, client)
            await self._count_parked(report, watcher, client)
        return report

    async def _push(self, client: httpx.AsyncClient) -> list[Taken]:
        samples = load_sample()
        kcat = await debian.find(self.stack.where, "kcat", self.steps)
        with self.steps.step("Requests by HTTP: own JSON, CloudEvents, pages, calls") as step:
            doors = HttpDoors(
                url=self.stack.urls["intake"],
                keys_dir=self.stack.keys_dir,
                run=self.run,
                client=client,
            )
            taken = await doors.push([each for each in samples if each.door != "kafka"], step.says)
            step.says(f"{len(taken)} taken")
        with self.steps.step("Requests over Kafka, by kcat") as step:
            rest: Sequence[Sample] = [each for each in samples if each.door == "kafka"]
            kafka = KafkaDoor(bootstrap=self.stack.kafka, programs=kcat, run=self.run)
            await kafka.push_unreadable(rest[0])
            more = await kafka.push(rest)
            step.says(f"{len(more)} written, and one that nobody can read")
        return [*taken, *more]

    async def _walk(
        self, report: Report, taken: Sequence[Taken], watcher: Watcher, mailbox: Mailbox
    ) -> None:
        """Offer a session on the ticket of the first request that came by Kafka and wants one."""
        wanting = next(t for t in taken if "remote" in t.sample.flags and t.sample.door == "kafka")
        with self.steps.step("Remote session, as assistant and as adherent") as step:
            request_id = await watcher.ticket_of(wanting)
            if request_id is None:
                report.faults.append("session: its request has no ticket")
                return
            content = wanting.sample.content
            adherent = Adherent(
                request_id=request_id,
                tracking=wanting.tracking,
                name=content["contact"]["name"],
                email=content["contact"]["email"],
                organisation=content["organisation"],
            )
            try:
                async with httpx.AsyncClient(timeout=HTTP_DEADLINE_S, trust_env=False) as own:
                    report.walked = await walk(
                        url=self.stack.urls["consent"],
                        token=self._token(),
                        adherent=adherent,
                        mailbox=mailbox,
                        client=own,
                        says=step.says,
                    )
            except (SessionFailed, httpx.HTTPError) as error:
                report.faults.append(f"session: {error or type(error).__name__}")

    async def _watch(self, report: Report, taken: Sequence[Taken], watcher: Watcher) -> None:
        with self.steps.step("One ticket each, and its mails") as step:
            report.outcomes = await watcher.settled(taken, step.says)
            if report.walked is not None:
                told = await watcher.session_faults(report.walked)
                report.faults += [f"session: {fault}" for fault in told]
        for outcome in report.outcomes:
            for fault in (*outcome.missing, *outcome.wrong):
                report.faults.append(f"{outcome.taken.sample.id}: {fault}")

    async def _prove(self, report: Report, client: httpx.AsyncClient) -> None:
        with self.steps.step("Authorization log: export, checkpoint, verification") as step:
            try:
                report.proof = await prove(self.stack, self.folder, client)
            except (NotProven, httpx.HTTPError) as error:
                report.faults.append(f"log: {error or type(error).__name__}")
                return
            step.says(report.proof.finding.splitlines()[0])
        if not report.proof.is_intact:
            report.faults.append(f"log: {report.proof.finding}")

    async def _count_parked(
        self, report: Report, watcher: Watcher, client: httpx.AsyncClient
    ) -> None:
        sealer = Sealer(read_key(self.stack.keys_dir, "sealing.key"))
        report.parked = watcher.letters(sealer)
        if [letter.reason for letter in report.parked] != [UNREADABLE]:
            found = [f"{letter.origin_topic} {letter.reason}" for letter in report.parked]
            report.faults.append(f"parked: {found}, not the one unreadable record")
        keep_headers(self.folder, report.parked)
        for name in await keep_metrics(self.folder, self.stack.urls, client):
            report.faults.append(f"{name} does not answer")

    def _token(self) -> str:
        return mint(self.stack.keys_dir, ASSISTANT, minutes=60)

    def show(self, report: Report) -> None:
        """Print tables, finding, times, places and faults."""
        console = showing.make_console()
        desk = load_desk(services.DESK)
        console.print(showing.requests_table(report.outcomes, desk, width=console.width))
        if report.walked is not None:
            console.print(showing.timeline_table(report.walked))
        if report.proof is not None:
            showing.show_proof(console, report.proof)
        showing.show_parked(console, report.parked)
        console.print(showing.timings_table(self.steps.spent))
        showing.show_places(console, self.stack, self.folder, report.walked)
        showing.show_faults(console, report.faults)

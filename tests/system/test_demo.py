"""`aiguillage demo` as a person starts it; what it leaves behind names nobody."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from cli.demo.mailbox import read_mail
from cli.demo.sample import load_sample
from deploy.local import folders
from tests.conftest import _test_folders

MAX_S = 240
COMMAND = (sys.executable, "-c", "from cli.main import app; app()", "demo")


@dataclass(frozen=True, kw_only=True)
class Demo:
    """One run that has ended, with all that it wrote."""

    code: int
    output: str
    folder: Path

    @property
    def run(self) -> Path:
        """The folder of the run itself: metrics, dead letters' headers, the exported log."""
        (made,) = (self.folder / "demo").iterdir()
        return made


@pytest.fixture(scope="module")
def demo() -> Demo:
    folder = _test_folders().data
    own = {name: value for name, value in os.environ.items() if not name.startswith("AIGUILLAGE_")}
    ended = subprocess.run(  # noqa: S603 - argv is ours
        [*COMMAND, "--folder", str(folder)],
        cwd=folders.PROJECT,
        env={**own, "DEMO_EXIT": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=MAX_S,
    )
    return Demo(code=ended.returncode, output=ended.stdout, folder=folder)


@pytest.mark.timeout(MAX_S + 30)
def test_the_demo_finds_nothing_lost_doubled_misdelivered_or_unverified(demo: Demo) -> None:
    assert demo.code == 0, demo.output
    assert "Nothing lost, doubled, misdelivered or unverified." in demo.output
    assert "42 of 42" in demo.output
    assert "INTACT" in demo.output
    assert "UNCOVERED" not in demo.output
    assert "Traceback" not in demo.output


def test_the_demo_stops_all_that_it_started(demo: Demo) -> None:
    assert not (demo.folder / "stack.json").exists()


def test_what_nobody_can_read_is_parked_once_with_its_reason(demo: Demo) -> None:
    (line,) = (demo.run / "dead-letters.jsonl").read_text().splitlines()
    assert json.loads(line)["reason"] == "malformed"


def test_no_log_metric_or_dead_letter_header_names_a_person_of_the_sample(demo: Demo) -> None:
    written = [*demo.folder.glob("logs/*"), *demo.run.iterdir(), *demo.folder.glob("checkpoints/*")]
    names = {path.name for path in written}
    assert {"intake.log", "kafka.log", "mongo.log", "metrics-router.txt"} <= names
    canaries = {canary.lower() for sample in load_sample() for canary in sample.canaries}
    assert len(canaries) > 100
    found = {
        f"{path.name}: {canary[:40]}"
        for path in written
        for text in [path.read_text("utf-8", errors="replace").lower()]
        for canary in canaries | {json.dumps(canary)[1:-1] for canary in canaries}
        if canary in text
    }
    assert not found


def test_names_arrive_in_mails_and_secrets_in_none(demo: Demo) -> None:
    # Else a search that finds nothing would prove nothing.
    texts = "\n".join(
        f"{mail.recipient} {mail.subject} {mail.text}"
        for file in (demo.folder / "mail").glob("*.eml")
        for mail in read_mail(file)
    )
    for sample in load_sample():
        assert sample.content["contact"]["name"] in texts
        assert sample.secret is None or sample.secret not in texts

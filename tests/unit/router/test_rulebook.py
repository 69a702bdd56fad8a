"""Rules are taken live, whole or not at all."""

import asyncio
import os
import resource
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from deploy.waiting import until
from services.router.gateway import rulebook as gateway
from services.router.gateway.rulebook import Rulebook
from services.router.rules import RulesError, load_rules
from tests.unit.router.test_rules import SMALL

TURNED = SMALL.replace("general: 0.5", "general: 0.7")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    written = tmp_path / "routing.yaml"
    put(written, SMALL)
    return written


LEARNING = SMALL.replace("words:\n", "learned: {file: learned.json, points: 10}\nwords:\n")
ROOT = os.geteuid() == 0
NOBODY = 65534


def learned(version: int) -> str:
    return f'{{"version":"{version}","biases":[0,0,0,{version}],"words":{{}}}}'


def swap(file: Path, text: str) -> None:
    """Put a file in place as the runbook says: whole."""
    beside = file.with_suffix(".new")
    put(beside, text)
    beside.replace(file)


def swap_while_read(file: Path, said: str) -> None:
    """Wait until a reader has the rules and opens what was learned; swap that; let it read on."""
    pipe = file.with_name("learned.json")
    with pipe.open("w", encoding="utf-8") as reader:
        swap(pipe, learned(2))
        reader.write(said)


@pytest.fixture
def piped(file: Path) -> Path:
    """Rules that name learned words which are a pipe: who reads them has read the rules."""
    put(file, LEARNING)
    os.mkfifo(file.with_name("learned.json"))
    return file


def put_as_if_unchanged(file: Path, text: str) -> None:
    before = file.stat()
    put(file, text)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert file.stat().st_size == before.st_size


def permit(file: Path, mode: int) -> None:
    file.chmod(mode)


def own(file: Path) -> None:
    """Give a file to the unprivileged user."""
    if ROOT:
        os.chown(file, NOBODY, -1)


@contextmanager
def unprivileged() -> Iterator[None]:
    """Be a user for whom modes of files count, as they do not for root."""
    if not ROOT:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@contextmanager
def nothing_can_be_opened() -> Iterator[None]:
    """Have this process hold as many descriptors as it may."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.fixture
def open_file() -> Iterator[Path]:
    """Yield a rules file in a folder that everybody may enter, and the unprivileged user owns."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "routing.yaml"
        put(file, SMALL)
        own(file.parent)
        yield file


def put(file: Path, text: str | None) -> None:
    if text is None:
        file.unlink()
    else:
        file.write_text(text, encoding="utf-8")


def refused() -> float | None:
    return REGISTRY.get_sample_value("aiguillage_router_ruleset_refused")


def in_force() -> set[str]:
    (metric,) = (m for m in REGISTRY.collect() if m.name == "aiguillage_router_ruleset_info")
    return {sample.labels["version"] for sample in metric.samples}


async def test_a_change_is_taken_and_its_version_shown(file: Path) -> None:
    rulebook = Rulebook(file, interval_s=1)
    former = rulebook.ruleset
    put(file, TURNED)
    with capture_logs() as logs:
        await rulebook.look()
    assert rulebook.ruleset.version == load_rules(file).version != former.version
    assert in_force() == {rulebook.ruleset.version}
    (line,) = logs
    assert (line["event"], line["version"]) == ("ruleset taken", rulebook.ruleset.version)
    assert former.balance.start["general"] == 0.5  # whoever holds it goes on with it


async def test_what_was_learned_anew_is_taken_too(file: Path, tmp_path: Path) -> None:
    put(tmp_path / "learned.json", learned(1))
    put(file, LEARNING)
    rulebook = Rulebook(file, interval_s=1)
    former = rulebook.ruleset.version
    put(tmp_path / "learned.json", learned(2))
    await rulebook.look()
    assert rulebook.ruleset.version != former


async def test_files_beside_the_rules_that_they_do_not_name_are_nothing_to_them(file: Path) -> None:
    put(file.with_name("learned.json"), learned(1))
    put(file, LEARNING)
    rulebook = Rulebook(file, interval_s=1)
    former = rulebook.ruleset
    put(file.with_name("other.json"), "{}")
    await rulebook.look()
    assert rulebook.ruleset is former
    put(file, LEARNING.replace("learned.json", "other.json"))
    with capture_logs() as logs:
        await rulebook.look()
        put(file.with_name("learned.json"), learned(2))
        await rulebook.look()
    assert rulebook.ruleset is former
    assert [line["line"] for line in logs] == [8]
    put(file.with_name("other.json"), learned(2))
    await rulebook.look()
    assert rulebook.ruleset.version != former.version


async def test_a_change_that_keeps_size_and_times_is_taken(file: Path) -> None:
    rulebook = Rulebook(file, interval_s=1)
    put_as_if_unchanged(file, TURNED)
    await rulebook.look()
    assert rulebook.ruleset.version == load_rules(file).version


async def test_nothing_is_read_while_nothing_changes_unless_asked(file: Path) -> None:
    rulebook = Rulebook(file, interval_s=1)
    former = rulebook.ruleset
    await rulebook.look()
    assert rulebook.ruleset is former
    await rulebook.look(asked=True)
    assert rulebook.ruleset is not former
    assert rulebook.ruleset.version == former.version


async def test_a_broken_file_is_refused_by_line_and_the_old_rules_stay(file: Path) -> None:
    rulebook = Rulebook(file, interval_s=1)
    former = rulebook.ruleset
    put(file, SMALL.replace("weight: 4", "wieght: 4"))
    with capture_logs() as logs:
        await rulebook.look()
        await rulebook.look()
    assert rulebook.ruleset is former
    assert refused() == 1
    assert in_force() == {former.version}
    (line,) = logs
    assert (line["event"], line["log_level"]) == ("ruleset refused", "error")
    assert (line["file"], line["line"]) == (str(file), 18)
    assert "unknown key" in line["reason"]
    put(file, SMALL)
    await rulebook.look()
    assert refused() == 0
    assert rulebook.ruleset.version == former.version


async def test_what_nobody_expected_is_refused_with_its_file_and_its_cause(file: Path) -> None:
    rulebook = Rulebook(file, interval_s=1)
    former = rulebook.ruleset
    deep = "learned: {file: deep.json, points: 10}\nwords:\n"
    (file.parent / "deep.json").write_text('{"x":' + "[" * 100_000, encoding="utf-8")
    put(file, SMALL.replace("words:\n", deep))
    with capture_logs() as logs:
        await rulebook.look()
    assert (rulebook.ruleset, refused()) == (former, 1)
    (line,) = logs
    assert (line["event"], line["file"], line["line"]) == ("ruleset refused", str(file), 0)
    assert isinstance(line["exc_info"], RecursionError)


async def test_a_file_that_is_gone_is_refused(file: Path) -> None:
    rulebook = Rulebook(file, interval_s=1)
    put(file, None)
    await rulebook.look()
    assert refused() == 1


async def test_a_file_that_is_still_being_written_is_left_alone(file: Path) -> None:
    async def write_on(_: float) -> None:
        put(file, TURNED)

    rulebook = Rulebook(file, interval_s=1, sleep=write_on)
    former = rulebook.ruleset
    put(file, TURNED[:200])
    await rulebook.look()
    assert rulebook.ruleset is former
    assert refused() == 0


@pytest.mark.parametrize("said", [learned(1), "{"], ids=["mixed", "broken"])
async def test_files_that_are_swapped_while_they_are_read_are_read_again(
    piped: Path, said: str
) -> None:
    rules, pipe = piped.with_name("before.yaml"), piped.with_name("learned.json")
    put(rules, SMALL)
    rulebook = Rulebook(rules, interval_s=1)
    former = rulebook.ruleset
    put(rules, LEARNING)
    with capture_logs() as logs, ThreadPoolExecutor(1) as operator:
        swapping = operator.submit(swap_while_read, rules, said)
        await rulebook.look()
        swapping.result(timeout=60)
    assert pipe.is_file()
    assert rulebook.ruleset is former
    assert (logs, refused()) == ([], 0)
    watching = asyncio.create_task(rulebook.watch())

    async def taken() -> bool:
        return rulebook.ruleset.version == load_rules(rules).version

    assert await until(taken, within_s=20)
    watching.cancel()


async def test_no_router_starts_with_files_that_were_swapped_while_they_were_read(
    piped: Path,
) -> None:
    with ThreadPoolExecutor(1) as operator:
        swapping = operator.submit(swap_while_read, piped, learned(1))
        rulebook = await asyncio.to_thread(Rulebook, piped, interval_s=1)
        swapping.result(timeout=60)
    assert rulebook.ruleset.version == load_rules(piped).version


async def test_a_file_that_may_be_read_again_is_taken(open_file: Path) -> None:
    rulebook = Rulebook(open_file, interval_s=1)
    swap(open_file, TURNED)
    own(open_file)
    with unprivileged():
        permit(open_file, 0o000)
        with capture_logs() as logs:
            await rulebook.look()
            await rulebook.look()
        assert refused() == 1
        (line,) = logs
        assert line["reason"] == "the file cannot be read (Permission denied)"
        permit(open_file, 0o600)
        await rulebook.look()
    assert refused() == 0
    assert rulebook.ruleset.version == load_rules(open_file).version


async def test_rules_that_could_not_be_opened_are_looked_at_again(file: Path) -> None:
    rulebook = Rulebook(file, interval_s=1)
    put(file, TURNED)
    with nothing_can_be_opened():
        await rulebook.look()
    assert refused() == 1
    await rulebook.look()
    assert refused() == 0
    assert rulebook.ruleset.version == load_rules(file).version


def test_refused_files_are_read_again_less_and_less_often() -> None:
    assert [n for n in range(1, 130) if gateway._is_time(n)] == [1, 2, 4, 8, 16, 32, 64, 96, 128]


async def test_refused_files_are_looked_at_again_although_no_change_is_seen(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(file, SMALL)
    rulebook = Rulebook(file, interval_s=1)
    put(file, SMALL.replace("weight: 4", "wieght: 4"))
    await rulebook.look()
    assert refused() == 1
    monkeypatch.setattr(gateway, "_stamp", lambda _: rulebook._seen)
    put(file, TURNED)
    await rulebook.look()
    assert refused() == 0
    assert rulebook.ruleset.version == load_rules(file).version


async def test_the_same_mistake_in_a_file_that_was_written_again_is_told_again(file: Path) -> None:
    rulebook = Rulebook(file, interval_s=1)
    wrong = SMALL.replace("weight: 4", "wieght: 4")
    with capture_logs() as logs:
        for text in (wrong, wrong + "# once more\n"):
            put(file, text)
            await rulebook.look()
            await rulebook.look()
    assert [line["line"] for line in logs] == [18, 18]


async def test_the_watch_finds_changes_by_itself_and_at_once_when_asked(file: Path) -> None:
    rulebook = Rulebook(file, interval_s=0.05)
    watching = asyncio.create_task(rulebook.watch())
    put(file, TURNED)

    async def taken() -> bool:
        return rulebook.ruleset.version == load_rules(file).version

    assert await until(taken, within_s=20)
    watching.cancel()
    patient = Rulebook(file, interval_s=3600)
    watching = asyncio.create_task(patient.watch())
    former = patient.ruleset
    patient.ask()

    async def read_again() -> bool:
        return patient.ruleset is not former

    assert await until(read_again, within_s=20)
    watching.cancel()


def test_no_router_starts_with_broken_rules(tmp_path: Path) -> None:
    with pytest.raises(RulesError):
        Rulebook(tmp_path / "none.yaml", interval_s=1)

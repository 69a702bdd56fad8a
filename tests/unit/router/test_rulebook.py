"""Rules are taken live, whole or not at all."""

import asyncio
from pathlib import Path

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from deploy.waiting import until
from services.router.gateway.rulebook import Rulebook
from services.router.rules import RulesError, load_rules
from tests.unit.router.test_rules import SMALL

TURNED = SMALL.replace("general: 0.5", "general: 0.7")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    written = tmp_path / "routing.yaml"
    put(written, SMALL)
    return written


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
    learned = tmp_path / "learned.json"
    put(learned, '{"version":"1","biases":[0,0,0,0],"words":{}}')
    text = SMALL.replace("words:\n", "learned: {file: learned.json, points: 10}\nwords:\n")
    put(file, text)
    rulebook = Rulebook(file, interval_s=1)
    former = rulebook.ruleset.version
    put(learned, '{"version":"2","biases":[0,0,0,1],"words":{}}')
    await rulebook.look()
    assert rulebook.ruleset.version != former


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

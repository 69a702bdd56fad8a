"""A wrong or missing setting stops the process, naming it, without its value."""

from pathlib import Path

import pytest

from runtime import mongo
from runtime.settings import (
    EX_CONFIG,
    MongoSettings,
    PublicUrl,
    ServiceSettings,
    environment,
    load,
)


class Settings(ServiceSettings):
    model_config = environment("TRIAL_")
    mongo: MongoSettings


GOOD = {
    "TRIAL_KAFKA__BOOTSTRAP_SERVERS": "127.0.0.1:9092",
    "TRIAL_MONGO__URI": "mongodb://user:canari@127.0.0.1/",
    "TRIAL_MONGO__DATABASE": "trial",
    "TRIAL_HTTP__PORT": "8080",
}


@pytest.fixture
def environ(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    for name, value in {
        **GOOD,
        "TRIAL_DESK_DIR": str(tmp_path),
        "TRIAL_KEYS_DIR": str(tmp_path),
    }.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


@pytest.mark.usefixtures("environ")
def test_good_settings_are_read_and_secrets_are_not_shown() -> None:
    settings = load(Settings)
    assert settings.http.port == 8080
    assert "canari" not in repr(settings)


@pytest.mark.parametrize("name", [*GOOD, "TRIAL_DESK_DIR", "TRIAL_KEYS_DIR"])
def test_a_missing_setting_is_named(
    environ: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    environ.delenv(name)
    with pytest.raises(SystemExit) as stopped:
        load(Settings)
    assert stopped.value.code == EX_CONFIG
    assert name in {line.partition(":")[0] for line in capsys.readouterr().err.splitlines()}


def test_a_wrong_setting_is_named_without_its_value(
    environ: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environ.setenv("TRIAL_HTTP__PORT", "canari")
    with pytest.raises(SystemExit):
        load(Settings)
    said = capsys.readouterr().err
    assert "TRIAL_HTTP__PORT" in said
    assert "canari" not in said


def test_a_group_written_as_one_variable_is_named_without_its_value(
    environ: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environ.setenv("TRIAL_KAFKA", "canari")
    with pytest.raises(SystemExit) as stopped:
        load(Settings)
    assert stopped.value.code == EX_CONFIG
    said = capsys.readouterr().err
    assert "TRIAL_" in said
    assert '"kafka"' in said
    assert "canari" not in said


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TRIAL_MONGO__URI", "canari"),
        ("TRIAL_MONGO__URI", "http://canari"),
        ("TRIAL_MONGO__DATABASE", "canari$ x"),
    ],
)
def test_what_cannot_name_a_database_is_refused_without_being_shown(
    environ: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str
) -> None:
    environ.setenv(name, value)
    with pytest.raises(SystemExit) as stopped:
        load(Settings)
    assert stopped.value.code == EX_CONFIG
    said = capsys.readouterr().err
    assert name in said
    assert "canari" not in said


def test_a_uri_that_the_driver_cannot_read_stops_the_process_without_being_shown(
    environ: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environ.setenv("TRIAL_MONGO__URI", "mongodb://user:canari@[::/")
    with pytest.raises(SystemExit) as stopped:
        mongo.connect(load(Settings).mongo)
    assert stopped.value.code == EX_CONFIG
    said = capsys.readouterr().err
    assert "MONGO__URI" in said
    assert "canari" not in said


class Reachable(Settings):
    public_url: PublicUrl


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("https://assistance.example", "https://assistance.example"),
        ("https://assistance.example:8443/", "https://assistance.example:8443"),
        ("http://localhost:8001", "http://localhost:8001"),
        ("http://127.0.0.1:8001", "http://127.0.0.1:8001"),
        ("http://[::1]:8001", "http://[::1]:8001"),
    ],
)
def test_a_public_address_is_https_or_this_machine(
    environ: pytest.MonkeyPatch, value: str, read: str
) -> None:
    environ.setenv("TRIAL_PUBLIC_URL", value)
    assert load(Reachable).public_url == read


@pytest.mark.parametrize(
    "value",
    [
        "http://canari.example",
        "http://localhost.canari.example",
        "http://127.0.0.1@canari.example",
        "https://user:canari@assistance.example",
        "https://assistance.example/canari",
        "https://assistance.example?canari",
        "https://assistance.example:canari",
        "https://canari .example",
        "https://[canari",
        "https://",
        "ftp://canari.example",
        "canari",
    ],
)
def test_a_public_address_in_clear_or_with_more_than_a_host_is_refused_without_being_shown(
    environ: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], value: str
) -> None:
    environ.setenv("TRIAL_PUBLIC_URL", value)
    with pytest.raises(SystemExit) as stopped:
        load(Reachable)
    assert stopped.value.code == EX_CONFIG
    said = capsys.readouterr().err
    assert "TRIAL_PUBLIC_URL" in said
    assert "canari" not in said

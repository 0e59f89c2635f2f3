"""Settings: order of precedence, and one clear line for everything wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from engage.config import load
from engage.errors import SettingsError


def write(folder: Path, text: str) -> Path:
    path = folder / "config.yaml"
    path.write_text(text, "utf-8")
    return path


def test_flags_beat_environment_beat_file(tmp_path: Path) -> None:
    path = write(tmp_path, "web: {port: 1001, threads: 10}\n")
    settings = load(path, {"web": {"port": 1003}}, {"ENGAGE_WEB__PORT": "1002", "ENGAGE_WEB__THREADS": "20"})
    assert (settings.web.port, settings.web.threads) == (1003, 20)
    assert load(path, environment={}).web.port == 1001


def test_relative_paths_start_at_the_file(tmp_path: Path) -> None:
    settings = load(write(tmp_path, ""), environment={})
    assert settings.database_url == f"sqlite:///{tmp_path.resolve()}/var/engage.db"
    assert settings.path(settings.models.store) == tmp_path.resolve() / "var/models"


@pytest.mark.parametrize(
    ("text", "environment", "words"),
    [
        ("web: {prot: 1}", {}, ["web.prot", "config.yaml", "Unknown"]),
        ("wbe: {port: 1}", {}, ["wbe", "config.yaml", "Unknown"]),
        ("web: {port: many}", {}, ["web.port", "config.yaml", "integer"]),
        ("web: [1]", {}, ["web", "config.yaml"]),
        ("just words", {}, ["sections"]),
        ("web: {port: [}", {}, ["YAML", "line 1"]),
        ("scoring: {window_s: 0}", {}, ["scoring", "above 0"]),
        ("scoring: {windows: 0}", {}, ["scoring.windows", "Unknown"]),
        ("school: {time_zone: Mars/Olympus}", {}, ["school.time_zone", "Mars/Olympus", "Europe/Paris"]),
        ("risk: {min_sessions: 1}", {}, ["risk", "min_sessions must be 3 or more"]),
        ("policy: {jurisdiction: mars}", {}, ["policy.jurisdiction", "'eu'"]),
        ("", {"ENGAGE_WEBB__PORT": "1"}, ["ENGAGE_WEBB__PORT", "names no setting"]),
        ("", {"ENGAGE_WEB__PORT": "x"}, ["web.port", "the environment", "integer"]),
    ],
)
def test_what_is_wrong_is_one_line(tmp_path: Path, text: str, environment: dict[str, str], words: list[str]) -> None:
    with pytest.raises(SettingsError) as caught:
        load(write(tmp_path, text), environment=environment)
    line = str(caught.value)
    assert "\n" not in line
    for word in words:
        assert word in line


def test_a_missing_named_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no settings file"):
        load(tmp_path / "none.yaml", environment={})


def test_secrets_do_not_show(tmp_path: Path) -> None:
    settings = load(write(tmp_path, "database: {url: 'postgresql://me:hunter2@db/engage'}"), environment={})
    assert "hunter2" not in repr(settings) + settings.model_dump_json()

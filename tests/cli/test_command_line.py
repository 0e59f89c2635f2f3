"""The command line: help for everything, one clear line and exit code 2 for everything wrong."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from engage.cli import COMMANDS

ROOT = Path(__file__).resolve().parents[2]


def engage(*arguments: str, cwd: Path, module: str = "engage", **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ENGAGE_")}
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=cwd,
        env={**clean, **environment, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_every_command_is_documented(tmp_path: Path) -> None:
    done = engage("--help", cwd=tmp_path)
    assert done.returncode == 0
    for name in COMMANDS:
        lines = [line for line in done.stdout.splitlines() if line.startswith(f"  {name} ")]
        assert lines and len(lines[0].split()) > 3, f"{name} has no description"


def test_the_readme_names_every_command() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    assert [name for name in COMMANDS if f"`engage {name}" not in readme] == []


def test_trainer_runs_as_a_module(tmp_path: Path) -> None:
    assert engage("--help", cwd=tmp_path, module="trainer").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "environment", "words"),
    [
        (["--set", "web.prt=1", "config"], {}, "Unknown setting 'web.prt'"),
        (["--set", "web", "config"], {}, "not of the form"),
        (["--config", "none.yaml", "config"], {}, "no settings file"),
        (["config"], {"ENGAGE_WEB__PORT": "x"}, "web.port"),
        (["analyze", "none.mp4"], {}, "none.mp4"),
        (["db", "check"], {"ENGAGE_DATABASE__URL": "sqlite:////proc/none/engage.db"}, "/proc/none"),
    ],
)
def test_what_is_wrong_is_one_line(
    tmp_path: Path, arguments: list[str], environment: dict[str, str], words: str
) -> None:
    done = engage(*arguments, cwd=tmp_path, **environment)
    assert done.returncode == 2, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_config_prints_what_is_in_force_with_secrets_masked(tmp_path: Path) -> None:
    url = "postgresql://me:hunter2@db/engage"
    done = engage("--set", "web.port=8001", "config", "--json", cwd=tmp_path, ENGAGE_DATABASE__URL=url)
    values = json.loads(done.stdout)
    assert values["web"]["port"] == 8001
    assert values["database"]["url"] == "postgresql://me:***@db/engage"
    assert "hunter2" not in done.stdout + done.stderr


def test_a_port_in_use_is_said_before_anything_starts(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = engage("--set", f"web.port={port}", "serve", cwd=tmp_path)
    assert done.returncode == 2
    assert str(port) in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "var").exists()


def test_doctor_says_what_to_do(tmp_path: Path) -> None:
    done = engage("doctor", "--json", cwd=tmp_path)
    findings = {finding["subject"]: finding for finding in json.loads(done.stdout)}
    assert done.returncode == 2
    assert findings["database"]["verdict"] == "fail" and "engage db upgrade" in findings["database"]["text"]
    assert findings["face detector"]["verdict"] == "note" and "models fetch" in findings["face detector"]["text"]
    assert findings["port"]["verdict"] in ("ok", "fail")


def test_doctor_is_content_with_a_prepared_folder(tmp_path: Path, shared_dir: Path) -> None:
    folders = json.dumps([str(shared_dir / "models")])
    assert engage("db", "upgrade", cwd=tmp_path).returncode == 0
    done = engage("--set", "web.port=65123", "doctor", cwd=tmp_path, ENGAGE_MODELS__FOLDERS=folders)
    assert done.returncode == 0, done.stdout
    assert "YuNet, checksum verified" in done.stdout


def test_what_tests_start_is_this_checkout_and_not_one_that_is_installed(tmp_path: Path) -> None:
    code = "import engage, dashboard, trainer; print(engage.__file__, dashboard.__file__, trainer.__file__)"
    started = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    for file in (*started.stdout.split(), sys.modules["engage"].__file__):
        assert Path(file or "").is_relative_to(ROOT), file

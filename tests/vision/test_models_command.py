"""``engage models``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from engage.cli.models import models
from engage.config import Settings
from engage.errors import EngageError, ModelError
from engage.inference_settings import Models


def run(settings: Settings, *arguments: str) -> Result:
    return CliRunner().invoke(models, arguments, obj=settings)


@pytest.fixture
def empty(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path)


@pytest.fixture
def full(tmp_path: Path, shared_dir: Path) -> Settings:
    return Settings(home=tmp_path, models=Models(folders=(shared_dir / "models",)))


def test_list_names_what_is_missing_and_how_to_get_it(empty: Settings) -> None:
    result = run(empty, "list")
    assert result.exit_code == 0
    assert "yunet" in result.output and "engage models fetch yunet" in result.output
    assert "part of OpenCV" in result.output


def test_list_is_there_for_programs_too(full: Settings, shared_dir: Path) -> None:
    yunet, haar, *_ = json.loads(run(full, "list", "--json").output)
    assert yunet["state"] == "present" and yunet["path"].startswith(str(shared_dir.resolve()))
    assert len(yunet["sha256"]) == 64 and "0047ac24afb1a50a0c6105001c89d1b5b805dbf1" in yunet["url"]
    assert haar["state"] == "bundled" and haar["url"] is None


def test_fetch_leaves_alone_what_is_here(full: Settings, shared_dir: Path) -> None:
    result = run(full, "fetch")
    assert result.exit_code == 0
    assert str(shared_dir.resolve() / "models" / "yunet_n_640_640.onnx") in result.output
    assert not full.path(full.models.store).exists()


def test_fetch_refuses_an_unknown_name_before_anything_else(empty: Settings) -> None:
    result = run(empty, "fetch", "yunet", "nose")
    assert isinstance(result.exception, EngageError)
    assert "yunet, haar" in str(result.exception)


def test_verify_passes_what_is_right_and_only_tells_of_what_is_missing(full: Settings, empty: Settings) -> None:
    assert "yunet: here, checksum verified" in run(full, "verify").output
    result = run(empty, "verify")
    assert result.exit_code == 0 and "yunet: missing" in result.output


def test_verify_fails_on_a_damaged_file(empty: Settings) -> None:
    folder = empty.path(empty.models.store)
    folder.mkdir(parents=True)
    (folder / "yunet_n_640_640.onnx").write_bytes(b"damaged")
    result = run(empty, "verify")
    assert isinstance(result.exception, ModelError)
    assert str(folder / "yunet_n_640_640.onnx") in str(result.exception)

"""Which detector a name and the settings lead to."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from engage.config import Settings
from engage.errors import ModelError, SettingsError
from engage.inference_settings import Models
from engage.vision.detectors.registry import build_detector
from engage.vision.detectors.yunet import YuNet


@pytest.fixture
def without(tmp_path: Path) -> Settings:
    """Return settings whose store is empty."""
    return Settings(home=tmp_path)


def test_auto_takes_yunet_where_its_file_is(shared_dir: Path, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, models=Models(folders=(shared_dir / "models",)))
    assert build_detector("auto", settings).name == "yunet"
    assert build_detector("yunet", settings).name == "yunet"
    assert build_detector("haar", settings).name == "haar"


def test_auto_takes_haar_without_it_and_says_so(without: Settings, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        assert build_detector("auto", without).name == "haar"
    assert "detector=haar" in caplog.text
    assert "engage models fetch yunet" in caplog.text


def test_a_damaged_file_is_not_used(without: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "var" / "models"
    folder.mkdir(parents=True)
    (folder / "yunet_n_640_640.onnx").write_bytes(b"damaged")
    assert build_detector("auto", without).name == "haar"
    with pytest.raises(ModelError, match="damaged"):
        build_detector("yunet", without)


def test_a_named_detector_without_its_file_is_one_line(without: Settings) -> None:
    with pytest.raises(ModelError, match="engage models fetch yunet") as caught:
        build_detector("yunet", without)
    assert "\n" not in str(caught.value)


def test_an_unknown_detector_is_refused_with_those_there_are(without: Settings) -> None:
    with pytest.raises(SettingsError, match="auto, yunet, haar"):
        build_detector("mtcnn", without)


def test_a_file_that_is_no_network_is_one_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "yunet.onnx"
    path.write_bytes(b"not a network")
    with pytest.raises(ModelError, match="cannot be loaded") as caught:
        YuNet(path)
    assert "\n" not in str(caught.value)

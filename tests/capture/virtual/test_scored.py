"""Virtual students get the scores they should: from exact truth quickly, and once through pictures and network."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from engage.capture.virtual.scenes import BESIDE, CALIBRATION_S, SCENES, Scene
from engage.capture.virtual.script import Script
from engage.capture.virtual.truth import START, TYPICAL, Noise, frames
from engage.cli.bench import bench
from engage.cli.script_bench import by_confidence, falling
from engage.config import Settings
from engage.core.scoring_settings import ScoringSettings
from engage.core.types import GestureEvent, Score
from engage.errors import SettingsError
from engage.inference.card import default_folder
from engage.inference_settings import Models
from engage.pipeline.student import StudentLine

SECONDS = 120.0
BY_NAME = {scene.name: scene for scene in SCENES}
ROUGH = replace(TYPICAL, angle_bias=4.0, angle_jitter=6.0, openness_jitter=0.15, blur=0.5)
PLAIN = replace(ScoringSettings(), participation_gain=0.0)


@cache
def scores(scene: Scene, rate_fps: float, noise: Noise | None, settings: ScoringSettings) -> tuple[Score, ...]:
    (seed,) = scene.seeds(1)
    line = StudentLine(1, 1, settings)
    if scene.calibrated:
        line.note(GestureEvent(1, 1, "calibration", START, START + timedelta(seconds=CALIBRATION_S), 1.0))
    taken = [line.take(frame) for frame in frames(Script(scene.script, seed), rate_fps, SECONDS, noise)]
    return tuple(one.sample.score for one in taken if one.sample is not None)


def mean(found: tuple[Score, ...]) -> float:
    return float(np.mean([score.value for score in found if score.value is not None]))


@pytest.mark.parametrize("name", [scene.name for scene in SCENES])
def test_scripts_get_the_scores_they_should(name: str) -> None:
    scene, rate_fps = BY_NAME[name], 5.0
    for noise in (None, TYPICAL):
        found = scores(scene, rate_fps, noise, PLAIN)
        if scene.nobody:
            script = Script(scene.script, scene.seeds(1)[0])
            present = [script.truth_at(float(second)).present for second in range(len(found))]
            gone = [score for k, score in enumerate(found) if k >= 11 and not any(present[k - 10 : k + 1])]
            assert len(gone) > 60 and all(score.value is None for score in gone)
        elif scene.beside:
            assert abs(mean(found) - mean(scores(BY_NAME[scene.beside], rate_fps, noise, PLAIN))) <= BESIDE
        else:
            assert (scene.lowest or 0.0) <= mean(found) <= (scene.highest or 10.0)


@pytest.mark.parametrize("name", ["attentive", "distracted", "drowsy", "note-taking"])
def test_the_frame_rate_does_not_change_the_score(name: str) -> None:
    means = [mean(scores(BY_NAME[name], rate_fps, TYPICAL, PLAIN)) for rate_fps in (2.0, 5.0, 15.0)]
    assert max(means) - min(means) <= 0.3, means


def test_higher_confidence_means_smaller_error() -> None:
    pairs = []
    for name in ("attentive", "note-taking", "dark room"):
        exact = scores(BY_NAME[name], 5.0, None, PLAIN)
        for noise in (TYPICAL, ROUGH):
            read = scores(BY_NAME[name], 5.0, noise, PLAIN)
            both = zip(read, exact, strict=True)
            pairs += [(r.confidence, abs(r.value - e.value)) for r, e in both if r.value is not None and e.value]
    groups = by_confidence(pairs)
    assert falling(groups), groups
    assert groups[0]["error"] > 2 * groups[-1]["error"]


def test_participation_lifts_the_attentive_and_not_the_distracted() -> None:
    default = ScoringSettings()

    def lift(name: str) -> float:
        return mean(scores(BY_NAME[name], 5.0, TYPICAL, default)) - mean(scores(BY_NAME[name], 5.0, TYPICAL, PLAIN))

    assert lift("attentive") >= 0 and lift("distracted") < 0.3


@pytest.mark.timeout(300)
def test_the_command_measures_from_pictures(shared_dir: Path) -> None:
    if not (default_folder() / "card.toml").is_file():
        pytest.skip(f"no weights at {default_folder()}")
    settings = Settings(models=Models(folders=(shared_dir / "models",)))
    words = ["--students", "1", "--rate", "2", "--seconds", "16", "--script", "drowsy", "--json"]
    answer = CliRunner().invoke(bench, ["scripts", *words], obj=settings)
    assert answer.exit_code == 0, answer.output
    rows = json.loads(answer.stdout)["scripts"]
    assert list(rows) == ["attentive", "drowsy"], "the others are held against the attentive one"
    assert rows["attentive"]["met"] and rows["attentive"]["yaw_error_deg"] < 5
    assert all(abs(row["measured"] - row["from_truth"]) < 1 for row in rows.values()), rows
    assert rows["drowsy"]["measured"] < rows["attentive"]["measured"]


def test_an_unknown_script_is_refused() -> None:
    answer = CliRunner().invoke(bench, ["scripts", "--script", "asleep"], obj=Settings())
    assert isinstance(answer.exception, SettingsError) and "There is no script 'asleep'" in str(answer.exception)

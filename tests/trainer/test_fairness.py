"""``trainer fairness``: right shares and intervals, groups that are too small, conditions that do what they say."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from engage.core.types import EMOTIONS, Box, Image
from engage.core.types import Face as Seen
from trainer import fairness
from trainer.cli.fairness import fairness as command
from trainer.conditions import CONDITIONS
from trainer.errors import DataError
from trainer.fairness import Face, measure, resampled, wilson
from trainer.fairness_text import to_markdown
from trainer.groups_file import Columns, read_groups


class BrightFaces:
    """A detector that sees a face where the middle of the frame is brighter than 60, as poor ones do."""

    name = "bright"

    def detect(self, image: Image) -> list[Seen]:
        height, width = image.shape[:2]
        middle = image[height // 3 : -height // 3, width // 3 : -width // 3]
        return [Seen(Box(width * 0.2, height * 0.2, width * 0.6, height * 0.6), 0.9)] if middle.mean() > 60 else []


class ByLight:
    """A classifier that calls dark faces angry and others neutral."""

    name = "by light"

    def predict(self, crops: Image) -> np.ndarray:
        answers = np.zeros((len(crops), len(EMOTIONS)), np.float32)
        dark = crops.reshape(len(crops), -1).mean(axis=1) < 110
        answers[dark, EMOTIONS.index("anger")] = 1.0
        answers[~dark, EMOTIONS.index("neutral")] = 1.0
        return answers


def face(level: int, group: str, subject: str | None = None) -> Face:
    image = np.full((48, 48, 3), level, np.uint8)
    return Face(image, {"group": group}, subject, EMOTIONS.index("neutral"))


def measured(faces: list[Face], least: int = 5) -> dict[tuple[str, str, str], Any]:
    found = measure(faces, ByLight(), BrightFaces(), least=least)  # type: ignore[arg-type]
    return {(each.column, each.group, each.condition): each for each in found.figures}


def test_a_group_that_is_read_worse_shows() -> None:
    faces = [
        *(face(200, "light") for _ in range(20)),
        *(face(90, "dark") for _ in range(16)),
        *(face(30, "dark") for _ in range(4)),
    ]
    found = measured(faces)
    light, dark = found["group", "light", "unchanged"], found["group", "dark", "unchanged"]
    assert (light.no_face.value, light.accuracy.value, light.alerts.value) == (0.0, 1.0, 0.0)
    assert (dark.n, dark.no_face.value, dark.accuracy.value, dark.alerts.value) == (20, 0.2, 0.0, 1.0)
    expected = 8.0 * 0.25 / 0.9 - 8.0
    assert dark.score_shift.value == pytest.approx(expected) and light.score_shift.value == pytest.approx(-expected)
    assert light.no_face.high + 0.1 > 0.2 and dark.no_face.low < 0.2 < dark.no_face.high
    changed = found["group", "light", "dark (a third of the light)"]
    assert changed.score_shift.value == pytest.approx(expected), "against the same pictures unchanged"
    assert found["everybody", "everybody", "unchanged"].n == 40


def test_small_groups_have_no_figures() -> None:
    faces = [*(face(200, "large") for _ in range(8)), *(face(200, "small") for _ in range(3))]
    found = measure(faces, ByLight(), BrightFaces(), least=5)  # type: ignore[arg-type]
    assert {each.group for each in found.figures if each.column == "group"} == {"large"}
    assert ("group", "small", 3) in found.too_small
    text = to_markdown(found, "A title")
    assert "Too few pictures for a figure: " in text and "group small (3)" in text and "| large | 8 |" in text


def test_intervals() -> None:
    half = wilson(50, 100)  # Wilson 1927; Newcombe 1998, table I gives .4038 to .5962
    assert (half.low, half.high) == (pytest.approx(0.4038, abs=1e-4), pytest.approx(0.5962, abs=1e-4))
    assert wilson(0, 30).low == 0.0 and wilson(0, 30).high > 0.1
    values = np.repeat([0.0, 1.0], 100)
    alone = resampled(values, [str(k) for k in range(200)])
    few = resampled(values, ["a"] * 50 + ["b"] * 50 + ["c"] * 50 + ["d"] * 50)
    assert few.high - few.low > 3 * (alone.high - alone.low), "four people are not two hundred"


def test_people_count_where_they_are_known() -> None:
    faces = [face(200 if k % 4 else 90, "one", f"person {k % 4}") for k in range(40)]
    figures = measured(faces)["group", "one", "unchanged"]
    assert figures.subjects == 4 and figures.accuracy.value == 0.75 and figures.accuracy.low <= 0.5


@pytest.mark.parametrize("name", list(CONDITIONS))
def test_every_condition_changes_the_face_and_nothing_far_from_it(name: str) -> None:
    image = np.random.default_rng(3).integers(60, 200, (240, 240, 3), np.uint8)
    box = Box(80, 70, 80, 100)
    changed = CONDITIONS[name](image.copy(), box)
    assert changed.shape == image.shape and changed.dtype == np.uint8
    assert (np.array_equal(changed, image)) == (name == "unchanged")
    local = name.startswith(("skin", "glasses", "sunglasses", "mask"))
    assert np.array_equal(changed[:20], image[:20]) == (local or name == "unchanged")
    inside = (slice(90, 150), slice(90, 150))
    if "darker" in name or name.startswith("dark"):
        assert changed[inside].mean() < 0.6 * image[inside].mean()


@pytest.fixture
def table(tmp_path: Path) -> Path:
    (tmp_path / "pictures").mkdir()
    with (tmp_path / "groups.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["image", "subject", "label", "light", "note"])
        for k in range(40):
            cv2.imwrite(str(tmp_path / "pictures" / f"{k}.png"), np.full((60, 60, 3), 200, np.uint8))
            writer.writerow([f"pictures/{k}.png", k % 10, "neutral", "lamp" if k % 2 else "window", f"note {k}"])
    return tmp_path / "groups.csv"


def test_a_table_of_groups(table: Path) -> None:
    faces = read_groups(table, None, Columns())
    assert len(faces) == 40 and set(faces[0].groups) == {"light"}, "notes are no group"
    assert (faces[1].subject, faces[1].label, faces[1].groups["light"]) == ("1", 0, "lamp")
    assert len(read_groups(table, None, Columns(), limit=7)) == 7
    table.write_text(table.read_text().replace("neutral", "3"))
    judged = read_groups(table, None, Columns())
    assert judged[0].label is None and set(judged[0].groups) == {"light", "label"}
    for columns, images in ((Columns(image="file"), None), (Columns(), table.parent / "elsewhere")):
        with pytest.raises(DataError):
            read_groups(table, images, columns)


def test_the_command(table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fairness, "CONDITIONS", {"unchanged": CONDITIONS["unchanged"]})
    words = ["--groups", str(table), "--detector", "haar", "--to", str(tmp_path / "out.md"), "--json", "--threads", "1"]
    done = CliRunner().invoke(command, words)
    assert done.exit_code == 0, done.output
    figures = json.loads(done.output)["figures"]
    assert {each["group"] for each in figures if each["column"] == "light"} == set(), "twenty are too few"
    assert (tmp_path / "out.md").read_text().startswith("## groups: 40 pictures")
    assert isinstance(CliRunner().invoke(command, []).exception, DataError)

"""The files of an analysis: what is in them, and that they are whole or not there."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engage.cli.analysis import FaceReading, Track
from engage.cli.analysis_files import CSV_COLUMNS, Report, csv_text, json_chunks, new_files
from engage.core.signals import FaceSignals
from engage.core.types import EMOTIONS, Box, Reason, Sample, Score, ScoredSample
from engage.errors import EngageError

HAPPY = (0.1, 0.9, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


def track(number: int, score: Score, expression: tuple[float, ...] | None = HAPPY) -> Track:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    scored = ScoredSample(Sample(0, number, 0, moment, 1, 0.5, 1.0, 0.9, 0.5), score, "v")
    signals = FaceSignals(number, Box(1.04, 2, 3, 4), 0.9, expression, yaw_deg=12.34567)
    readings = [FaceReading(0.2 * k, signals, scored) for k in range(3)]
    return Track(number, 0.2, readings, [scored])


REPORT = Report(
    'a "film".mp4',
    0.6,
    "full",
    "v",
    "model 1",
    "",
    [track(1, Score(7.12345, 0.8)), track(2, Score(None, 0.0, Reason.AWAY))],
)


def test_json_holds_every_reading_by_name() -> None:
    document = json.loads("".join(json_chunks(REPORT)))
    assert document["path"] == 'a "film".mp4' and document["duration_s"] == 0.6
    first, second = document["tracks"]
    assert (first["id"], first["score"], first["confidence"]) == (1, 7.1235, 0.8)
    assert (second["score"], second["reason"]) == (None, "away")
    assert first["seen_s"] == 0.6
    frame = first["frames"][1]
    assert frame["time"] == 0.2 and frame["box"] == [1.0, 2, 3, 4] and frame["confidence"] == 0.9
    assert tuple(frame["expression"]) == EMOTIONS and frame["expression"]["happiness"] == 0.9
    assert frame["yaw_deg"] == 12.3457
    for name in ("pitch_deg", "roll_deg", "gaze_x", "gaze_y", "left_eye_open", "right_eye_open", "mouth_open", "smile"):
        assert frame[name] is None
    assert len(first["frames"]) == 3 and "file" not in frame


def test_json_without_faces_is_whole() -> None:
    document = json.loads("".join(json_chunks(Report("x", 1.0, "full", "v", None, "cut off", []))))
    assert document["tracks"] == [] and document["remark"] == "cut off"


def test_csv_has_a_line_per_reading() -> None:
    rows = list(csv.DictReader(io.StringIO("".join(csv_text(REPORT.tracks)))))
    assert len(rows) == 6 and tuple(rows[0]) == CSV_COLUMNS
    assert (rows[0]["track"], rows[0]["happiness"], rows[0]["gaze_x"], rows[0]["score"]) == ("1", "0.9", "", "7.1235")
    assert rows[5]["track"] == "2" and rows[5]["score"] == ""
    assert "".join(csv_text([])).startswith("track,")


def test_expressions_that_were_not_read_are_empty() -> None:
    quiet = Report("x", 0.6, "attention", "v", None, "", [track(1, Score(8.0, 0.9), None)])
    document = json.loads("".join(json_chunks(quiet)))
    assert document["tracks"][0]["expression"] is None and document["tracks"][0]["frames"][0]["expression"] is None
    row = next(csv.DictReader(io.StringIO("".join(csv_text(quiet.tracks)))))
    assert all(row[name] == "" for name in EMOTIONS)


def test_files_appear_together_at_the_end(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "out"
    with new_files(folder, ["a.json"], False) as draft:
        (draft / "a.json").write_text("1")
        (draft / "pictures").mkdir()
        assert not (folder / "a.json").exists()
    assert sorted(path.name for path in folder.iterdir()) == ["a.json", "pictures"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_nothing_is_left_of_a_broken_analysis(tmp_path: Path, error: type[BaseException]) -> None:
    with pytest.raises(error), new_files(tmp_path / "deep" / "out", ["a.json"], False) as draft:
        (draft / "a.json").write_text("half")
        raise error
    assert list(tmp_path.iterdir()) == []


def test_a_broken_analysis_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("old")
    with pytest.raises(ValueError, match="broken"), new_files(tmp_path, ["a.json"], True) as draft:
        (draft / "a.json").write_text("half")
        raise ValueError("broken")
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
    assert (tmp_path / "a.json").read_text() == "old"


def test_nothing_is_replaced_unless_forced(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("old")
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "old.jpg").touch()
    with pytest.raises(EngageError, match="--force"), new_files(tmp_path, ["b.csv", "a.json"], False):
        pytest.fail("it went on")
    with new_files(tmp_path, ["a.json", "pictures"], True) as draft:
        (draft / "a.json").write_text("new")
        (draft / "pictures").mkdir()
    assert (tmp_path / "a.json").read_text() == "new"
    assert list((tmp_path / "pictures").iterdir()) == []


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EngageError, match="--out") as caught, new_files(tmp_path / "file" / "out", ["a"], False):
        pytest.fail("it went on")
    assert "\n" not in str(caught.value)

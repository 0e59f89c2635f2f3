"""What is drawn onto an annotated copy, and that the copy has every frame."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest

from engage.capture.native import quiet_opencv
from engage.cli.analysis import FaceReading
from engage.cli.annotate import AnnotatedVideo, between, draw, label, write_picture
from engage.core.signals import FaceSignals
from engage.core.types import Box, Frame, Mode, Reason, Sample, Score, ScoredSample
from engage.errors import EngageError

quiet_opencv()
MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
UNKNOWN_BELOW = 0.4
SAD = (0.1, 0.0, 0.0, 0.9, 0.0, 0.0, 0.0, 0.0)
UNSURE = (0.125,) * 8


def reading(
    box: Box, track: int = 1, score: Score | None = None, expression: tuple[float, ...] = SAD, mode: Mode = Mode.FULL
) -> FaceReading:
    sample = Sample(0, track, 0, MOMENT, 1, 0.5, 1.0, 0.9, 0.5, expression=expression, mode=mode)
    return FaceReading(0.0, FaceSignals(track, box, 0.9), ScoredSample(sample, score or Score(6.54, 0.8), "v"))


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (reading(Box(0, 0, 1, 1), 3), "3  sadness  6.5"),
        (reading(Box(0, 0, 1, 1), expression=UNSURE), "1  unknown  6.5"),
        (reading(Box(0, 0, 1, 1), score=Score(None, 0.0, Reason.TOO_DARK)), "1  too dark"),
        (reading(Box(0, 0, 1, 1), mode=Mode.ATTENTION), "1  present  6.5"),
        (reading(Box(0, 0, 1, 1), score=Score(None, 0.0, Reason.PRESENCE_ONLY), mode=Mode.PRESENCE), "1  present"),
    ],
)
def test_labels_say_track_word_and_score(given: FaceReading, text: str) -> None:
    assert label(given, UNKNOWN_BELOW) == text


def test_a_copy_is_drawn_on_and_only_around_the_face() -> None:
    image = np.full((240, 320, 3), 90, np.uint8)
    drawn = draw(image, [reading(Box(100, 100, 60, 80))], UNKNOWN_BELOW)
    assert (image == 90).all()
    changed = np.argwhere((drawn != 90).any(axis=2))
    assert changed[:, 0].min() > 60 and changed[:, 0].max() < 190
    assert (drawn[110:170, 110:150] == 90).all()
    assert (draw(image, [], UNKNOWN_BELOW) == image).all()


@pytest.mark.parametrize(
    ("signals", "aside", "up"),
    [({"yaw_deg": 50.0}, 1, 0), ({"yaw_deg": 20.0, "gaze_x": -70.0}, -1, 0), ({"pitch_deg": -40.0}, 0, -1)],
)
def test_the_line_of_sight_points_where_head_and_eyes_do(signals: dict[str, float], aside: int, up: int) -> None:
    box, plain = Box(100, 60, 100, 120), reading(Box(100, 60, 100, 120))
    image = np.full((240, 320, 3), 90, np.uint8)
    looking = replace(plain, signals=replace(plain.signals, **{"yaw_deg": 0.0, "pitch_deg": 0.0, **signals}))
    new = np.argwhere((draw(image, [looking], UNKNOWN_BELOW) != draw(image, [plain], UNKNOWN_BELOW)).any(axis=2))
    y, x = new.mean(axis=0)
    middle_x, middle_y = box.x + box.w / 2, box.y + 0.4 * box.h
    assert np.sign(round((x - middle_x) / 10)) == aside and np.sign(round((middle_y - y) / 10)) == up


def test_the_line_of_sight_turns_smoothly_between_two_looks() -> None:
    first, last = (reading(Box(0, 0, 10, 10)) for _ in range(2))
    first = replace(first, signals=replace(first.signals, yaw_deg=10.0, gaze_x=None))
    last = replace(last, signals=replace(last.signals, yaw_deg=30.0, gaze_x=5.0))
    (found,) = between([first], [last], 0.25)
    assert (found.signals.yaw_deg, found.signals.gaze_x, found.signals.pitch_deg) == (15.0, None, None)


@pytest.mark.parametrize(
    "box", [Box(-20, -30, 60, 60), Box(300, 220, 60, 60), Box(-5, 100, 400, 20), Box(0, 0, 1, 1), Box(900, 900, 5, 5)]
)
@pytest.mark.parametrize("size", [(240, 320), (12, 16), (1, 1), (600, 40)])
def test_any_box_can_be_drawn_on_any_picture(box: Box, size: tuple[int, int]) -> None:
    image = np.zeros((*size, 3), np.uint8)
    assert draw(image, [reading(box)], UNKNOWN_BELOW).shape == image.shape


def test_a_label_does_not_cover_the_face_above() -> None:
    image = np.full((400, 400, 3), 90, np.uint8)
    upper, lower = Box(100, 100, 100, 100), Box(100, 205, 100, 100)
    drawn = draw(image, [reading(upper, 1), reading(lower, 2)], UNKNOWN_BELOW)
    assert (drawn[110:190, 110:190] == 90).all()


def test_boxes_move_on_between_two_looks() -> None:
    before = [reading(Box(0, 0, 10, 10), 1), reading(Box(50, 50, 10, 10), 2)]
    after = [reading(Box(10, 20, 14, 10), 1), reading(Box(70, 0, 10, 10), 3)]
    moved = between(before, after, 0.5)
    assert [found.signals.box for found in moved] == [Box(5, 10, 12, 10), Box(50, 50, 10, 10)]


def frame(seq: int, gray: int = 90) -> Frame:
    return Frame(np.full((48, 64, 3), gray, np.uint8), seq, MOMENT, 0.0, seq / 10)


def test_a_video_has_every_frame_at_its_rate(tmp_path: Path) -> None:
    video = AnnotatedVideo(tmp_path / "copy.mp4", 10.0, UNKNOWN_BELOW)
    video.look(frame(0), [reading(Box(0, 0, 10, 10))])
    video.pass_over(frame(1))
    video.look(frame(2), [reading(Box(40, 20, 10, 10))])
    video.pass_over(frame(3))
    video.pass_over(frame(4))
    video.close()
    copy = cv2.VideoCapture(str(tmp_path / "copy.mp4"))
    assert copy.get(cv2.CAP_PROP_FPS) == pytest.approx(10.0)
    count = 0
    while copy.grab():
        count += 1
    assert count == 5


def test_a_video_without_frames_is_no_file(tmp_path: Path) -> None:
    AnnotatedVideo(tmp_path / "copy.mp4", 10.0, UNKNOWN_BELOW).close()
    assert list(tmp_path.iterdir()) == []


def test_a_video_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    video = AnnotatedVideo(tmp_path / "nowhere" / "copy.mp4", 10.0, UNKNOWN_BELOW)
    video.look(frame(0), [])
    with pytest.raises(EngageError, match="cannot be written"):
        video.close()


def test_a_picture_is_written_by_its_suffix(tmp_path: Path) -> None:
    write_picture(tmp_path / "copy.jpg", frame(0).image)
    assert cv2.imread(str(tmp_path / "copy.jpg")).shape == (48, 64, 3)

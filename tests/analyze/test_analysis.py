"""The analyst: tracks, expressions and scores of a recording, the same as a live session's."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from numpy.typing import NDArray

from engage.capture.looking import Looked
from engage.cli.analysis import NO_ORIGIN, Analyst, Rules
from engage.core.scoring import score_all
from engage.core.scoring_settings import ScoringSettings
from engage.core.types import Box, FaceCrop, Frame, FrameSignals, HeadPose, Image, Mode, Reason
from engage.inference.worker import face_signals
from engage.pipeline.sampling import SampleBuilder

SCORING = ScoringSettings()
START = datetime(2026, 1, 1, tzinfo=UTC)
FPS = 5


class Stage:
    """A finder that shows the given track ids in each frame, each face at its own gray."""

    def __init__(self, cast: Sequence[Sequence[int]]) -> None:
        self.cast = cast
        self.resets = 0

    def look(self, frame: Frame, mode: Mode) -> Looked:
        faces = tuple(crop(track, frame.seq) for track in self.cast[frame.seq])
        return Looked(faces, 0.5)

    def reset(self) -> None:
        self.resets += 1


class Reader:
    """A classifier that sees happiness grow with the brightness of the crop."""

    name = "reader"

    def __init__(self) -> None:
        self.batches: list[int] = []

    def predict(self, crops: Image) -> NDArray[np.float32]:
        self.batches.append(len(crops))
        happy = crops.mean(axis=(1, 2)) / 255
        rows = np.zeros((len(crops), 8), np.float32)
        rows[:, 0], rows[:, 1] = 1 - happy, happy
        return rows


def crop(track: int, seq: int) -> FaceCrop:
    gray = (seq * 7 + track * 31) % 256
    pose = HeadPose(float(seq % 40), 0.0, 0.0)
    return FaceCrop(track, np.full((48, 48), gray, np.uint8), Box(10 * track, 0, 10, 10), 0.9, pose)


def frames(count: int) -> list[Frame]:
    image = np.zeros((8, 8, 3), np.uint8)
    return [Frame(image, k, START + timedelta(seconds=k / FPS), 0.0, k / FPS) for k in range(count)]


def analyst(cast: Sequence[Sequence[int]], mode: Mode = Mode.FULL) -> tuple[Analyst, Reader]:
    reader = Reader()
    return Analyst(Rules(mode, SCORING, memory_s=1.0, look_s=1 / FPS), Stage(cast), reader), reader


def test_scores_are_those_of_a_live_session() -> None:
    count = 61
    found, reader = analyst([[1]] * count)
    found.read(frames(count))
    builder, samples = SampleBuilder(0, 1), []
    for frame in frames(count):
        face = crop(1, frame.seq)
        expression = tuple(map(float, reader.predict(face.pixels[None])[0]))
        signals = FrameSignals(
            NO_ORIGIN, Mode.FULL, frame.seq, frame.captured_at, 0.0, 0.5, (face_signals(face, expression),)
        )
        sample = builder.add(signals, signals.faces[0])
        samples += [sample] if sample else []
    scores = score_all(samples, SCORING)
    assert [scored.sample for scored in found.tracks[0].samples] == samples
    assert [scored.score for scored in found.tracks[0].samples] == scores


def test_batches_change_nothing_but_the_number_of_passes() -> None:
    cast = [[1, 2] if k % 3 else [2] for k in range(20)]
    whole, one_pass = analyst(cast)
    whole.read(frames(20))
    parts, passes = analyst(cast)
    for frame in frames(20):
        parts.read([frame])
    assert whole.tracks == parts.tracks
    assert len(one_pass.batches) == 1 and len(passes.batches) == 20


def test_every_frame_gives_its_own_faces_in_order() -> None:
    found, _ = analyst([[1], [], [2, 1]])
    readings = found.read(frames(3))
    assert [[reading.signals.track_id for reading in row] for row in readings] == [[1], [], [2, 1]]
    assert [reading.time_s for reading in found.tracks[0].readings] == [0.0, 0.4]
    assert readings[2][0].signals.expression != readings[2][1].signals.expression


def test_attention_reads_no_expression_and_presence_gives_no_score() -> None:
    found, reader = analyst([[1]] * 10, Mode.ATTENTION)
    found.read(frames(10))
    track = found.tracks[0]
    assert reader.batches == [] and track.expression is None
    assert track.score.value is not None and track.readings[0].signals.yaw_deg == 0.0
    found, reader = analyst([[1]] * 10, Mode.PRESENCE)
    found.read(frames(10))
    assert reader.batches == []
    assert found.tracks[0].score.value is None
    assert found.tracks[0].score.reason is Reason.PRESENCE_ONLY


def test_a_face_that_left_is_not_scored_on() -> None:
    found, _ = analyst([[1]] * 10 + [[]] * 40)
    found.read(frames(50))
    last = found.tracks[0].samples[-1]
    assert last.sample.captured_at <= START + timedelta(seconds=3.2)
    assert found.tracks[0].seen_s == pytest.approx(2.0)


def test_pictures_are_scored_as_if_they_lasted() -> None:
    found, _ = analyst([[1, 2]])
    found.read(frames(1), "a.jpg")
    found.cut()
    assert [track.score.value is not None for track in found.tracks] == [True, True]
    assert found.tracks[0].readings[0].file == "a.jpg"
    lasting, _ = analyst([[1, 2]] * 1)
    still = frames(1)[0]
    for second in range(12):
        moment = Frame(still.image, 0, START + timedelta(seconds=second), 0.0, float(second))
        lasting.read([moment])
    for one, other in zip(found.tracks, lasting.tracks, strict=True):
        assert one.score.value == pytest.approx(other.score.value)


def test_faces_are_not_followed_across_a_cut() -> None:
    found, _ = analyst([[1], [1]])
    first, second = frames(2)
    found.read([first])
    found.cut()
    found.read([second])
    assert [track.id for track in found.tracks] == [1, 2]


def test_the_last_second_counts() -> None:
    found, _ = analyst([[1]] * 4)
    found.read(frames(4))
    assert len(found.tracks[0].samples) == 1
    found.cut()
    assert [scored.sample.frames for scored in found.tracks[0].samples] == [1, 4]
    assert len(found.tracks[0].readings) == 4

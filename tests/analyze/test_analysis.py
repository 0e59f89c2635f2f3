"""The analyst: tracks, expressions and scores of a recording, the same as a live session's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from numpy.typing import NDArray

from engage.capture.looking import Looked
from engage.cli.analysis import NO_ORIGIN, Analyst, Rules
from engage.core.scoring import score_all
from engage.core.scoring_settings import ScoringSettings
from engage.core.signals import FaceSignals, FrameSignals, SignalArrays
from engage.core.types import Box, FaceCrop, Frame, HeadPose, Hint, Image, Mode, Reason
from engage.inference.reading import FaceReader
from engage.pipeline.sampling import SampleBuilder
from engage.vision.crops import Shift, apply_shift

SCORING = ScoringSettings()
START = datetime(2026, 1, 1, tzinfo=UTC)
FPS = 5
NEAR = 0.12
CENTRED = 20
"""Gray of a crop whose face is in its middle, for Answers."""


class Stage:
    """A finder that shows the given track ids in each frame, each face at its own gray."""

    def __init__(self, cast: Sequence[Sequence[int]]) -> None:
        self.cast = cast
        self.resets = 0
        self.learnt: list[Hint] = []
        self.detected = True

    def look(self, frame: Frame, mode: Mode) -> Looked:
        faces = tuple(crop(track, frame.seq, self.detected) for track in self.cast[frame.seq])
        return Looked(faces, 0.5)

    def again(self, frame: Frame, crop: FaceCrop, shift: Shift) -> FaceCrop | None:
        if abs(shift[0]) <= NEAR:
            return None
        return replace(crop, box=apply_shift(crop.box, shift), pixels=np.full((48, 48), CENTRED, np.uint8))

    def learn(self, hint: Hint) -> None:
        self.learnt.append(hint)

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


class Answers(Reader):
    """Has the second head: the lighter a crop, the further to the right its face lies, and black is none."""

    reads_signals = True

    def signals(self, crops: Image, expression: bool = True) -> SignalArrays:
        rows = self.predict(crops)
        level, shift = crops[:, 0, 0].astype(np.float32), np.zeros((len(crops), 3), np.float32)
        shift[:, 0] = (level - CENTRED) / 256
        plain = np.zeros(len(crops), np.float32)
        return SignalArrays(rows if expression else None, *[plain] * 10, np.minimum(level / 10, 1), shift)


def crop(track: int, seq: int, detected: bool = True) -> FaceCrop:
    gray = (seq * 7 + track * 31) % 256
    pose = HeadPose(float(seq % 40), 0.0, 0.0)
    return FaceCrop(track, np.full((48, 48), gray, np.uint8), Box(10 * track, 0, 10, 10), 0.9, pose, detected)


def frames(count: int) -> list[Frame]:
    image = np.zeros((8, 8, 3), np.uint8)
    return [Frame(image, k, START + timedelta(seconds=k / FPS), 0.0, k / FPS) for k in range(count)]


def analyst(cast: Sequence[Sequence[int]], mode: Mode = Mode.FULL) -> tuple[Analyst, Reader]:
    reader = Reader()
    return Analyst(Rules(mode, SCORING, memory_s=1.0, look_s=1 / FPS), Stage(cast), FaceReader(reader)), reader


def test_scores_are_those_of_a_live_session() -> None:
    count = 61
    found, reader = analyst([[1]] * count)
    found.read(frames(count))
    builder, samples = SampleBuilder(0, 1), []
    for frame in frames(count):
        face = crop(1, frame.seq)
        expression = tuple(map(float, reader.predict(face.pixels[None])[0]))
        signals = FrameSignals(
            NO_ORIGIN,
            Mode.FULL,
            frame.seq,
            frame.captured_at,
            0.0,
            0.5,
            (FaceSignals(1, face.box, 0.9, expression, float(frame.seq % 40), 0.0, 0.0),),
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


def test_answers_are_fed_to_the_finder_and_a_face_off_centre_is_cut_again() -> None:
    stage, reader = Stage([[1]] * 8), Answers()
    stage.detected = False
    found = Analyst(Rules(Mode.FULL, SCORING, memory_s=1.0, look_s=1 / FPS), stage, FaceReader(reader))
    readings = [row[0].signals for row in found.read(frames(8))]
    off = [abs((seq * 7 + 31 - CENTRED) / 256) > NEAR for seq in range(8)]
    assert any(off) and not all(off)
    assert reader.batches == [1 for again in off for _ in range(1 + again)]
    assert [hint.seq for hint in stage.learnt] == list(range(8))
    for seq, (signals, again) in enumerate(zip(readings, off, strict=True)):
        first = crop(1, seq).box
        assert (signals.box.x > first.x) == again
        assert signals.box_shift == stage.learnt[seq].box_shift
        assert (signals.box_shift == (0.0, 0.0, 0.0)) == again or signals.box_shift[0] != 0


def test_a_followed_crop_without_a_face_is_not_reported_and_is_told_to_the_finder() -> None:
    dark_seq = next(seq for seq in range(256) if (seq * 7 + 31) % 256 == 4)
    stage = Stage([[]] * dark_seq + [[1], [1]])
    stage.detected = False
    dark = [replace(frame, seq=dark_seq + frame.seq) for frame in frames(2)]
    found = Analyst(Rules(Mode.FULL, SCORING, memory_s=1.0, look_s=1 / FPS), stage, FaceReader(Answers()))
    assert [len(row) for row in found.read(dark)] == [0, 1]
    assert [round(hint.face_score, 1) for hint in stage.learnt] == [0.4, 1.0]

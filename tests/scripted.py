"""Students who play a part second by second, with the truth of it: what the rules are held against.

The faces are those of the virtual class (``FaceState``), but not drawn: their exact state is read as a perfect network
would read it, gathered by the real SampleBuilder and scored by the real StudentScorer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from random import Random

from engage.capture.virtual.script import Script, ScriptKind
from engage.capture.virtual.state import FaceState, emotion
from engage.core.scoring import StudentScorer
from engage.core.scoring_settings import ScoringSettings
from engage.core.signals import FaceSignals, FrameSignals
from engage.core.types import Box, Mode, Origin, ScoredSample, SourceState, SourceStatus
from engage.pipeline.sampling import SampleBuilder

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
RATE_FPS = 2
BASE_S = 600
"""The small movements under every part repeat after this."""


@dataclass(frozen=True)
class Phase:
    """A stretch of a part: ``deed`` from ``start_s`` for ``lasts_s`` seconds."""

    deed: str
    start_s: float
    lasts_s: float

    @property
    def end_s(self) -> float:
        return self.start_s + self.lasts_s


def part(seed: int, deeds: Sequence[tuple[str, float]], gap_s: tuple[float, float]) -> list[Phase]:
    """Return the deeds in order, with calm stretches of ``gap_s`` before, between and after."""
    rng = Random(seed)
    phases: list[Phase] = []
    now = 0.0
    for deed, lasts_s in deeds:
        calm_s = rng.uniform(*gap_s)
        phases += [Phase("calm", now, calm_s), Phase(deed, now + calm_s, lasts_s)]
        now += calm_s + lasts_s
    return [*phases, Phase("calm", now, rng.uniform(*gap_s))]


@lru_cache(maxsize=64)
def base(kind: ScriptKind, seed: int, frame: int) -> tuple[FaceState, ...]:
    """Return the states of one minute of a script of the virtual class, from second ``60 * frame`` on."""
    script = Script(kind, seed)
    return tuple(script.state_at(60 * frame + k / RATE_FPS) for k in range(60 * RATE_FPS))


def state_at(kind: ScriptKind, seed: int, at_s: float) -> FaceState:
    """Return a state of a script of the virtual class, which repeats after ten minutes."""
    k = int(at_s * RATE_FPS) % (BASE_S * RATE_FPS)
    return base(kind, seed, k // (60 * RATE_FPS))[k % (60 * RATE_FPS)]


def acted(state: FaceState, phase: Phase, at_s: float, seed: int) -> FaceState:
    """Return the state with what the phase does to it."""
    side, into_s = (1 if (seed + int(phase.start_s)) % 2 else -1), at_s - phase.start_s
    if phase.deed == "aside":
        return replace(state, yaw_deg=state.yaw_deg + 45.0 * side, gaze_x=state.gaze_x + 6.0 * side)
    if phase.deed == "absent":
        return replace(state, present=False)
    if phase.deed == "nodding" and into_s % 5.5 < 3.3:
        return replace(state, left_eye_open=0.0, right_eye_open=0.0, pitch_deg=state.pitch_deg - 5.0)
    if phase.deed == "upset":
        feeling = ("sadness", "anger", "fear")[(seed + int(phase.start_s)) % 3]
        return replace(state, expression=emotion(feeling, 0.85))
    return state


def signals(state: FaceState) -> tuple[FaceSignals, ...]:
    """Return what a perfect network reads from a state: the state itself, or nothing where nobody is there."""
    if not state.present or state.light <= 0:
        return ()
    total = sum(state.expression) or 1.0
    return (
        FaceSignals(
            1, Box(0, 0, 90, 90), 0.93, tuple(p / total for p in state.expression),
            yaw_deg=state.yaw_deg, pitch_deg=state.pitch_deg, roll_deg=state.roll_deg,
            gaze_x=state.gaze_x, gaze_y=state.gaze_y,
            left_eye_open=state.left_eye_open, right_eye_open=state.right_eye_open, mouth_open=state.mouth_open,
        ),
    )  # fmt: skip


@dataclass(frozen=True)
class Played:
    """A student's part in a session."""

    student: int
    seed: int
    phases: tuple[Phase, ...]
    kind: ScriptKind = ScriptKind.ATTENTIVE

    @property
    def lasts_s(self) -> float:
        return self.phases[-1].end_s


def play(played: Played, session: int = 1) -> Iterator[ScoredSample | SourceStatus]:
    """Yield the scored samples and camera states of a part, in order of capture."""
    origin = Origin(session, played.student, played.student)
    builder, scorer = SampleBuilder(session, played.student), StudentScorer(ScoringSettings())
    phases = iter(played.phases)
    phase, lost = next(phases), False
    shift_s = (played.seed % 10) / 20
    for k in range(int(played.lasts_s * RATE_FPS)):
        at_s = k / RATE_FPS
        while at_s >= phase.end_s:
            phase = next(phases)
        at = START + timedelta(seconds=at_s + shift_s)
        if (phase.deed == "unplugged") != lost:
            lost = not lost
            yield SourceStatus(origin, SourceState.LOST if lost else SourceState.LIVE, at)
        if lost:
            continue
        state = acted(state_at(played.kind, played.seed % 6, at_s), phase, at_s, played.seed)
        frame = FrameSignals(origin, Mode.FULL, k, at, at_s, 0.5, signals(state))
        sample = builder.add(frame, frame.faces[0] if frame.faces else None)
        if sample is not None:
            yield ScoredSample(sample, scorer.update(sample), "test")


def seconds(at: datetime) -> float:
    """Return the time since the session's start."""
    return (at - START).total_seconds()

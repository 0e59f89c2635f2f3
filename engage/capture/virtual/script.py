"""What a virtual student does over time: a pure function from a seed and a moment to a face and its truth."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from engage.capture.virtual.deeds import DEEDS, Moment
from engage.capture.virtual.moments import Episode, Habit, between, blink, chance, current, saccade, wander
from engage.capture.virtual.rig import actions, brow_height, eye_opening, mouth_opening, smile
from engage.capture.virtual.state import FaceState, FaceTruth
from engage.core.types import EMOTIONS

ATTENTIVE_WITHIN_DEG = 20.0


class ScriptKind(StrEnum):
    """What kind of student it is, as named in a source's address (``script=note_taking``)."""

    ATTENTIVE = "attentive"
    LIVELY = "lively"
    DISTRACTED = "distracted"
    DROWSY = "drowsy"
    NOTE_TAKING = "note_taking"
    AWAY = "away"
    COMES_AND_GOES = "comes_and_goes"
    CAMERA_OFF_AXIS = "camera_off_axis"
    DARK_ROOM = "dark_room"
    CAMERA_OFF = "camera_off"
    GESTURES = "gestures"
    """Every gesture in turn, clearly made: for measuring how well they are recognised."""


@dataclass(frozen=True, slots=True)
class Part:
    """How a kind of student is played: what the face does, what the body does, and where the camera stands."""

    face: tuple[Habit, ...] = ()
    body: tuple[Habit, ...] = ()
    axis_deg: float = 0.0
    """Where the student's screen stands, seen from the camera."""
    light: float = 1.0
    lids: float = 1.0
    restless: float = 1.0
    cheer: float = 0.06


_CALM_FACE = (
    Habit("happiness", (8.0, 25.0), (2.0, 4.5), (0.4, 0.8), 3.0),
    Habit("nod", (6.0, 20.0), (1.4, 2.2), (0.7, 1.0), 3.0),
    Habit("surprise", (20.0, 40.0), (0.9, 1.6), (0.4, 0.7), 0.7),
    Habit("talk", (15.0, 30.0), (2.0, 4.0), (0.5, 0.9), 1.0),
)
_CALM_BODY = (
    Habit("glance", (18.0, 40.0), (0.6, 1.2), (0.5, 0.9)),
    Habit("lean", (20.0, 40.0), (6.0, 14.0), (0.4, 1.0)),
)
_PARTS = {
    ScriptKind.ATTENTIVE: Part(_CALM_FACE, _CALM_BODY),
    ScriptKind.LIVELY: Part(
        face=(
            Habit("happiness", (2.0, 7.0), (2.5, 6.0), (0.6, 1.0), 5.0),
            Habit("surprise", (2.0, 7.0), (1.4, 3.0), (0.7, 1.0), 3.0),
            Habit("nod", (1.5, 6.0), (1.4, 2.4), (0.8, 1.0), 3.0),
            Habit("talk", (2.0, 7.0), (2.5, 5.0), (0.6, 1.0), 2.5),
            Habit("sadness", (4.0, 9.0), (2.5, 4.5), (0.6, 0.9), 0.8),
            Habit("anger", (5.0, 10.0), (1.6, 2.6), (0.4, 0.7), 0.3),
            Habit("yawn", (6.0, 14.0), (3.6, 4.6), (0.9, 1.0), 0.8),
        ),
        body=(
            Habit("notes", (7.0, 18.0), (4.0, 9.0), (0.8, 1.0), 3.0),
            Habit("glance", (6.0, 14.0), (0.8, 2.0), (0.6, 1.0), 3.0),
            Habit("lean", (6.0, 14.0), (5.0, 12.0), (0.5, 1.0), 2.0),
        ),
        restless=1.25,
        cheer=0.12,
    ),
    ScriptKind.DISTRACTED: Part(
        face=(
            Habit("happiness", (10.0, 25.0), (2.0, 4.0), (0.3, 0.8)),
            Habit("talk", (12.0, 30.0), (3.0, 8.0), (0.5, 1.0)),
        ),
        body=(Habit("aside", (4.0, 9.0), (36.0, 56.0), (0.85, 1.15)),),
        restless=1.5,
    ),
    ScriptKind.DROWSY: Part(
        face=(Habit("yawn", (22.0, 45.0), (3.8, 5.0), (0.9, 1.0)),),
        body=(
            Habit("droop", (2.5, 5.5), (1.8, 4.5), (0.95, 1.0), 3.0),
            Habit("nod_off", (3.0, 6.0), (4.0, 7.0), (0.8, 1.0), 1.0),
        ),
        lids=0.62,
        restless=0.6,
        cheer=0.0,
    ),
    ScriptKind.NOTE_TAKING: Part(
        face=(Habit("nod", (14.0, 30.0), (1.4, 2.2), (0.6, 1.0)),),
        body=(Habit("notes", (4.0, 9.0), (8.0, 25.0), (0.9, 1.1)),),
    ),
    ScriptKind.AWAY: Part(_CALM_FACE, (Habit("absent", (5.0, 12.0), (45.0, 90.0)),)),
    ScriptKind.COMES_AND_GOES: Part(_CALM_FACE, (Habit("absent", (25.0, 60.0), (12.0, 30.0), share=6.0), *_CALM_BODY)),
    ScriptKind.CAMERA_OFF_AXIS: Part(_CALM_FACE, _CALM_BODY, axis_deg=24.0),
    ScriptKind.DARK_ROOM: Part(_CALM_FACE, _CALM_BODY, light=0.13),
    ScriptKind.GESTURES: Part(
        face=(
            Habit("nod", (3.0, 7.0), (1.6, 2.4), (0.8, 1.0), 3.0),
            Habit("shake", (3.0, 7.0), (1.6, 2.4), (0.8, 1.0), 2.0),
            Habit("talk", (3.0, 7.0), (3.0, 6.0), (0.7, 1.0), 2.0),
            Habit("yawn", (3.0, 7.0), (3.8, 5.0), (0.9, 1.0), 1.0),
            Habit("happiness", (3.0, 7.0), (2.0, 4.5), (0.5, 1.0), 1.0),
            Habit("surprise", (3.0, 7.0), (1.4, 3.0), (0.7, 1.0), 1.0),
        ),
        body=(
            Habit("aside", (8.0, 15.0), (5.0, 10.0), (0.85, 1.15)),
            Habit("notes", (8.0, 15.0), (6.0, 12.0), (0.9, 1.1)),
            Habit("lean", (8.0, 15.0), (8.0, 14.0), (0.9, 1.0)),
            Habit("absent", (8.0, 15.0), (8.0, 14.0)),
        ),
    ),
    ScriptKind.CAMERA_OFF: Part(_CALM_FACE, (Habit("off", (20.0, 40.0), (15.0, 30.0), share=6.0), *_CALM_BODY)),
}


@dataclass(frozen=True, slots=True)
class Script:
    """A student's part, played from ``t_s`` = 0 on for as long as anybody looks."""

    kind: ScriptKind
    seed: int = 0

    def state_at(self, t_s: float) -> FaceState:
        """Return the face ``t_s`` seconds into the script; depends on kind, seed and ``t_s`` alone."""
        part, seed = _PARTS[self.kind], self.seed
        now = Moment(lids=part.lids * (1.0 - blink(seed, t_s)))
        for episode in (self._face(t_s), self._body(t_s)):
            if episode is None:
                continue
            weight = episode.weight(t_s)
            if episode.kind in EMOTIONS:
                now.expression[EMOTIONS.index(episode.kind)] += episode.amount * weight
            else:
                DEEDS[episode.kind](now, episode, weight, t_s)
        cheer = part.cheer * (0.5 + 0.5 * wander(seed, 9, t_s, 7.0))
        now.expression[1] = min(1.0, now.expression[1] + cheer * (1.0 - sum(now.expression)))
        now.expression[0] = max(0.0, 1.0 - sum(now.expression[1:]))
        return self._settled(now, part, t_s)

    def truth_at(self, t_s: float) -> FaceTruth:
        """Return the same face with what an observer should conclude of it."""
        state = self.state_at(t_s)
        act = actions(state)
        drowsy = self.kind is ScriptKind.DROWSY
        body = self._body(t_s)
        writing = body is not None and body.kind == "notes"
        sight_x = state.yaw_deg + state.gaze_x - self.axis_deg
        sight_y = state.pitch_deg + state.gaze_y
        looking = abs(sight_x) <= ATTENTIVE_WITHIN_DEG and abs(sight_y) <= ATTENTIVE_WITHIN_DEG
        present = state.present and state.light > 0.0
        return FaceTruth(
            state=state,
            emotion=EMOTIONS[int(np.argmax(state.expression))],
            left_eye_open=min(1.0, eye_opening(act, state.left_eye_open)),
            right_eye_open=min(1.0, eye_opening(act, state.right_eye_open)),
            mouth_open=mouth_opening(act),
            smile=smile(act),
            brow=brow_height(act),
            present=present,
            attentive=present and not drowsy and (looking or writing),
            drowsy=present and drowsy,
        )

    @property
    def axis_deg(self) -> float:
        """Yaw at which the student looks at the screen: 0 unless the camera stands to one side."""
        return _PARTS[self.kind].axis_deg * (1.0 if chance(self.seed, 91, 0) < 0.5 else -1.0)

    def episodes(self, start_s: float, end_s: float) -> list[Episode]:
        """Return what the student does between two moments, by its start; face and body may do things at once."""
        part = _PARTS[self.kind]
        found = [*between(part.face, self.seed, 1, start_s, end_s), *between(part.body, self.seed, 2, start_s, end_s)]
        return sorted(found, key=lambda episode: episode.start_s)

    def camera_on(self, t_s: float) -> bool:
        """Return whether there is a picture at all at ``t_s``."""
        body = self._body(t_s)
        return body is None or body.kind != "off"

    def _face(self, t_s: float) -> Episode | None:
        return current(_PARTS[self.kind].face, self.seed, 1, t_s)

    def _body(self, t_s: float) -> Episode | None:
        return current(_PARTS[self.kind].body, self.seed, 2, t_s)

    def _settled(self, now: Moment, part: Part, t_s: float) -> FaceState:
        """Return the moment with the small movements of a living body added."""
        seed, much = self.seed, part.restless
        lids = min(1.0, max(0.0, now.lids))
        return FaceState(
            expression=tuple(now.expression),
            yaw_deg=now.yaw
            + self.axis_deg
            + much * (2.6 * wander(seed, 1, t_s, 2.7) + 1.2 * wander(seed, 2, t_s, 0.9)),
            pitch_deg=now.pitch - 1.0 + much * (2.0 * wander(seed, 3, t_s, 3.1) + 0.8 * wander(seed, 4, t_s, 1.1)),
            roll_deg=now.roll + 3.0 * wander(seed, 5, t_s, 6.1) + 2.0 * (chance(seed, 92, 0) - 0.5),
            gaze_x=now.gaze_x + 3.5 * saccade(seed, 6, t_s, 1.3),
            gaze_y=now.gaze_y + 2.5 * saccade(seed, 7, t_s, 1.7),
            left_eye_open=lids,
            right_eye_open=lids,
            mouth_open=min(1.0, max(0.0, now.mouth)),
            brow=min(1.0, max(-1.0, now.brow + 0.06 * wander(seed, 8, t_s, 2.2))),
            present=now.present,
            x=0.02 * much * wander(seed, 10, t_s, 5.3) + 0.03 * (chance(seed, 93, 0) - 0.5),
            y=now.drop + 0.010 * wander(seed, 11, t_s, 4.1) + 0.02 * (chance(seed, 94, 0) - 0.5),
            scale=now.scale * (1.0 + 0.02 * wander(seed, 12, t_s, 6.7) + 0.10 * (chance(seed, 95, 0) - 0.5)),
            light=0.0 if now.dark else part.light,
        )

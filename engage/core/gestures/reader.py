"""One student's gestures: frames in, at full rate; gestures out when they are over."""

from __future__ import annotations

from datetime import UTC, datetime

from engage.core.gestures.eyes import Blinks
from engage.core.gestures.hands import Hands
from engage.core.gestures.kinds import GestureKind, too_slow_for
from engage.core.gestures.mouth import Speech, Yawns
from engage.core.gestures.oscillation import HeadSwings
from engage.core.gestures.posture import Drowsiness, Leaning, Sight
from engage.core.gestures.reading import LONGEST_GAP_S, Reading, Recent, read
from engage.core.gestures.spells import Found
from engage.core.scoring_settings import ScoringSettings
from engage.core.signals import FaceSignals, FrameSignals
from engage.core.types import GestureEvent, Mode


class GestureReader:
    """Recognises the gestures of one student in one session, frames in order of capture.

    Every gesture is given out once, by the first frame a second after its end at the latest; states that last (looking
    away, drowsy) in pieces of a minute. A frame that is older than the one before it is ignored.
    """

    def __init__(self, session_id: int, student_id: int, settings: ScoringSettings | None = None) -> None:
        """``settings`` say when it is too dark to tell, and how far a gaze is trusted."""
        self._whose = session_id, student_id
        self._settings = settings or ScoringSettings()
        self._recent = Recent()
        self._last_at: float | None = None
        self._swings, self._speech, self._yawns = HeadSwings(), Speech(), Yawns()
        self._sight, self._drowsiness, self._leaning = Sight(), Drowsiness(), Leaning()
        self._hands = Hands()
        self._blinks = Blinks()

    def update(
        self, frame: FrameSignals, face: FaceSignals | None, usual_sight: tuple[float, float] = (0.0, 0.0)
    ) -> list[GestureEvent]:
        """Return the gestures that are over with ``frame``; ``face`` is the student's in it, None where there is none.

        ``usual_sight`` is where the student usually looks, degrees aside and up. In mode PRESENCE nothing is read.
        """
        at = frame.captured_at.timestamp()
        if frame.mode is Mode.PRESENCE or (self._last_at is not None and at <= self._last_at):
            return []
        elapsed = LONGEST_GAP_S if self._last_at is None else at - self._last_at
        duration_s = elapsed if elapsed < LONGEST_GAP_S else 0.0  # past a gap a frame stands for nothing
        self._last_at = at
        if face is None:
            now = Reading(at, seen=False, dark=frame.brightness < self._settings.dark_below)
        else:
            now = read(at, face, usual_sight, self._settings)
        self._recent.add(now)
        if self._recent.readable(GestureKind.BLINK):
            self._blinks.add(at, duration_s, now.lids)
        else:
            self._blinks.clear()
        return self._events(
            [
                *self._swings.update(self._recent, now),
                *self._speech.update(self._recent, now),
                *self._yawns.update(now),
                *self._sight.update(now),
                *self._drowsiness.update(now, duration_s),
                *self._leaning.update(now, duration_s),
                *self._hands.update(at, face.hands if face is not None else ()),
            ]
        )

    def finish(self) -> list[GestureEvent]:
        """End all that is under way and return it: the camera is off, or the session over."""
        parts = (
            self._swings, self._speech, self._yawns, self._sight, self._drowsiness, self._leaning, self._hands,
        )  # fmt: skip
        return self._events([found for part in parts for found in part.finish()])

    def too_slow_for(self) -> frozenset[GestureKind]:
        """Return the gestures that are not read because frames come too slowly ("rate too low")."""
        rate_fps = self._recent.rate_fps()
        return frozenset() if rate_fps is None else too_slow_for(rate_fps)

    def blinks_per_minute(self) -> float | None:
        """Return the blink rate of the last minute, or None where the frame rate is too low or too little was read."""
        return self._blinks.per_minute()

    def perclos(self) -> float | None:
        """Return PERCLOS, the share of the last minute with lids at least 80 % closed, or None where unread."""
        return self._drowsiness.perclos.share()

    def _events(self, found: list[Found]) -> list[GestureEvent]:
        return [GestureEvent(*self._whose, f.kind.value, _time(f.start), _time(f.end), f.strength) for f in found]


def _time(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)

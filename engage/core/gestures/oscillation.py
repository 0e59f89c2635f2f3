"""To and fro of the head: nods and shakes, by fitting one sine to the last moments of an angle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engage.core.gestures.kinds import GestureKind
from engage.core.gestures.reading import Reading, Recent
from engage.core.gestures.spells import Found, Spell, SpellLimits

FREQUENCIES_HZ = np.array([1.0, 1.3, 1.6, 2.0, 2.4])
"""People nod and shake their heads at 1 to 2.5 Hz (Hadar et al. 1983)."""
WINDOW_S = 1.5
LEAST_READINGS = 6
LEAST_DEG = 2.5
"""Amplitude from which a movement may be meant."""
FULL_DEG = 8.0
LEAST_TURNS = 2
"""Times the angle turns round in the window: a head that is lowered turns round never, one that glances aside once."""
CERTAIN = 6.0
"""F statistic of the sine over a straight line from which the movement is one."""
DOMINANCE = 1.3
"""How much more one angle must swing than the other."""
FRONT_DEG = 30.0
"""Nods and speech count while the line of sight is at most this far aside: other ones are for a neighbour."""


@dataclass(frozen=True, slots=True)
class Swing:
    """The best sine in an angle: its amplitude in degrees and the F statistic of having it at all."""

    amplitude_deg: float
    certainty: float


def swings(times: Sequence[float], angles: NDArray[np.float64]) -> list[Swing]:
    """Return the swing in each column of ``angles`` ``(N, K)`` degrees, read at ``times`` (seconds, N of them).

    Least squares of offset, slope and one sine, the best of ``FREQUENCIES_HZ``; frames need not come evenly.
    """
    at = np.asarray(times) - times[0]
    line = np.stack([np.ones_like(at), at], axis=1)
    phase = 2.0 * np.pi * FREQUENCIES_HZ[:, None] * at
    lines = np.broadcast_to(line, (len(FREQUENCIES_HZ), *line.shape))
    waves = np.stack([np.cos(phase), np.sin(phase)], axis=2)
    basis: NDArray[np.float64] = np.concatenate([lines, waves], axis=2)
    fitted = np.linalg.pinv(basis) @ angles
    left = np.square(angles - basis @ fitted).sum(axis=1)
    straight = np.square(angles - line @ (np.linalg.pinv(line) @ angles)).sum(axis=0)
    best = left.argmin(axis=0)
    found = []
    for column, f in enumerate(best):
        rest = left[f, column] / max(len(at) - basis.shape[2], 1)
        certainty = (straight[column] - left[f, column]) / 2.0 / max(rest, 1e-6)
        found.append(Swing(float(np.hypot(*fitted[f, 2:, column])), float(certainty)))
    return found


class HeadSwings:
    """Recognises nods and shakes of one student."""

    def __init__(self) -> None:
        limits = SpellLimits(least_s=0.2, bridge_s=0.5, longest_s=6.0)
        self._nod, self._shake = Spell(GestureKind.NOD, limits), Spell(GestureKind.SHAKE, limits)

    def update(self, recent: Recent, now: Reading) -> list[Found]:
        """Take the newest reading, already in ``recent``; return what ended with it."""
        pitch, yaw = self._swings(recent, now)
        nods = _meant(pitch, yaw)
        shakes = _meant(yaw, pitch)
        return [
            *self._nod.update(now.at, nods, pitch.amplitude_deg / FULL_DEG),
            *self._shake.update(now.at, shakes, yaw.amplitude_deg / FULL_DEG),
        ]

    def finish(self) -> list[Found]:
        """End what is under way and return it."""
        return [*self._nod.finish(), *self._shake.finish()]

    def _swings(self, recent: Recent, now: Reading) -> tuple[Swing, Swing]:
        still = Swing(0.0, 0.0), Swing(0.0, 0.0)
        if not recent.readable(GestureKind.NOD) or now.aside_deg is None or abs(now.aside_deg) > FRONT_DEG:
            return still
        times, angles = [], []
        for reading in recent.last(WINDOW_S):
            if reading.pitch_deg is not None and reading.yaw_deg is not None:
                times.append(reading.at)
                angles.append((reading.pitch_deg, reading.yaw_deg))
        if len(times) < LEAST_READINGS or times[-1] - times[0] < 0.75 * WINDOW_S:
            return still
        turned = [turns([pair[axis] for pair in angles]) >= LEAST_TURNS for axis in (0, 1)]
        if not any(turned):  # as nearly always: what follows costs more than all the rest
            return still
        pitch, yaw = swings(times, np.array(angles))
        return pitch if turned[0] else _unturned(pitch), yaw if turned[1] else _unturned(yaw)


def turns(angles: Sequence[float]) -> int:
    """Return how often a series of angles turns round, by a fair part of its range and by more than noise does."""
    least_deg = max(1.5 * LEAST_DEG, 0.4 * (max(angles) - min(angles)))
    extreme = angles[0]
    direction = 0
    count = 0
    for angle in angles:
        if direction * (angle - extreme) >= 0 and direction:
            extreme = angle
        elif abs(angle - extreme) >= least_deg:
            count += direction != 0
            direction = 1 if angle > extreme else -1
            extreme = angle
    return count


def _unturned(swing: Swing) -> Swing:
    return Swing(swing.amplitude_deg, 0.0)


def _meant(swing: Swing, other: Swing) -> bool:
    large = swing.amplitude_deg >= max(LEAST_DEG, DOMINANCE * other.amplitude_deg)
    return large and swing.certainty >= CERTAIN

"""Seeded functions of time: the same seed and moment give the same value, in whatever order they are asked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

SLOT_S = 600.0
"""Episodes are planned ten minutes at a time, each plan from its own seed, so that any moment can be asked for."""
_MASK = (1 << 64) - 1
BLINK_S = 0.15
_BLINK_EVERY_S = 4.0


def chance(seed: int, channel: int, step: int) -> float:
    """Return a number in [0, 1) that depends on its arguments alone (SplitMix64, Steele et al. 2014)."""
    z = (seed * 0x9E3779B97F4A7C15 + channel * 0xD1B54A32D192ED03 + step * 0x8CB92BA72F3D8DD7) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return (z ^ (z >> 31)) / 2.0**64


def ease(value: float) -> float:
    """Return 0 below 0, 1 above 1 and a smooth rise between."""
    t = min(1.0, max(0.0, value))
    return t * t * (3.0 - 2.0 * t)


def wander(seed: int, channel: int, t_s: float, period_s: float) -> float:
    """Return a smooth random movement in [-1, 1] with a knot every ``period_s`` seconds."""
    place = t_s / period_s
    step = int(np.floor(place))
    low, high = (2.0 * chance(seed, channel, step + ahead) - 1.0 for ahead in (0, 1))
    return low + (high - low) * ease(place - step)


def saccade(seed: int, channel: int, t_s: float, period_s: float) -> float:
    """Return a value in [-1, 1] that holds still and jumps within 60 ms every ``period_s`` seconds."""
    place = t_s / period_s
    step = int(np.floor(place))
    low, high = (2.0 * chance(seed, channel, step + back) - 1.0 for back in (-1, 0))
    return low + (high - low) * ease((place - step) * period_s / 0.06)


def blink(seed: int, t_s: float) -> float:
    """Return how far a blink has closed the lids, 0-1: 15 blinks a minute of 150 ms (Bentivoglio et al. 1997)."""
    step = int(np.floor(t_s / _BLINK_EVERY_S))
    start = (step + 0.9 * chance(seed, 71, step)) * _BLINK_EVERY_S
    phase = (t_s - start) / BLINK_S
    return ease(1.6 * float(np.sin(np.pi * phase))) if 0.0 < phase < 1.0 else 0.0


@dataclass(frozen=True, slots=True)
class Habit:
    """Something a student does now and then: after a pause, for a while, this strongly."""

    kind: str
    pause_s: tuple[float, float]
    lasts_s: tuple[float, float]
    amount: tuple[float, float] = (1.0, 1.0)
    share: float = 1.0
    """How often, against the other habits of the same lane."""


@dataclass(frozen=True, slots=True)
class Episode:
    """One time of a habit. ``side`` is -1 or 1."""

    kind: str
    start_s: float
    end_s: float
    amount: float
    side: float

    def weight(self, t_s: float, ramp_s: float = 0.6) -> float:
        """Return how far the episode has set in at ``t_s``, 0-1, with eased ends of at most ``ramp_s``."""
        ramp = min(ramp_s, (self.end_s - self.start_s) / 2.5)
        return ease((t_s - self.start_s) / ramp) * ease((self.end_s - t_s) / ramp)


@lru_cache(maxsize=512)
def _plan(habits: tuple[Habit, ...], seed: int, lane: int, slot: int) -> tuple[Episode, ...]:
    rng = np.random.default_rng([seed & 0x7FFFFFFF, lane, slot & 0x7FFFFFFF, 17])
    share = np.array([habit.share for habit in habits])
    now, stop = slot * SLOT_S, (slot + 1) * SLOT_S
    plan: list[Episode] = []
    while True:
        habit = habits[int(rng.choice(len(habits), p=share / share.sum()))]
        start = now + float(rng.uniform(*habit.pause_s))
        end = min(start + float(rng.uniform(*habit.lasts_s)), stop)
        amount, side = float(rng.uniform(*habit.amount)), float(rng.choice([-1.0, 1.0]))
        if start >= stop - 1.0:
            return tuple(plan)
        plan.append(Episode(habit.kind, start, end, amount, side))
        now = end


def current(habits: tuple[Habit, ...], seed: int, lane: int, t_s: float) -> Episode | None:
    """Return the episode of one lane that is under way at ``t_s``; episodes of a lane never overlap."""
    if not habits:
        return None
    plan = _plan(habits, seed, lane, int(np.floor(t_s / SLOT_S)))
    return next((episode for episode in plan if episode.start_s <= t_s < episode.end_s), None)


def between(habits: tuple[Habit, ...], seed: int, lane: int, start_s: float, end_s: float) -> list[Episode]:
    """Return the episodes of one lane that touch ``start_s`` to ``end_s``."""
    if not habits:
        return []
    slots = range(int(np.floor(start_s / SLOT_S)), int(np.floor(end_s / SLOT_S)) + 1)
    plans = [episode for slot in slots for episode in _plan(habits, seed, lane, slot)]
    return [episode for episode in plans if episode.start_s < end_s and episode.end_s > start_s]

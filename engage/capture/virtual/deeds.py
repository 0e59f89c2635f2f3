"""What virtual students do with head, eyes and mouth in an episode: each deed changes a face in the making."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from engage.capture.virtual.moments import Episode, wander
from engage.core.types import EMOTIONS


@dataclass(slots=True)
class Moment:
    """A face in the making; each deed changes it."""

    expression: list[float] = field(default_factory=lambda: [0.0] * len(EMOTIONS))
    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    gaze_x: float = 0.0
    gaze_y: float = 0.0
    lids: float = 1.0
    mouth: float = 0.0
    brow: float = 0.0
    scale: float = 1.0
    drop: float = 0.0
    present: bool = True
    dark: bool = False


def _nod(now: Moment, episode: Episode, weight: float, t_s: float) -> None:
    now.pitch -= 7.0 * episode.amount * weight * (0.4 + float(np.sin(2 * np.pi * 1.6 * (t_s - episode.start_s))))


def _shake(now: Moment, episode: Episode, weight: float, t_s: float) -> None:
    now.yaw += 11.0 * episode.amount * weight * float(np.sin(2 * np.pi * 1.5 * (t_s - episode.start_s)))


def _talk(now: Moment, episode: Episode, weight: float, t_s: float) -> None:
    beat = 0.5 + 0.5 * wander(int(episode.start_s * 10), 31, t_s, 0.13)
    now.mouth += 0.55 * episode.amount * weight * beat
    now.brow += 0.15 * weight * wander(int(episode.start_s * 10), 32, t_s, 0.9)


def _yawn(now: Moment, episode: Episode, weight: float, t_s: float) -> None:
    middle = episode.weight(t_s, 1.6)
    now.mouth += episode.amount * middle
    now.lids *= 1.0 - 0.85 * middle
    now.brow += 0.35 * middle
    now.pitch += 6.0 * middle


def _notes(now: Moment, episode: Episode, weight: float, t_s: float) -> None:
    now.pitch -= 26.0 * episode.amount * weight
    now.gaze_y -= 16.0 * weight
    now.gaze_x += 5.0 * weight * wander(int(episode.start_s), 33, t_s, 0.8)
    now.yaw += 6.0 * episode.side * weight
    now.drop += 0.03 * weight


def _glance(now: Moment, episode: Episode, weight: float, t_s: float) -> None:
    now.yaw += 14.0 * episode.side * episode.amount * weight
    now.gaze_x += 14.0 * episode.side * episode.amount * weight


def _aside(now: Moment, episode: Episode, weight: float, t_s: float) -> None:
    now.yaw += 40.0 * episode.side * episode.amount * weight
    now.pitch -= 6.0 * weight
    now.gaze_x += 8.0 * episode.side * weight


def _droop(now: Moment, episode: Episode, weight: float, t_s: float) -> None:
    now.lids *= 1.0 - episode.amount * weight
    now.pitch -= 5.0 * weight


def _nod_off(now: Moment, episode: Episode, weight: float, t_s: float) -> None:
    slow = episode.weight(t_s, 2.2)
    now.lids *= 1.0 - weight
    now.pitch -= 24.0 * episode.amount * slow
    now.roll += 7.0 * episode.side * slow
    now.drop += 0.04 * slow


def _lean(now: Moment, episode: Episode, weight: float, t_s: float) -> None:
    slow = episode.weight(t_s, 1.5)
    now.scale += 0.16 * episode.amount * slow
    now.roll += 4.0 * episode.side * slow


def _absent(now: Moment, episode: Episode, weight: float, t_s: float) -> None:
    now.present = False


def _off(now: Moment, episode: Episode, weight: float, t_s: float) -> None:
    now.present = False
    now.dark = True


DEEDS: dict[str, Callable[[Moment, Episode, float, float], None]] = {
    "nod": _nod,
    "shake": _shake,
    "talk": _talk,
    "yawn": _yawn,
    "notes": _notes,
    "glance": _glance,
    "aside": _aside,
    "droop": _droop,
    "nod_off": _nod_off,
    "lean": _lean,
    "absent": _absent,
    "off": _off,
}
"""By the kind of episode: the face, the episode, how far it is on (0-1), and the moment in seconds."""

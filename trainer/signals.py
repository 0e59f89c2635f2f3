"""What the signals head learns: targets from teachers and from drawn faces, how they follow a moved crop, the loss.

Every target follows the picture: a picture that is turned, mirrored, moved or enlarged gets the head pose, the eyes and
the framing that the changed picture shows. Teachers' numbers become the product's units here and nowhere else.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from engage.inference.answers import SIGNALS, UNITS
from trainer.augment import Moves
from trainer.label_signals import RawLabels
from trainer.virtual_faces import VirtualFaces

VALUES = ("gaze_x", "gaze_y", "left_eye_open", "right_eye_open", "mouth_open", "smile", "brow")
LIDS_REST, LIDS_CLOSED = 0.06, 0.6
"""MediaPipe's eyeBlink of an open eye and from which on it is shut."""
GAZE_DEG = (34.0, 30.0)
"""Degrees per unit of MediaPipe's eyeLook blendshapes, horizontally and vertically."""
WEIGHTS = (1.0, 1.2, 1.0, 1.6, 0.8, 1.2, 1.2, 1.3, 1.3, 0.5, 1.0, 1.0, 1.0, 0.4)
"""Of each signal's loss, in the order of SIGNALS."""
BETA = 0.15
"""Where the loss turns from square to linear, in the head's units."""
_BLENDSHAPES = {
    "brow_down": (1, 2),
    "brow_inner": (3,),
    "brow_outer": (4, 5),
    "blink_left": (9,),
    "blink_right": (10,),
    "look_down": (11, 12),
    "look_left": (15, 14),
    "look_right": (13, 16),
    "look_up": (17, 18),
    "jaw_open": (25,),
    "smile": (44, 45),
}
"""Rows of MediaPipe's 52 blendshapes. To look to the subject's left, the left eye looks out and the right eye in."""


@dataclass(frozen=True, slots=True)
class Targets:
    """What ``N`` pictures show, as tensors. NaN is not known.

    ``turn`` ``(N, 3, 3)`` from head to camera axes (x to the image's right, y down, z to the camera), ``values``
    ``(N, 7)`` in the order of VALUES, ``shift`` ``(N, 3)`` (see ``engage.vision.crops``), ``face`` ``(N,)`` 0 or 1.
    """

    turn: Tensor
    values: Tensor
    shift: Tensor
    face: Tensor

    def __getitem__(self, chosen: Tensor) -> Targets:
        """Return the rows ``chosen``."""
        return Targets(self.turn[chosen], self.values[chosen], self.shift[chosen], self.face[chosen])

    def to(self, device: torch.device) -> Targets:
        """Return the same on ``device``."""
        return Targets(*(getattr(self, name).to(device) for name in self.__slots__))

    @classmethod
    def join(cls, parts: list[Targets]) -> Targets:
        """Return the rows of all ``parts``, in their order."""
        return cls(*(torch.cat([getattr(part, name) for part in parts]) for name in cls.__slots__))

    @classmethod
    def unknown(cls, count: int, device: torch.device) -> Targets:
        """Return the targets of ``count`` pictures of which nothing is known."""
        blank = torch.full((count, 3, 3), math.nan, device=device)
        return cls(blank, blank.new_full((count, 7), math.nan), blank[:, 0], blank[:, 0, 0])

    @classmethod
    def nothing(cls, count: int, device: torch.device) -> Targets:
        """Return the targets of ``count`` pictures without a face: no signal is known, and the face score is 0."""
        return replace(cls.unknown(count, device), face=torch.zeros(count, device=device))


def from_teachers(labels: RawLabels, no_face: NDArray[np.bool_]) -> Targets:
    """Return the targets of labelled pictures; ``no_face`` ``(N,)`` are those that people found none in."""
    flip = np.array([1, -1, 1], np.float32)  # y up to y down, of head and camera axes alike
    turn = labels.rotation * flip[:, None] * flip
    values = _values(labels.blendshapes)
    shift = labels.shift.copy()
    unknown = ~labels.found | no_face
    turn[unknown], values[unknown], shift[~labels.framed | no_face] = np.nan, np.nan, np.nan
    face = np.where(no_face, 0.0, np.where(labels.found | labels.framed, 1.0, np.nan)).astype(np.float32)
    return Targets(*(torch.from_numpy(array) for array in (turn, values, shift, face)))


def from_drawings(faces: VirtualFaces) -> Targets:
    """Return the targets of drawn faces in well framed crops."""
    count = len(faces.patches)
    return Targets(
        torch.from_numpy(faces.rotation), torch.from_numpy(faces.values), torch.zeros(count, 3), torch.ones(count)
    )


def _values(blendshapes: NDArray[np.float32]) -> NDArray[np.float32]:
    shape = {name: blendshapes[:, list(rows)].mean(axis=1) for name, rows in _BLENDSHAPES.items()}
    lids = [
        1 - np.clip((shape[f"blink_{side}"] - LIDS_REST) / (LIDS_CLOSED - LIDS_REST), 0, 1)
        for side in ("left", "right")
    ]
    return np.stack(
        [
            GAZE_DEG[0] * (shape["look_left"] - shape["look_right"]),
            GAZE_DEG[1] * (shape["look_up"] - shape["look_down"]),
            *lids,
            shape["jaw_open"],
            shape["smile"],
            (shape["brow_inner"] + shape["brow_outer"]) / 2 - shape["brow_down"],
        ],
        axis=1,
    ).astype(np.float32)


def follow(moves: Moves, targets: Targets) -> Targets:
    """Return what the cuts of ``moves`` show, for pictures that show ``targets``."""
    cos, sin, mirror = moves.angle.cos(), moves.angle.sin(), moves.mirror
    zero, one = torch.zeros_like(cos), torch.ones_like(cos)
    back = torch.stack([mirror * cos, mirror * sin, zero, -sin, cos, zero, zero, zero, one], dim=1).view(-1, 3, 3)
    own = torch.diag_embed(torch.stack([mirror, one, one], dim=1))
    away = torch.stack([2 * targets.shift[:, 0] - moves.dx, 2 * targets.shift[:, 1] - moves.dy], dim=1)
    moved = (back[:, :2, :2] @ away.unsqueeze(2)).squeeze(2) / (2 * moves.zoom.unsqueeze(1))
    scale = targets.shift[:, 2:] - moves.zoom.log().unsqueeze(1)
    gaze_x, rest = targets.values[:, :1] * mirror.unsqueeze(1), targets.values[:, 4:]
    lids = torch.where(mirror.unsqueeze(1) < 0, targets.values[:, [3, 2]], targets.values[:, [2, 3]])
    values = torch.cat([gaze_x, targets.values[:, 1:2], lids, rest], dim=1)
    return Targets(back @ targets.turn @ own, values, torch.cat([moved, scale], dim=1), targets.face)


def angles(turn: Tensor) -> Tensor:
    """Return ``(N, 3)`` yaw, pitch and roll in degrees of turns by roll, then pitch, then yaw (DESIGN.md section 8)."""
    forward = turn[:, :, 2]
    yaw = torch.atan2(forward[:, 0], forward[:, 2])
    pitch = torch.asin((-forward[:, 1]).clamp(-1, 1))
    cos_y, sin_y = yaw.cos(), yaw.sin()
    # The first row of (Ry Rx)^T R = Rz, whose first two entries are the roll's cosine and sine.
    first = cos_y.unsqueeze(1) * turn[:, 0] - sin_y.unsqueeze(1) * turn[:, 2]
    return torch.rad2deg(torch.stack([yaw, pitch, torch.atan2(first[:, 1], first[:, 0])], dim=1))


def answers(targets: Targets) -> Tensor:
    """Return ``(N, 14)`` right answers in the order and units of SIGNALS; NaN is not known."""
    return torch.cat([angles(targets.turn), targets.values, targets.shift, targets.face.unsqueeze(1)], dim=1)


def signal_loss(given: Tensor, right: Tensor) -> Tensor:
    """Return the loss of the head's answers ``given``: smooth L1 in its units, cross-entropy of the face score."""
    known = ~right.isnan()
    right = right.nan_to_num()
    weights, units = given.new_tensor(WEIGHTS), given.new_tensor(UNITS)
    distance = functional.smooth_l1_loss(given / units, right / units, beta=BETA, reduction="none")
    face = len(SIGNALS) - 1
    distance = torch.cat(
        [
            distance[:, :face],
            functional.binary_cross_entropy_with_logits(given[:, face:], right[:, face:], reduction="none"),
        ],
        dim=1,
    )
    each = (distance * known).sum(dim=0) / known.sum(dim=0).clamp(min=1)
    return (each * weights).sum()

"""How evenly faces are found and read: by group, and under light, contrast, skin-like colour, glasses and masks.

A picture is shown to the product's detector in a frame whose surroundings repeat its edge; the face it finds is cut and
read as the product does. From the reading of a still alone follow the score it would settle at, by the expression (no
line of sight: a still cannot show it against its own usual one), and whether the alert for a low score would fire if it
lasted.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from engage.core.protocols import FaceDetector
from engage.core.rules.settings import AlertSettings
from engage.core.scoring import Terms, combine, expression_term
from engage.core.scoring_settings import ScoringSettings
from engage.core.types import Box, Image
from engage.inference.classifier import Classifier
from engage.vision.crops import crop_faces
from trainer.conditions import CONDITIONS
from trainer.evaluate import predict

SHOWN_PX, BORDER = 320, 0.3
"""A picture is enlarged to about this, and its edge repeated around it by this share: see ``trainer.pictures``."""
LEAST_IMAGES = 30
RESAMPLES = 1000
SEED = 7
Z = 1.959964
"""For intervals of 95 %."""
EVERYBODY = "everybody"


@dataclass(frozen=True, slots=True)
class Face:
    """One picture, BGR: its groups (column, value), whose it is where that is known, and its class in FER+ order."""

    image: Image
    groups: Mapping[str, str]
    subject: str | None = None
    label: int | None = None


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with its interval of 95 %; None where there is nothing to measure."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class GroupFigures:
    """What was measured of one group under one condition. Shares are 0-1, scores 0-10."""

    column: str
    group: str
    condition: str
    n: int
    subjects: int | None
    no_face: Figure
    accuracy: Figure | None
    """Of the faces found, where labels are there."""
    score_shift: Figure | None
    """Unchanged pictures: against all others. Changed ones: against the same pictures unchanged, both found."""
    alerts: Figure | None
    """Share of the faces found with a score below the alert's threshold."""


@dataclass(frozen=True, slots=True)
class Fairness:
    """All figures, and the groups that were too small for any."""

    model: str
    detector: str
    figures: tuple[GroupFigures, ...]
    too_small: tuple[tuple[str, str, int], ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Readings:
    """What one condition gave: where a face was found, and of these class, score, and alert."""

    found: NDArray[np.bool_]
    answers: NDArray[np.int64]
    scores: NDArray[np.float64]


def measure(
    faces: Sequence[Face], classifier: Classifier, detector: FaceDetector, *, least: int = LEAST_IMAGES,
    on_condition: Callable[[str], None] = lambda name: None,
) -> Fairness:  # fmt: skip
    """Return the figures of every group of at least ``least`` pictures, under every condition of CONDITIONS.

    Besides the groups of ``faces`` there are "everybody" and thirds by how bright the face is in the picture.
    """
    frames = [_shown(face.image) for face in faces]
    boxes = [_found(detector, frame) for frame in frames]
    places = [box or _middle(frame) for box, frame in zip(boxes, frames, strict=True)]
    groups, too_small = _groups(faces, frames, places, least)
    figures: list[GroupFigures] = []
    plain: _Readings | None = None
    for name, change in CONDITIONS.items():
        changed = [change(frame, place) for frame, place in zip(frames, places, strict=True)]
        readings = _read(classifier, detector, changed)
        plain = plain or readings
        for (column, group), members in groups.items():
            figures.append(_figures((column, group, name), faces, members, readings, plain))
        on_condition(name)
    return Fairness(classifier.name, detector.name, tuple(figures), too_small)


def wilson(hits: int, n: int) -> Figure:
    """Return a share with its Wilson interval (Wilson 1927)."""
    share, widened = hits / n, 1 + Z * Z / n
    middle = (share + Z * Z / (2 * n)) / widened
    half = Z / widened * math.sqrt(share * (1 - share) / n + Z * Z / (4 * n * n))
    return Figure(share, max(0.0, middle - half), min(1.0, middle + half))


def resampled(values: NDArray[np.float64], clusters: Sequence[str]) -> Figure:
    """Return the mean with a bootstrap interval over whole clusters: pictures of one person are not independent."""
    rng = np.random.default_rng(SEED)
    of: defaultdict[str, list[float]] = defaultdict(list)
    for value, cluster in zip(values, clusters, strict=True):
        of[cluster].append(float(value))
    sums = np.array([sum(part) for part in of.values()])
    sizes = np.array([len(part) for part in of.values()])
    drawn = rng.integers(0, len(sums), (RESAMPLES, len(sums)))
    means = sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
    low, high = np.percentile(means, (2.5, 97.5)).tolist()
    return Figure(float(values.mean()), low, high)


def _share(hits: NDArray[np.bool_], subjects: Sequence[str | None]) -> Figure:
    """Return a share: by Wilson, or by whole persons where it is known who they are."""
    if any(subject is None for subject in subjects):
        return wilson(int(hits.sum()), len(hits))
    return resampled(hits.astype(np.float64), [subject or "" for subject in subjects])


def _figures(
    about: tuple[str, str, str], faces: Sequence[Face], members: NDArray[np.int64], now: _Readings, plain: _Readings
) -> GroupFigures:
    column, group, condition = about
    subjects = [faces[k].subject for k in members]
    seen = members[now.found[members]]
    seen_by = [faces[k].subject for k in seen]
    labelled = np.array([k for k in seen if faces[k].label is not None], np.int64)
    right = np.array([now.answers[k] == faces[k].label for k in labelled], np.bool_)
    low = now.scores[seen] < AlertSettings().low_engagement.threshold
    known = None if any(subject is None for subject in subjects) else len(set(subjects))
    return GroupFigures(
        column=column,
        group=group,
        condition=condition,
        n=len(members),
        subjects=known,
        no_face=_share(~now.found[members], subjects),
        accuracy=_share(right, [faces[k].subject for k in labelled]) if len(labelled) else None,
        score_shift=_shift(faces, members, now, plain),
        alerts=_share(low, seen_by) if len(seen) else None,
    )


def _shift(faces: Sequence[Face], members: NDArray[np.int64], now: _Readings, plain: _Readings) -> Figure | None:
    if now is plain:
        others = np.setdiff1d(np.flatnonzero(plain.found), members)
        seen = members[plain.found[members]]
        if not len(others) or not len(seen):
            return None
        values = plain.scores[seen] - plain.scores[others].mean()
    else:
        seen = members[now.found[members] & plain.found[members]]
        if not len(seen):
            return None
        values = now.scores[seen] - plain.scores[seen]
    return resampled(values, [faces[k].subject or str(k) for k in seen])


def _groups(
    faces: Sequence[Face], frames: Sequence[Image], places: Sequence[Box], least: int
) -> tuple[dict[tuple[str, str], NDArray[np.int64]], tuple[tuple[str, str, int], ...]]:
    members: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    light = np.array([_brightness(frame, place) for frame, place in zip(frames, places, strict=True)])
    borders = np.percentile(light, (100 / 3, 200 / 3))
    for k, face in enumerate(faces):
        members[EVERYBODY, EVERYBODY].append(k)
        third = ("darkest third", "middle third", "brightest third")[int(np.searchsorted(borders, light[k]))]
        members["brightness of the face", third].append(k)
        for column, value in face.groups.items():
            members[column, value].append(k)
    large = {key: np.array(found) for key, found in sorted(members.items()) if len(found) >= least}
    small = tuple((*key, len(found)) for key, found in sorted(members.items()) if len(found) < least)
    return large, small


def _read(classifier: Classifier, detector: FaceDetector, frames: Sequence[Image]) -> _Readings:
    boxes = [_found(detector, frame) for frame in frames]
    found = np.array([box is not None for box in boxes], np.bool_)
    answers, scores = np.full(len(frames), -1, np.int64), np.full(len(frames), np.nan)
    crops = [crop_faces(frame, [box])[0] for frame, box in zip(frames, boxes, strict=True) if box is not None]
    if crops:
        probabilities = predict(classifier, np.stack(crops))
        answers[found] = probabilities.argmax(axis=1)
        scores[found] = [_score(row) for row in probabilities]
    return _Readings(found, answers, scores)


def _score(probabilities: NDArray[np.float32]) -> float:
    """Return where the score of a calm student settles whose face keeps looking so."""
    settings = ScoringSettings()
    value = combine(Terms(expression_term(probabilities.tolist(), settings), None, None), settings)
    return math.nan if value is None else value


def _shown(image: Image) -> Image:
    """Return the picture enlarged, in the midst of its own repeated edge."""
    scale = max(1.0, SHOWN_PX / max(image.shape[:2]))
    large = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    edge = round(BORDER * max(large.shape[:2]))
    return np.asarray(cv2.copyMakeBorder(large, edge, edge, edge, edge, cv2.BORDER_REPLICATE), np.uint8)


def _found(detector: FaceDetector, frame: Image) -> Box | None:
    faces = detector.detect(frame)
    return faces[0].box if faces else None


def _middle(frame: Image) -> Box:
    """Return where a face is taken to be that was not found: it fills its picture."""
    height, width = frame.shape[:2]
    share = 1 / (1 + 2 * BORDER)
    return Box(width * (1 - share) / 2, height * (1 - share) / 2, width * share, height * share)


def _brightness(frame: Image, place: Box) -> float:
    return float(crop_faces(frame, [place])[0].mean())

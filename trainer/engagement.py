"""Does the score agree with people? Labelled pictures, read by the product's network, scored as if they lasted."""

from __future__ import annotations

from collections.abc import Callable

from engage.core.protocols import FaceDetector, SignalReader
from engage.core.scoring_settings import ScoringSettings
from trainer.agreement import Agreement, agreement
from trainer.lasting import Faces, lasting_scores
from trainer.pictures import Pictures, crop_pictures


def read_faces(
    pictures: Pictures,
    detector: FaceDetector | None,
    reader: SignalReader,
    on_progress: Callable[[int, int], None] = lambda done, of: None,
) -> Faces:
    """Return the signals of all pictures' faces; without a detector the pictures are taken whole."""
    faces = crop_pictures(pictures, detector, on_progress)
    return Faces(reader.signals(faces.crops), pictures.subjects, faces.confidence)


def evaluate_engagement(faces: Faces, pictures: Pictures, scoring: ScoringSettings) -> Agreement:
    """Return how far the scores that ``scoring`` gives agree with the pictures' labels."""
    return agreement(lasting_scores(faces, scoring).values, pictures.labels, pictures.subjects)

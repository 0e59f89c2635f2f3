"""What finds, follows and reads faces, put together from the settings: for live sources and recordings alike."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from engage.capture.looking import Detectors, FaceFinder, Faces
from engage.config import Settings
from engage.core.protocols import HandReader
from engage.inference.reading import FaceReader
from engage.vision.detectors.registry import build_detector
from engage.vision.following import FollowRules
from engage.vision.regions import REGION_PX
from engage.vision.store import HANDS, ModelStore

if TYPE_CHECKING:
    from engage.inference.backends.source import Source


def build_detectors(settings: Settings, longest_px: int = 320) -> Detectors:
    """Return the detector of ``settings`` for whole frames, scaled to ``longest_px``, and one of its kind for regions.

    Raises ModelError as ``build_detector`` does.
    """
    whole = build_detector(settings.vision.detector, settings, longest_px)
    return Detectors(whole, build_detector(whole.name, settings, REGION_PX, second_looks=0), longest_px)


def build_finder(
    settings: Settings, faces: Faces, *, longest_px: int = 320, memory_s: float | None = None, follow: bool = True
) -> FaceFinder:
    """Return the finder of one source.

    ``follow=False`` detects in every frame, whatever the settings say: for pictures that have nothing to do with one
    another, and where no network answers. In recordings (``faces="all"``) every confirmation looks for newcomers.
    """
    vision = settings.vision
    rules = FollowRules(
        enabled=vision.follow and follow,
        min_score=vision.min_face_score,
        confirm_every_s=vision.confirm_every_s,
        whole_every_s=vision.whole_every_s if faces == "primary" else vision.confirm_every_s,
    )
    memory_s = vision.track_memory_s if memory_s is None else memory_s
    hands = build_hands(settings) if vision.hands and faces == "primary" else None
    return FaceFinder(build_detectors(settings, longest_px), faces, memory_s, rules, hands=hands)


def build_hands(settings: Settings) -> HandReader:
    """Return what reads hands. Raises ModelError without its package or its model file."""
    from engage.vision.hands import MediaPipeHands

    return MediaPipeHands(ModelStore.from_settings(settings).need(HANDS))


def build_reader(settings: Settings, threads: int) -> FaceReader:
    """Return what reads faces: the network of ``settings`` by the backend that they name or that is fastest here.

    Loading it takes a second; where the backend is still to be chosen or prepared on this machine, some ten, once.
    Raises ModelError where the weights, or a package that the settings ask for, are missing or damaged.
    """
    from engage.cli.measuring import measure_apart
    from engage.inference.backed import BackedClassifier
    from engage.inference.backends.choice import choose
    from engage.inference.backends.registry import build

    source = network_source(settings, threads)
    offer = choose(source, settings.inference.backend, settings.inference.precision, measure_apart)
    classifier = BackedClassifier.of(build(offer, source), source)
    classifier.warm_up()
    return FaceReader(classifier, settings.vision.min_face_score)


def network_source(settings: Settings, threads: int) -> Source:
    """Return what every backend of the network of ``settings`` is built from; raises ModelError without a card."""
    from engage.capture.virtual.probe import drawn_crops
    from engage.inference.backends.source import open_source
    from engage.inference.card import default_folder

    folder = settings.models.classifier
    chosen = settings.path(folder) if folder else default_folder()
    return open_source(chosen, cache_folder(settings), drawn_crops, threads)


def cache_folder(settings: Settings) -> Path:
    """Return where derived files are kept: as set, else the user's cache folder, else a folder beside the models."""
    if settings.inference.cache is not None:
        return settings.path(settings.inference.cache)
    named = os.environ.get("XDG_CACHE_HOME")
    try:
        users = Path(named) if named else Path.home() / ".cache"
        (users / "engage").mkdir(parents=True, exist_ok=True)
        if os.access(users / "engage", os.W_OK):
            return users / "engage"
    except (OSError, RuntimeError):  # no home, or not ours
        pass
    return settings.path(settings.models.store) / "cache"

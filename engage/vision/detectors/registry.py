"""Detectors by name: a new one is a module beside this, a line in ``DETECTORS`` and a passing contract suite."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from engage.config import Settings
from engage.core.protocols import FaceDetector
from engage.errors import ModelError, SettingsError
from engage.vision.detectors.haar import Haar
from engage.vision.detectors.options import DetectorOptions
from engage.vision.detectors.yunet import YuNet
from engage.vision.store import YUNET, ModelStore

logger = logging.getLogger(__name__)

AUTO = "auto"


def build_detector(name: str, settings: Settings, longest_px: int = 320, second_looks: int = 4) -> FaceDetector:
    """Return the detector ``name`` (``haar``, ``yunet`` or ``auto``) with the thresholds of ``settings.vision``.

    ``auto`` is YuNet where its verified file is at hand, else the Haar cascade. Frames are looked at with their longer
    side at most ``longest_px``; give 640 for a room full of small faces. ``second_looks`` small faces a frame are
    looked at again (see DetectorOptions). Each thread needs its own detector. Raises ModelError when the named
    detector's file is missing or damaged, SettingsError for an unknown name.
    """
    options = DetectorOptions(settings.vision.min_confidence, settings.vision.min_face_px, longest_px, second_looks)
    if name == AUTO:
        return _best(options, settings)
    if name not in DETECTORS:
        raise SettingsError(f"Unknown detector '{name}'; there are {', '.join((AUTO, *DETECTORS))}.")
    return DETECTORS[name](options, settings)


def _best(options: DetectorOptions, settings: Settings) -> FaceDetector:
    try:
        detector = _yunet(options, settings)
    except ModelError as error:
        detector = _haar(options, settings)
        logger.warning("detector chosen detector=haar reason=%r", str(error))
    else:
        logger.info("detector chosen detector=yunet")
    return detector


def _yunet(options: DetectorOptions, settings: Settings) -> FaceDetector:
    return YuNet(ModelStore.from_settings(settings).need(YUNET), options)


def _haar(options: DetectorOptions, settings: Settings) -> FaceDetector:
    return Haar(options)


DETECTORS: Mapping[str, Callable[[DetectorOptions, Settings], FaceDetector]] = {"yunet": _yunet, "haar": _haar}

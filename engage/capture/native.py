"""OpenCV's native side kept off standard error."""

from __future__ import annotations

import os

import cv2

FFMPEG_QUIET = "-8"
"""``AV_LOG_QUIET`` of libavutil/log.h."""


def quiet_opencv() -> None:
    """Silence OpenCV's and FFmpeg's own messages in this process; call it before a capture or writer is made.

    They say nothing a person can act on, and FFmpeg's hold whole addresses, passwords included. A level that the user
    set in ``OPENCV_FFMPEG_LOGLEVEL`` stays.
    """
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", FFMPEG_QUIET)
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)

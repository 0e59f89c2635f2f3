"""OpenCV's native side kept off standard error."""

from __future__ import annotations

import os

import cv2

FFMPEG_QUIET = "-8"
"""``AV_LOG_QUIET`` of libavutil/log.h."""


READY_AT_ONCE = "rtsp_flags;prefer_tcp|fpsprobesize;1"
"""FFmpeg's options for every camera: a stream counts as open at its first pictures. (By itself FFmpeg waits for twenty,
to learn their rate, which nobody asks for: opening a camera of five a second took 4.3 s instead of 0.5 s, and one of
fewer than four never opened within ``Timeouts.open_s``.)"""

ONE_CAMERA = (
    READY_AT_ONCE
    + "|max_redirects;0|format_whitelist;"
    + ("rtsp,mpjpeg,mjpeg,jpeg_pipe,png_pipe,h264,hevc,mpegts,mpeg,flv,mov,matroska,avi,ogg,gif")
)
"""FFmpeg's options for whatever is opened: no redirect by HTTP, and no playlist (HLS, DASH, concat, SDP), whose entries
lead to addresses that nobody checked."""


def stay_with_one_camera() -> None:
    """Let FFmpeg in this process connect to the address it is given and to no other; call it before a capture."""
    os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"] = ONE_CAMERA


def ready_at_once() -> None:
    """Let FFmpeg in this process not wait for many pictures, unless its options are set already; call it as above."""
    os.environ.setdefault("OPENCV_FFMPEG_CAPTURE_OPTIONS", READY_AT_ONCE)


def quiet_opencv() -> None:
    """Silence OpenCV's and FFmpeg's own messages in this process; call it before a capture or writer is made.

    They say nothing a person can act on, and FFmpeg's hold whole addresses, passwords included. A level that the user
    set in ``OPENCV_FFMPEG_LOGLEVEL`` stays.
    """
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", FFMPEG_QUIET)
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)

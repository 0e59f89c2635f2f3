"""OpenCV's native side kept off standard error."""

from __future__ import annotations

import os

import cv2

FFMPEG_QUIET = "-8"
"""``AV_LOG_QUIET`` of libavutil/log.h."""


ONE_CAMERA = "rtsp_flags;prefer_tcp|max_redirects;0|format_whitelist;" + (
    "rtsp,mpjpeg,mjpeg,jpeg_pipe,png_pipe,h264,hevc,mpegts,mpeg,flv,mov,matroska,avi,ogg,gif"
)
"""FFmpeg's options for whatever is opened: no redirect by HTTP, and no playlist (HLS, DASH, concat, SDP), whose entries
lead to addresses that nobody checked."""


def stay_with_one_camera() -> None:
    """Let FFmpeg in this process connect to the address it is given and to no other; call it before a capture."""
    os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"] = ONE_CAMERA


def quiet_opencv() -> None:
    """Silence OpenCV's and FFmpeg's own messages in this process; call it before a capture or writer is made.

    They say nothing a person can act on, and FFmpeg's hold whole addresses, passwords included. A level that the user
    set in ``OPENCV_FFMPEG_LOGLEVEL`` stays.
    """
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", FFMPEG_QUIET)
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)

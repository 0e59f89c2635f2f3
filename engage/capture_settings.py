"""How students are looked at: cameras and their rate, and how faces are found and followed."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from engage.section import Positive, Section


class Capture(Section):
    """How often students are looked at, and what happens when a camera is lost."""

    rate_fps: Positive = 5.0
    crowded_rate_fps: Positive = 2.0
    crowded_from: Annotated[int, Field(ge=1)] = 31
    """Number of students from which ``crowded_rate_fps`` applies."""
    lowest_rate_fps: Annotated[float, Field(ge=2)] = 2.0
    """Nobody is looked at less often because the machine is busy; below 2 a score says little."""
    frames_per_core_s: Positive = 16.0
    """What one core is trusted with before it was seen at work (measured: about 40 ms a frame with a drawn student on
    a core without AVX-512); the rate falls from ``rate_fps`` towards ``lowest_rate_fps`` where the class needs more."""
    adapt: bool = True
    """Whether the rate then follows what the machine really bears; False leaves it at what cores are trusted with."""
    late_after_s: Positive = 0.5
    """A frame's signals that are older when they have come all the way are late: the rate falls until they are not."""
    read_timeout_s: Positive = 5.0
    reconnect_first_s: Positive = 0.5
    reconnect_longest_s: Positive = 10.0
    allow_networks: tuple[IPv4Network | IPv6Network, ...] = ()
    """Networks (CIDR) that cameras may be in although they are refused otherwise: this machine, link-local ones."""
    deny_networks: tuple[IPv4Network | IPv6Network, ...] = ()
    """Networks that cameras may not be in; wins over ``allow_networks``."""
    media_folders: tuple[Path, ...] = ()
    """Folders whose recordings an administrator may give as a camera; none where empty."""


class Vision(Section):
    """How faces are found and followed."""

    detector: Literal["auto", "yunet", "haar"] = "auto"
    min_confidence: Annotated[float, Field(ge=0, le=1)] = 0.6
    min_face_px: Annotated[int, Field(ge=8)] = 12
    """Faces with a lower box, in pixels of the frame, are left out; those at the back of a classroom have 15."""
    hands: bool = False
    """Look for raised hands and hands at the face: needs the extra 'gestures' and its model file, and costs time."""
    track_memory_s: Positive = 2.0
    """How long a lost face keeps its track id."""
    follow: bool = True
    """Between detections, faces are followed on the network's own word; False detects in every frame."""
    min_face_score: Annotated[float, Field(ge=0, le=1)] = 0.5
    """How sure the network must be that a followed face is one; below it the detector looks again."""
    confirm_every_s: Positive = 3.0
    """At the latest after this the detector confirms a followed face."""
    whole_every_s: Positive = 7.5
    """At the latest after this it looks at the whole frame for newcomers (in recordings at each confirmation)."""

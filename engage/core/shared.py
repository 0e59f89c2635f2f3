"""A picture with many people in it: what its worker and the teacher's page say to each other, and who may be named.

Faces found in it are boxes and nothing more until a teacher has put a consenting student's name on one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from engage.core.policy import Decision, Jurisdiction, Subject, decide
from engage.core.types import Box, Mode

SHARED_EVENT = "shared"
"""The Socket.IO event of a SharedView."""


class Hold(StrEnum):
    """How a name stands in the newest frame."""

    SURE = "sure"
    AWAY = "away"
    """Its tile or seat is in view and nobody is there."""
    HIDDEN = "hidden"
    """Its tile is not in view."""
    UNSURE = "unsure"
    """It may be there, and a person has to say so; until then it is nobody's."""


@dataclass(frozen=True, slots=True)
class SharedFace:
    """A box, with the number that stays with it for as long as it is surely the same."""

    id: int
    box: Box


@dataclass(frozen=True, slots=True)
class SharedName:
    """How one student's name stands: on which face, or on which of several it may be."""

    student_id: int
    hold: Hold
    face_id: int | None = None
    maybe: tuple[int, ...] = ()
    alike: bool = False
    """Whether it is unsure because another tile looks the same, so that no answer would last."""


@dataclass(frozen=True, slots=True)
class SharedView:
    """What one frame of a shared picture shows: boxes in its pixels, and where the names are. No picture."""

    session_id: int
    source_id: int
    captured_at: datetime
    width: int
    height: int
    faces: tuple[SharedFace, ...] = ()
    names: tuple[SharedName, ...] = ()


@dataclass(frozen=True, slots=True)
class NameFace:
    """A teacher's word: this student is that face; without a face, nobody any more; without a student, for all."""

    session_id: int
    source_id: int
    student_id: int | None = None
    face_id: int | None = None


@dataclass(frozen=True, slots=True)
class Nameable:
    """A student of a running session, as far as it must be known whether they may be named in a shared picture."""

    student_id: int
    name: str
    seat: str | None
    subject: Subject
    paused: bool
    own_camera: bool
    """Whether a camera of their own is looking at them now."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether a student may be named, and what may be looked at now; ``reason`` says why not, in words for the page.

    Who is paused, or before a camera of their own, keeps the name and is not looked at: ``mode`` is None.
    """

    nameable: bool
    mode: Mode | None
    reason: str = ""


def standing(jurisdiction: Jurisdiction | None, mode: Mode | None, person: Nameable) -> Standing:
    """Return how ``person`` stands under the rules in force; a drawn student is a person like any other here."""
    decision: Decision = decide(jurisdiction, mode, replace(person.subject, virtual=False))
    if decision.mode is None:
        return Standing(False, None, decision.reason)
    if person.own_camera:
        return Standing(False, None, "has a camera of their own on")
    return Standing(True, None if person.paused else decision.mode, "paused" if person.paused else "")


def shared_room(session_id: int) -> str:
    """Return the room of the pages that name people in a session's pictures."""
    return f"shared:{session_id}"


def view_payload(view: SharedView) -> dict[str, Any]:
    """Return a view as the page takes it: boxes in shares of the picture's width and height."""
    return {
        "session": view.session_id,
        "source": view.source_id,
        "at": view.captured_at.timestamp(),
        "width": view.width,
        "height": view.height,
        "faces": [
            {
                "id": face.id,
                "x": round(face.box.x / view.width, 4),
                "y": round(face.box.y / view.height, 4),
                "w": round(face.box.w / view.width, 4),
                "h": round(face.box.h / view.height, 4),
            }
            for face in view.faces
        ],
        "names": [
            {
                "student": name.student_id,
                "hold": name.hold.value,
                "face": name.face_id,
                "maybe": list(name.maybe),
                "alike": name.alike,
            }
            for name in view.names
        ],
    }

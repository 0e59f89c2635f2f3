"""A camera given on a page: whether this person may use what they typed, then stored."""

from __future__ import annotations

from dashboard.access import user
from dashboard.services import services
from engage.camera_gate import CameraGate
from engage.storage.records import Role


def give_camera(address: str, *, student_id: int | None = None, course_id: int | None = None) -> None:
    """Store a student's or a course's camera; RequestError, one line, unless the signed-in user may use it."""
    here, me = services(), user()
    CameraGate.of(here.settings).require(address, administrator=me.role is Role.ADMIN)
    here.classroom.add_source(address, student_id=student_id, course_id=course_id, user_id=me.id)

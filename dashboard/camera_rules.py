"""A camera given on a page: asked for, checked whether this person may use what they typed, then stored."""

from __future__ import annotations

from typing import ClassVar

from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import Field, StringField
from wtforms.validators import Length, StopValidation

from dashboard.access import user
from dashboard.services import services
from engage.camera_gate import CameraGate
from engage.storage.records import Role


def wanted() -> str:
    """Return what the signed-in user may give as a camera, as a request: as much as ``CameraGate`` lets through."""
    if user().role is not Role.ADMIN:
        return str(_("Give a stream's address, such as rtsp://10.0.0.7/live."))
    if not services().settings.capture.media_folders:
        return str(_("Give a stream's address, such as rtsp://10.0.0.7/live, or the number of a camera of the server."))
    return str(_("Give a stream's address, the number of a camera of the server, or a recording's file."))


class CameraGiven:
    """A validator: something was typed."""

    field_flags: ClassVar = {"required": True}

    def __call__(self, form: FlaskForm, field: Field) -> None:
        """Raise StopValidation with what may be given."""
        if not field.data:
            raise StopValidation(wanted())


class CameraForm(FlaskForm):  # type: ignore[misc] # Flask-WTF publishes no types
    """A student's or a course's camera."""

    address = StringField(
        lazy_gettext("Camera"),
        [CameraGiven(), Length(max=500, message=lazy_gettext("500 characters at most."))],
        filters=[lambda text: (text or "").strip()],
    )


def give_camera(address: str, *, student_id: int | None = None, course_id: int | None = None) -> None:
    """Store a student's or a course's camera; RequestError, one line, unless the signed-in user may use it."""
    here, me = services(), user()
    CameraGate.of(here.settings).require(address, administrator=me.role is Role.ADMIN)
    here.classroom.add_source(address, student_id=student_id, course_id=course_id, user_id=me.id)

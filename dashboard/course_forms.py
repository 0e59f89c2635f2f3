"""The forms of courses and their people: which fields, which limits, which words."""

from __future__ import annotations

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from wtforms import BooleanField, DateField, IntegerField, RadioField, StringField, TimeField
from wtforms.fields import SelectChoice
from wtforms.validators import InputRequired, Length, NumberRange, Optional

from engage.core.seats import Seat, seat_of
from engage.storage.timetable import LONGEST_MIN, SHORTEST_MIN

LONGEST_NUMBER = 100


def trimmed(text: str | None) -> str:
    """Return ``text`` without blanks around it, and with one between words."""
    return " ".join((text or "").split())


def seat_name(text: str | None) -> str:
    """Return a seat's name as the plan writes it; what is no seat stays as it is, to be refused with its own words."""
    seat = seat_of(text)
    return seat.name if isinstance(seat, Seat) else trimmed(text)


class DetailsForm(FlaskForm):  # type: ignore[misc] # Flask-WTF publishes no types
    """What the school knows of a student."""

    name = StringField(_("Name"), [InputRequired(_("Give the student's name.")), Length(max=120)], filters=[trimmed])
    number = StringField(_("Student number"), [Optional(), Length(max=LONGEST_NUMBER)], filters=[trimmed])
    seat = StringField(_("Seat"), [Optional(), Length(max=20)], filters=[seat_name])
    minor = RadioField(
        _("Under age?"),
        [InputRequired(_("Say whether the student is under age: it decides who must consent."))],
        choices=[SelectChoice("yes", _("Yes, a guardian decides")), SelectChoice("no", _("No, of age"))],
    )


class RosterFileForm(FlaskForm):  # type: ignore[misc] # as above
    """A list of students in a file."""

    file = FileField(_("File"), [FileRequired(_("Choose a file."))])
    minor = RadioField(
        _("Where the file does not say: are the students under age?"),
        [InputRequired(_("Say whether the students are under age: it decides who must consent."))],
        choices=[SelectChoice("yes", _("Yes, a guardian decides")), SelectChoice("no", _("No, of age"))],
    )


class LessonForm(FlaskForm):  # type: ignore[misc] # as above
    """A lesson time."""

    day = DateField(_("Day"), [InputRequired(_("Give the day of the lesson."))])
    at = TimeField(_("Starts at"), [InputRequired(_("Give the time it starts."))])
    length = IntegerField(
        _("Minutes"),
        [InputRequired(_("Say how long it is.")), NumberRange(SHORTEST_MIN, LONGEST_MIN, _("5 to 600 minutes."))],
        default=45,
    )
    weekly = BooleanField(_("Every week from then on"))
    last_day = DateField(_("Until"), [Optional()])
    title = StringField(_("Title"), [Optional(), Length(max=120)], filters=[trimmed])


class CalendarFileForm(FlaskForm):  # type: ignore[misc] # as above
    """A calendar file."""

    file = FileField(_("Calendar file"), [FileRequired(_("Choose a file."))])

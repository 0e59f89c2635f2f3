"""The forms: which fields, which limits, which words."""

from __future__ import annotations

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import EmailField, PasswordField, RadioField, SelectField, StringField
from wtforms.fields import SelectChoice
from wtforms.validators import EqualTo, InputRequired, Length, Optional, Regexp

from dashboard.passwords import PASSWORD_RULES

CONSENT_CHOICES = [
    SelectChoice("", _("Not asked yet")),
    SelectChoice("yes:student", _("Yes, said the student")),
    SelectChoice("yes:guardian", _("Yes, said a parent or guardian")),
    SelectChoice("no:student", _("No, said the student")),
    SelectChoice("no:guardian", _("No, said a parent or guardian")),
]
"""``answer:by whom``. A No counts from whoever says it; for a minor only a guardian's Yes does."""

JURISDICTIONS = [
    (
        "eu",
        _("European Union"),
        _("Inferring emotions of people in education is prohibited here. Only presence is shown."),
    ),
    ("uk", _("United Kingdom"), _("UK GDPR applies: a documented reason, an assessment of the risks, and consent.")),
    ("us", _("United States"), _("FERPA applies, COPPA for children, and state law such as BIPA in Illinois.")),
    ("other", _("Somewhere else"), _("Local law applies. Ask whoever is responsible for data protection.")),
]

MODES = [
    (
        "full",
        _("Expression, attention and score"),
        _("An emoji for the expression, and a score from 0 to 10 with reasons."),
    ),
    (
        "attention",
        _("Attention and score"),
        _("A score from attention and alertness. No expression is computed or kept."),
    ),
    ("presence", _("Presence only"), _("Who is in front of a camera, and who is away. No score, no expression.")),
]

EMAIL_RULES = [
    InputRequired(_("Give an e-mail address.")),
    Length(max=200),
    Regexp(r"^\s*[^@\s]+@[^@\s]+\s*$", message=_("This does not look like an e-mail address.")),
]
_TITLE_RULES = [InputRequired(_("Give it a name.")), Length(max=120, message=_("120 characters at most."))]


def trimmed(text: str | None) -> str:
    """Return ``text`` with single blanks between its words, and none around them."""
    return " ".join((text or "").split())


class AdministratorForm(FlaskForm):  # type: ignore[misc] # Flask-WTF publishes no types
    """The first account."""

    name = StringField(_("Your name"), [InputRequired(_("Give your name.")), Length(max=120)], filters=[trimmed])
    email = EmailField(_("E-mail"), EMAIL_RULES)
    password = PasswordField(_("Password"), PASSWORD_RULES)
    again = PasswordField(_("Password again"), [EqualTo("password", _("The two passwords differ."))])


class SignInForm(FlaskForm):  # type: ignore[misc] # as above
    """E-mail and password."""

    email = EmailField(_("E-mail"), [InputRequired(_("Give your e-mail address.")), Length(max=200)])
    password = PasswordField(_("Password"), [InputRequired(_("Give your password.")), Length(max=200)])


class WhereForm(FlaskForm):  # type: ignore[misc] # as above
    """Where the school is."""

    jurisdiction = RadioField(
        _("Where is the school?"),
        [InputRequired(_("Choose where the school is."))],
        choices=[SelectChoice(value, label) for value, label, _ in JURISDICTIONS],
    )


class ModeForm(FlaskForm):  # type: ignore[misc] # as above
    """What may be inferred."""

    mode = RadioField(
        _("What may be computed?"),
        [InputRequired(_("Choose what may be computed."))],
        choices=[SelectChoice(value, label) for value, label, _ in MODES],
    )


class CourseForm(FlaskForm):  # type: ignore[misc] # as above
    """A new course."""

    title = StringField(_("Name of the course"), _TITLE_RULES, filters=[trimmed])


class StudentForm(FlaskForm):  # type: ignore[misc] # as above
    """A new student."""

    name = StringField(_("Name"), [InputRequired(_("Give the student's name.")), Length(max=120)], filters=[trimmed])
    number = StringField(_("Student number"), [Optional(), Length(max=100)], filters=[trimmed])
    seat = StringField(_("Seat"), [Optional(), Length(max=20)], filters=[trimmed])
    minor = RadioField(
        _("Under age?"),
        [InputRequired(_("Say whether the student is under age: it decides who must consent."))],
        choices=[SelectChoice("yes", _("Yes, a guardian decides")), SelectChoice("no", _("No, of age"))],
    )
    address = StringField(_("Camera"), [Optional(), Length(max=500)], filters=[lambda text: (text or "").strip()])
    consent = SelectField(_("Consent"), choices=CONSENT_CHOICES)


class ConsentForm(FlaskForm):  # type: ignore[misc] # as above
    """An answer to the consent question."""

    consent = RadioField(_("Answer"), [InputRequired(_("Choose the answer."))], choices=CONSENT_CHOICES[1:])

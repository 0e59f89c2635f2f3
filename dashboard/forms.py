"""The forms: which fields, which limits, which words."""

from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import EmailField, PasswordField, RadioField, SelectField, StringField
from wtforms.fields import SelectChoice
from wtforms.validators import EqualTo, InputRequired, Length, Optional, Regexp

MIN_PASSWORD = 10

CONSENT_CHOICES = [
    SelectChoice("", "Not asked yet"),
    SelectChoice("yes:student", "Yes, said the student"),
    SelectChoice("yes:guardian", "Yes, said a parent or guardian"),
    SelectChoice("no:student", "No, said the student"),
    SelectChoice("no:guardian", "No, said a parent or guardian"),
]
"""``answer:by whom``. A No counts from whoever says it; for a minor only a guardian's Yes does."""

JURISDICTIONS = [
    ("eu", "European Union", "Inferring emotions of people in education is prohibited here. Only presence is shown."),
    ("uk", "United Kingdom", "UK GDPR applies: a documented reason, an assessment of the risks, and consent."),
    ("us", "United States", "FERPA applies, COPPA for children, and state law such as BIPA in Illinois."),
    ("other", "Somewhere else", "Local law applies. Ask whoever is responsible for data protection."),
]

MODES = [
    ("full", "Expression, attention and score", "An emoji for the expression, and a score from 0 to 10 with reasons."),
    ("attention", "Attention and score", "A score from attention and alertness. No expression is computed or kept."),
    ("presence", "Presence only", "Who is in front of a camera, and who is away. No score, no expression."),
]

_PASSWORD_RULES = [
    InputRequired("Choose a password."),
    Length(MIN_PASSWORD, 200, f"Use {MIN_PASSWORD} characters or more; a short sentence is easy to remember."),
]
_EMAIL_RULES = [
    InputRequired("Give an e-mail address."),
    Length(max=200),
    Regexp(r"^\s*[^@\s]+@[^@\s]+\s*$", message="This does not look like an e-mail address."),
]
_TITLE_RULES = [InputRequired("Give it a name."), Length(max=120, message="120 characters at most.")]


def _trimmed(text: str | None) -> str:
    return " ".join((text or "").split())


class AdministratorForm(FlaskForm):  # type: ignore[misc] # Flask-WTF publishes no types
    """The first account."""

    name = StringField("Your name", [InputRequired("Give your name."), Length(max=120)], filters=[_trimmed])
    email = EmailField("E-mail", _EMAIL_RULES)
    password = PasswordField("Password", _PASSWORD_RULES)
    again = PasswordField("Password again", [EqualTo("password", "The two passwords differ.")])


class SignInForm(FlaskForm):  # type: ignore[misc] # as above
    """E-mail and password."""

    email = EmailField("E-mail", [InputRequired("Give your e-mail address."), Length(max=200)])
    password = PasswordField("Password", [InputRequired("Give your password."), Length(max=200)])


class WhereForm(FlaskForm):  # type: ignore[misc] # as above
    """Where the school is."""

    jurisdiction = RadioField(
        "Where is the school?",
        [InputRequired("Choose where the school is.")],
        choices=[SelectChoice(value, label) for value, label, _ in JURISDICTIONS],
    )


class ModeForm(FlaskForm):  # type: ignore[misc] # as above
    """What may be inferred."""

    mode = RadioField(
        "What may be computed?",
        [InputRequired("Choose what may be computed.")],
        choices=[SelectChoice(value, label) for value, label, _ in MODES],
    )


class CourseForm(FlaskForm):  # type: ignore[misc] # as above
    """A new course."""

    title = StringField("Name of the course", _TITLE_RULES, filters=[_trimmed])


class StudentForm(FlaskForm):  # type: ignore[misc] # as above
    """A new student."""

    name = StringField("Name", [InputRequired("Give the student's name."), Length(max=120)], filters=[_trimmed])
    seat = StringField("Seat", [Optional(), Length(max=20)], filters=[_trimmed])
    minor = RadioField(
        "Under age?",
        [InputRequired("Say whether the student is under age: it decides who must consent.")],
        choices=[SelectChoice("yes", "Yes, a guardian decides"), SelectChoice("no", "No, of age")],
    )
    address = StringField("Camera", [Optional(), Length(max=500)], filters=[lambda text: (text or "").strip()])
    consent = SelectField("Consent", choices=CONSENT_CHOICES)


class CameraForm(FlaskForm):  # type: ignore[misc] # as above
    """A student's camera."""

    address = StringField(
        "Camera",
        [InputRequired("Give a camera number, a stream's address or a file."), Length(max=500)],
        filters=[lambda text: (text or "").strip()],
    )


class ConsentForm(FlaskForm):  # type: ignore[misc] # as above
    """An answer to the consent question."""

    consent = RadioField("Answer", [InputRequired("Choose the answer.")], choices=CONSENT_CHOICES[1:])

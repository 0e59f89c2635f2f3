"""The forms around accounts: invitations, passwords, names."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import EmailField, PasswordField, RadioField, SelectField, StringField
from wtforms.fields import SelectChoice
from wtforms.validators import EqualTo, InputRequired, Length

from dashboard.forms import EMAIL_RULES, trimmed
from dashboard.passwords import MAX_PASSWORD, PASSWORD_RULES
from engage.storage.records import Role

ROLES = {
    Role.ADMIN: _l("Administrator"),
    Role.TEACHER: _l("Teacher"),
    Role.STUDENT: _l("Student"),
}
_NAME_RULES = [InputRequired(_l("Give your name.")), Length(max=120)]
_DIFFER = _l("The two passwords differ.")


class InviteForm(FlaskForm):  # type: ignore[misc] # Flask-WTF publishes no types
    """Whom to invite, as what."""

    email = EmailField(_l("E-mail"), EMAIL_RULES)
    role = RadioField(
        _l("Role"),
        [InputRequired(_l("Choose a role."))],
        choices=[SelectChoice(role.value, label) for role, label in ROLES.items()],
        default=Role.TEACHER.value,
    )
    student = SelectField(_l("For a student: which one?"), default="")


class WelcomeForm(FlaskForm):  # type: ignore[misc] # as above
    """Name and password of a new account."""

    name = StringField(_l("Your name"), _NAME_RULES, filters=[trimmed])
    password = PasswordField(_l("Password"), PASSWORD_RULES)
    again = PasswordField(_l("Password again"), [EqualTo("password", _DIFFER)])


class ForgottenForm(FlaskForm):  # type: ignore[misc] # as above
    """Who wants a new password."""

    email = EmailField(_l("E-mail"), EMAIL_RULES)


class NewPasswordForm(FlaskForm):  # type: ignore[misc] # as above
    """A new password, from a link."""

    password = PasswordField(_l("New password"), PASSWORD_RULES)
    again = PasswordField(_l("New password again"), [EqualTo("password", _DIFFER)])


class ChangePasswordForm(NewPasswordForm):
    """A new password, by who knows the old one. An account that has none yet leaves ``current`` out."""

    current = PasswordField(
        _l("Current password"), [InputRequired(_l("Give your current password.")), Length(max=MAX_PASSWORD)]
    )


class NameForm(FlaskForm):  # type: ignore[misc] # as above
    """One's own name."""

    name = StringField(_l("Your name"), _NAME_RULES, filters=[trimmed])

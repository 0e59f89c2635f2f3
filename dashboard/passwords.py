"""What a new password must be: long, and none of those that everybody tries first (NIST SP 800-63B, 5.1.1.2)."""

from __future__ import annotations

import re
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms.validators import InputRequired, Length, ValidationError

MIN_PASSWORD = 12
MAX_PASSWORD = 200

COMMON = frozenset({
    "admin", "administrator", "changeme", "engage", "hello", "iloveyou", "kennwort", "letmein", "login", "master",
    "passwort", "password", "passw0rd", "princess", "qwerty", "qwertyuiop", "qwertzuiop", "schule", "school",
    "secret", "student", "sunshine", "superman", "teacher", "trustno", "welcome", "willkommen",
})  # fmt: skip
"""What is left of common passwords without case, signs, and digits at either end."""
SEQUENCES = "abcdefghijklmnopqrstuvwxyz qwertyuiopasdfghjklzxcvbnm qwertzuiopasdfghjklyxcvbnm"
FEWEST_CHARACTERS = 4


def guessable(password: str) -> bool:
    """Return whether a password is among the first that anybody would try."""
    plain = re.sub(r"[^a-z0-9]", "", password.lower())
    core = plain.strip("0123456789")
    twice = core[: len(core) // 2] if len(core) % 2 == 0 and core == core[: len(core) // 2] * 2 else core
    if len(set(password)) < FEWEST_CHARACTERS or password.isdecimal():
        return True
    return bool(core) and (twice in COMMON or core in SEQUENCES)


def _not_guessable(_form: Any, field: Any) -> None:
    if guessable(field.data or ""):
        raise ValidationError(_l("This is one of the first passwords anybody would try; choose another."))


PASSWORD_RULES = [
    InputRequired(_l("Choose a password.")),
    Length(
        MIN_PASSWORD,
        MAX_PASSWORD,
        _l("Use %(n)s characters or more; a short sentence is easy to remember.", n=MIN_PASSWORD),
    ),
    _not_guessable,
]

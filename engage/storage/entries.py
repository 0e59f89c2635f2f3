"""Text that people type, checked before it reaches the database."""

from __future__ import annotations

from engage.errors import RequestError

LARGEST_ID = 2**31 - 1
LARGEST_SECOND = 2**62
NAME_LENGTH = 200
TEXT_LENGTH = 2000


def given(text: str, what: str, limit: int = NAME_LENGTH) -> str:
    """Return ``text`` without blanks around it; RequestError where it is empty, too long or not printable text.

    ``what`` names it in the message: "a title".
    """
    stripped = text.strip()
    if not stripped:
        raise RequestError(f"Give {what}.")
    if len(stripped) > limit:
        raise RequestError(f"Give {what} of at most {limit} characters.")
    if any(character < " " and character not in "\t\n" for character in stripped) or _lone_surrogate(stripped):
        raise RequestError(f"Give {what} without control characters.")
    return stripped


def optional(text: str | None, what: str, limit: int = NAME_LENGTH) -> str | None:
    """Return ``given(text)``, or None where there is nothing but blanks."""
    return given(text, what, limit) if text and text.strip() else None


def email(text: str) -> str:
    """Return an address in lower case; RequestError where it cannot be one."""
    address = given(text, "an e-mail address", 320).lower()
    name, _, host = address.rpartition("@")
    if not name or not host or any(character.isspace() for character in address):
        raise RequestError("Give an e-mail address, such as name@school.org.")
    return address


def possible(row_id: int) -> bool:
    """Return whether a row may have this id: what comes from an address bar may be larger than a column holds."""
    return 0 < row_id <= LARGEST_ID


def second(number: int) -> int:
    """Return ``number`` within what a column of seconds holds."""
    return max(-LARGEST_SECOND, min(number, LARGEST_SECOND))


def _lone_surrogate(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)

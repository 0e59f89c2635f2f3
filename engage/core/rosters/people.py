"""A list of students as any program writes it: which column is which, and what is wrong on which line."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from engage.core.rosters.tables import Problem, Row, Table
from engage.core.seats import seat_of

LONGEST_NAME, LONGEST_NUMBER = 120, 100
NAMES = {
    "name": ("name", "full name", "student", "student name", "pupil", "pupil name", "display name"),
    "given": ("first name", "given name", "forename", "given", "first"),
    "family": ("last name", "family name", "surname", "family", "last"),
    "number": (
        "number", "student number", "id", "student id", "pupil id", "external id", "school id", "sis id", "sourcedid",
        "student no", "no", "identifier", "upn",
    ),
    "seat": ("seat", "place", "desk"),
    "minor": ("minor", "under age", "underage", "under 18", "is minor"),
}  # fmt: skip
"""What the columns are called, in small letters."""
YES = frozenset({"yes", "y", "true", "1", "x", "minor", "under age"})
NO = frozenset({"no", "n", "false", "0", "adult", "of age"})


@dataclass(frozen=True, slots=True)
class Person:
    """A student as a file has them; None is what the file does not say."""

    line: int
    name: str
    number: str | None = None
    seat: str | None = None
    minor: bool | None = None


@dataclass(frozen=True, slots=True)
class PeopleFile:
    """What a file says: its students, the lines that are wrong, and the columns nothing is made of."""

    people: tuple[Person, ...] = ()
    problems: tuple[Problem, ...] = ()
    unused: tuple[str, ...] = ()


def read_people(table: Table) -> PeopleFile:
    """Return the students of a table; every row that is none is a problem with its line."""
    if not table.rows:
        return PeopleFile(problems=table.problems or (Problem(0, "The file is empty."),))
    header, *rows = table.rows
    columns = _columns(header.cells)
    if isinstance(columns, str):
        return PeopleFile(problems=(Problem(header.line, columns),))
    people, problems = [], list(table.problems)
    for row in rows:
        try:
            if any(row.cells[len(header.cells) :]):
                raise ValueError("There are more cells than columns. Does a name with a comma lack quotation marks?")
            people.append(_person(row, columns))
        except ValueError as error:
            problems.append(Problem(row.line, str(error)))
    if not rows:
        problems.append(Problem(0, "There is a header, but no student below it."))
    unused = tuple(cell for place, cell in enumerate(header.cells) if cell and place not in columns.values())
    return PeopleFile(tuple(people), tuple(problems), unused)


def checked(person: Person) -> Person:
    """Return the person if the program can store them; ValueError with the reason else."""
    if not person.name:
        raise ValueError("There is no name.")
    if len(person.name) > LONGEST_NAME:
        raise ValueError(f"The name has more than {LONGEST_NAME} characters.")
    if len(person.number or "") > LONGEST_NUMBER:
        raise ValueError(f"The number has more than {LONGEST_NUMBER} characters.")
    if not _printable(person.name) or not _printable(person.number or ""):
        raise ValueError("There are control characters in it.")
    if person.seat is not None and seat_of(person.seat) is None:
        raise ValueError(f"'{person.seat[:20]}' is no seat; write row and column, such as B3.")
    return person


def same_name(name: str) -> str:
    """Return a name in the form in which two that read alike are equal."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def _columns(cells: Sequence[str]) -> dict[str, int] | str:
    """Return where each known column is, or what is wrong with the header."""
    called = {word: meaning for meaning, words in NAMES.items() for word in words}
    found: dict[str, int] = {}
    for place, cell in enumerate(cells):
        meaning = called.get(re.sub(r"[\W_]+", " ", _spaced(cell)).strip().lower())
        if meaning is None:
            continue
        if meaning in found:
            return f"Two columns are the {meaning}: '{cells[found[meaning]]}' and '{cell}'. Take one out."
        found[meaning] = place
    if "name" in found or {"given", "family"} <= found.keys():
        return found
    return "The first row must name the columns: Name, or First name and Last name; if you like Number, Seat, Minor."


def _spaced(cell: str) -> str:
    """Return ``givenName`` as ``given Name``; other words as they are."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])(?!D\b)", " ", cell)


def _person(row: Row, columns: dict[str, int]) -> Person:
    def cell(meaning: str) -> str:
        place = columns.get(meaning, -1)
        return row.cells[place] if 0 <= place < len(row.cells) else ""

    name = cell("name") or " ".join(part for part in (cell("given"), cell("family")) if part)
    seat = seat_of(cell("seat"))
    return checked(
        Person(
            line=row.line,
            name=unicodedata.normalize("NFC", name),
            number=cell("number") or None,
            seat=seat.name if seat else cell("seat") or None,
            minor=_yes_or_no(cell("minor")),
        )
    )


def _yes_or_no(text: str) -> bool | None:
    word = text.casefold()
    if not word:
        return None
    if word in YES or word in NO:
        return word in YES
    raise ValueError(f"'{text[:20]}' does not say whether they are under age; write yes or no.")


def _printable(text: str) -> bool:
    return all(character.isprintable() for character in text)

"""Where students sit: seats by the name people give them, such as ``B3``: the letter of the row, then the column."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

ROWS, COLUMNS = 5, 6
"""A room nobody has described yet: 30 seats."""
MOST_ROWS, MOST_COLUMNS = 20, 20

_NAME = re.compile(r"\s*([A-T])\s*([1-9][0-9]?)\s*", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Seat:
    """A seat: row 1 (``A``) is the one nearest the board, column 1 the leftmost as the teacher looks at the plan."""

    row: int
    column: int

    @property
    def name(self) -> str:
        """Return what people call it."""
        return f"{chr(ord('A') + self.row - 1)}{self.column}"


@dataclass(frozen=True, slots=True)
class Grid:
    """The seats of a room."""

    rows: int = ROWS
    columns: int = COLUMNS

    @property
    def possible(self) -> bool:
        """Return whether there may be such a room."""
        return 1 <= self.rows <= MOST_ROWS and 1 <= self.columns <= MOST_COLUMNS

    def __contains__(self, seat: Seat) -> bool:
        """Return whether the room has this seat."""
        return seat.row <= self.rows and seat.column <= self.columns

    def seats(self) -> Iterable[Seat]:
        """Return all seats, row by row."""
        return (Seat(row, column) for row in range(1, self.rows + 1) for column in range(1, self.columns + 1))


def seat_of(name: str | None) -> Seat | None:
    """Return the seat called ``name``, in any case and with blanks; None where it is no such name."""
    found = _NAME.fullmatch(name or "")
    if found is None or int(found[2]) > MOST_COLUMNS:
        return None
    return Seat(ord(found[1].upper()) - ord("A") + 1, int(found[2]))

"""What the API takes and answers about a course's seats and lessons."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from dashboard.api_answers import Grid, Shape
from dashboard.api_requests import Id, example
from engage.core.seats import MOST_COLUMNS, MOST_ROWS


class SeatOf(Shape):
    """A student's place; null where they have none."""

    student: int
    name: str
    seat: str | None


class SeatingNow(Shape):
    """A course's room and who sits where, by name; ``version`` is another after every change."""

    course: int
    version: int
    seats: Grid
    places: list[SeatOf]


class Move(BaseModel):
    """A student and their new seat; null takes them off the plan."""

    model_config = example(student=3, seat="B3")

    student: Id
    seat: Annotated[str, Field(max_length=20)] | None


class SeatingChange(BaseModel):
    """Moves made together, on the plan of ``version``; for a swap send both. ``rows`` and ``columns`` go together."""

    model_config = example(version=7, moves=[{"student": 3, "seat": "B3"}, {"student": 5, "seat": None}])

    version: Annotated[int, Field(ge=0, le=2**31 - 1)]
    moves: Annotated[list[Move], Field(max_length=MOST_ROWS * MOST_COLUMNS)] = []
    rows: Annotated[int, Field(ge=1, le=MOST_ROWS)] | None = None
    columns: Annotated[int, Field(ge=1, le=MOST_COLUMNS)] | None = None

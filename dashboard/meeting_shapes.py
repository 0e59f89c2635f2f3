"""What the API takes and answers about pictures with many people."""

from __future__ import annotations

from pydantic import BaseModel

from dashboard.api_answers import Shape
from dashboard.api_requests import Id, example


class SharedPicture(Shape):
    """A shared window (``window``) or a course's fixed camera."""

    id: int
    kind: str


class SharedPerson(Shape):
    """A student of the session; ``reason`` says why they may not be named, or are not read."""

    student: int
    name: str
    seat: str | None
    nameable: bool
    reason: str | None


class SharedNow(Shape):
    """A session's pictures with many people, and its students."""

    session: int
    sources: list[SharedPicture]
    people: list[SharedPerson]


class SharedBegun(Shape):
    """The source as which a window may be shared now."""

    source: int


class SharedSaid(Shape):
    """That the word was passed on; whether it holds is told with the next picture."""

    ok: bool


class FaceName(BaseModel):
    """Who a face is; null for the face takes the name off, null for both takes all off."""

    model_config = example(student=3, face=12)

    student: Id | None
    face: Id | None

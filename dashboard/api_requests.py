"""What the API takes: bodies and queries. Strict: a text is no number, and an unknown name is an error."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from engage.core.policy import GivenBy
from engage.core.risk import Attendance
from engage.storage.entries import LARGEST_ID, NAME_LENGTH, TEXT_LENGTH

MARKER_LENGTH = 80
A_DAY_MIN = 24 * 60
LATEST = 4_000_000_000
"""Unix seconds past which a time is a mistake."""

Id = Annotated[int, Field(ge=1, le=LARGEST_ID)]
Second = Annotated[int, Field(ge=0, le=LATEST, description="Unix seconds")]
Moment = Annotated[float, Field(ge=0, le=LATEST, description="Unix seconds")]


def example(**values: Any) -> ConfigDict:
    """Return the settings of a body with what one looks like, for the document and for who sent another."""
    return ConfigDict(
        extra="forbid", strict=True, allow_inf_nan=False, frozen=True, json_schema_extra={"examples": [values]}
    )


class Pause(BaseModel):
    """The class is paused or resumed, or one student."""

    model_config = example(paused=True, student=3)

    paused: bool
    student: Id | None = None


class NewMarker(BaseModel):
    """A note on the timeline, now."""

    model_config = example(text="group work")

    text: Annotated[str, Field(max_length=MARKER_LENGTH)]


class Look(BaseModel):
    """Who is asked to look at the screen: a student, or with null the class."""

    model_config = example(student=3)

    student: Id | None = None


class Snooze(BaseModel):
    """For how long a rule is silent."""

    model_config = example(minutes=10)

    minutes: Annotated[float, Field(gt=0, le=A_DAY_MIN)]


class Correction(BaseModel):
    """That a student was engaged, or was not, for a stretch of time."""

    model_config = example(engaged=True, **{"from": 1700000000, "until": 1700000060})

    engaged: bool
    from_: Annotated[Moment, Field(alias="from")]
    until: Moment


class CheckIn(BaseModel):
    """How engaged a student says they are."""

    model_config = example(value=4)

    value: Annotated[int, Field(ge=1, le=5)]


class Decision(BaseModel):
    """What a person made of a flag."""

    model_config = example(decision="confirm", note="We talked.")

    decision: Literal["confirm", "dismiss"]
    note: Annotated[str, Field(max_length=TEXT_LENGTH)] | None = None


class Mark(BaseModel):
    """Whether one student was there; null takes a mark away."""

    model_config = example(student=3, state="absent")

    student: Id
    state: Attendance | None


class Marks(BaseModel):
    """Whether students were there."""

    model_config = example(attendance=[{"student": 3, "state": "absent"}])

    attendance: Annotated[list[Mark], Field(max_length=1000)]


class Erasure(BaseModel):
    """The student's name, which confirms that everything of theirs is to be erased."""

    model_config = example(name="Amina")

    name: Annotated[str, Field(max_length=NAME_LENGTH)]


class NewCourse(BaseModel):
    """A course with its name."""

    model_config = example(title="Physics 8b")

    title: Annotated[str, Field(min_length=1, max_length=120)]


class NewPerson(BaseModel):
    """A student for a course. Whether under age has no default: it decides who must consent."""

    model_config = example(name="Amina", minor=True, seat="A1")

    name: Annotated[str, Field(min_length=1, max_length=120)]
    minor: bool
    seat: Annotated[str, Field(max_length=20)] | None = None


class Answer(BaseModel):
    """An answer to the consent question, and who gave it."""

    model_config = example(granted=True, given_by="guardian")

    granted: bool
    given_by: GivenBy


class Since(BaseModel):
    """From when on; from the start where left out."""

    since: Second = 0


class Stretch(BaseModel):
    """From when on, and until when: a quarter of an hour at most."""

    since: Second
    until: Second | None = None


class At(BaseModel):
    """When; the newest where left out."""

    at: Second | None = None

"""The tables. ``Base.metadata`` holds them all once this package is imported."""

from engage.storage.tables.base import Base
from engage.storage.tables.findings import Alert, Feedback, Marker, RiskFlag
from engage.storage.tables.lessons import (
    ClassSession,
    Course,
    CourseStaff,
    Enrolment,
    Pause,
    Source,
    SourceEvent,
)
from engage.storage.tables.people import AuditEntry, ConsentAnswer, Setting, SetupToken, Student, User
from engage.storage.tables.readings import PROBABILITIES, GestureRow, SampleRow, ScoreRow, ScoringVersion

__all__ = [
    "PROBABILITIES",
    "Alert",
    "AuditEntry",
    "Base",
    "ClassSession",
    "ConsentAnswer",
    "Course",
    "CourseStaff",
    "Enrolment",
    "Feedback",
    "GestureRow",
    "Marker",
    "Pause",
    "RiskFlag",
    "SampleRow",
    "ScoreRow",
    "ScoringVersion",
    "Setting",
    "SetupToken",
    "Source",
    "SourceEvent",
    "Student",
    "User",
]

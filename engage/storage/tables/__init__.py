"""The tables. ``Base.metadata`` holds them all once this package is imported."""

from engage.storage.tables.accounts import AccountLink, Identity, LinkKind, ResetRequest, SignInTrial
from engage.storage.tables.base import Base
from engage.storage.tables.findings import Alert, AttendanceRow, Feedback, Marker, RiskFlag
from engage.storage.tables.holds import Hold
from engage.storage.tables.joining import JoinDevice, JoinKey
from engage.storage.tables.lessons import (
    ClassSession,
    Course,
    CourseStaff,
    Enrolment,
    LessonRun,
    LessonTime,
    Pause,
    SeatingPlan,
    Source,
    SourceEvent,
)
from engage.storage.tables.notifying import (
    AlertRules,
    NotificationChannel,
    NotificationPreference,
    OutboxEntry,
)
from engage.storage.tables.people import AuditEntry, ConsentAnswer, Setting, SetupToken, Student, User
from engage.storage.tables.readings import PROBABILITIES, GestureRow, SampleRow, ScoreRow, ScoringVersion
from engage.storage.tables.rollups import (
    EMOTION_SECONDS,
    Lease,
    MinuteRollup,
    RollupMark,
    SessionRollup,
)

__all__ = [
    "EMOTION_SECONDS",
    "PROBABILITIES",
    "AccountLink",
    "Alert",
    "AlertRules",
    "AttendanceRow",
    "AuditEntry",
    "Base",
    "ClassSession",
    "ConsentAnswer",
    "Course",
    "CourseStaff",
    "Enrolment",
    "Feedback",
    "GestureRow",
    "Hold",
    "Identity",
    "JoinDevice",
    "JoinKey",
    "Lease",
    "LessonRun",
    "LessonTime",
    "LinkKind",
    "Marker",
    "MinuteRollup",
    "NotificationChannel",
    "NotificationPreference",
    "OutboxEntry",
    "Pause",
    "ResetRequest",
    "RiskFlag",
    "RollupMark",
    "SampleRow",
    "ScoreRow",
    "ScoringVersion",
    "SeatingPlan",
    "SessionRollup",
    "Setting",
    "SetupToken",
    "SignInTrial",
    "Source",
    "SourceEvent",
    "Student",
    "User",
]

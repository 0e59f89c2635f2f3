"""The API in one table: what each view takes and answers. A view of ``/api/`` that is not in it fails a test."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel

from dashboard import api_answers as answers
from dashboard import api_requests as requests
from dashboard import class_shapes as classes
from dashboard import lesson_shapes as lessons
from dashboard import meeting_shapes as meetings
from dashboard import term_shapes as terms


@dataclass(frozen=True, slots=True)
class Operation:
    """What one view takes and answers; the words are those of its docstring, the rule that of its ``@allow``."""

    answer: type[BaseModel] | str | None
    """The shape of the JSON, the media type of a file, or None where there is nothing to say."""
    status: int = 200
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None


OPERATIONS = {
    "openapi.document_json": Operation("application/json"),
    "openapi.page": Operation("text/html"),
    "api_courses.me": Operation(answers.Me),
    "api_courses.listed": Operation(answers.Courses),
    "api_courses.create": Operation(answers.CourseWithStudents, 201, body=requests.NewCourse),
    "api_courses.show": Operation(answers.CourseWithStudents),
    "api_courses.sessions": Operation(answers.Sessions),
    "api_courses.add_student": Operation(answers.CourseWithStudents, 201, body=requests.NewPerson),
    "api_courses.consent": Operation(answers.CourseWithStudents, body=requests.Answer),
    "api_courses.archive_student": Operation(None, 204),
    "api_courses.archive": Operation(None, 204),
    "api_courses.report": Operation(terms.Report),
    "seating_api.read": Operation(classes.SeatingNow),
    "seating_api.change": Operation(classes.SeatingNow, body=classes.SeatingChange),
    "api.session": Operation(answers.SessionNow),
    "api.roster": Operation(answers.Roster),
    "api.samples": Operation(lessons.Samples, query=requests.Stretch),
    "api.timeline": Operation(lessons.Timeline, query=requests.Since),
    "api.start": Operation(answers.Session, 201),
    "api.stop": Operation(answers.Session),
    "api.pause": Operation(answers.SessionNow, body=requests.Pause),
    "api.add_marker": Operation(answers.Marker, 201, body=requests.NewMarker),
    "api.calibrate": Operation(answers.Calibration, 201, body=requests.Look),
    "student_timeline.show": Operation(lessons.StudentTimeline, query=requests.Since),
    "alerts_api.listed": Operation(lessons.Alerts),
    "alerts_api.acknowledge": Operation(lessons.Alert),
    "alerts_api.snooze": Operation(lessons.Alert, body=requests.Snooze),
    "feedback.explanation": Operation(lessons.Explanation, query=requests.At),
    "feedback.corrections": Operation(lessons.Corrections),
    "feedback.correct": Operation(lessons.CorrectionMade, 201, body=requests.Correction),
    "feedback.withdraw": Operation(None, 204),
    "feedback.check_ins": Operation(lessons.CheckIns),
    "feedback.check_in": Operation(lessons.CheckInMade, 201, body=requests.CheckIn),
    "meeting_api.read": Operation(meetings.SharedNow),
    "meeting_api.begin": Operation(meetings.SharedBegun, 201),
    "meeting_api.name": Operation(meetings.SharedSaid, body=meetings.FaceName),
    "risk_api.read": Operation(terms.Risk),
    "risk_api.decide_json": Operation(terms.Flag, body=requests.Decision),
    "risk_api.attendance_read": Operation(terms.AttendanceMarks),
    "risk_api.attendance_mark": Operation(terms.AttendanceMarks, body=requests.Marks),
    "students_api.read": Operation(terms.Student),
    "students_api.remove": Operation(terms.Erased, body=requests.Erasure),
    "students_api.export_file": Operation("application/zip"),
}
"""By endpoint."""

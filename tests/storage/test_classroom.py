"""Courses, students, cameras, consent and sessions, as pages change them."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from engage.core.policy import Consent, GivenBy, Jurisdiction, decide
from engage.core.types import Mode
from engage.errors import RequestError
from engage.storage.classroom import Classroom
from engage.storage.database import Database
from engage.storage.queries import Queries
from engage.storage.records import DemoMember, NewStudent, SessionState, SetupRecord, SourceKind

if TYPE_CHECKING:
    from tests.databases import School, SetClock

MEMBERS = [DemoMember(f"Student {number}", f"virtual:{number}", str(number)) for number in range(1, 5)]


def test_the_newest_setup_answer_holds(database: Database, clock: SetClock, school: School) -> None:
    classroom = school.classroom
    assert classroom.setup() is None
    classroom.save_setup(Jurisdiction.US, Mode.FULL, school.admin.id)
    clock.advance(10)
    saved = classroom.save_setup(Jurisdiction.EU, Mode.ATTENTION, school.admin.id)
    assert saved == SetupRecord(Jurisdiction.EU, Mode.ATTENTION, school.admin.id, clock.now()) == classroom.setup()


def test_a_course_has_one_running_session(school: School, clock: SetClock) -> None:
    with pytest.raises(RequestError, match="running already"):
        school.classroom.start_session(school.course.id, school.teacher.id)
    clock.advance(2700)
    ended = school.classroom.end_session(school.session.id, school.teacher.id)
    assert (ended.state, ended.ended_at) == (SessionState.ENDED, clock.now())
    clock.advance(60)
    assert school.classroom.end_session(school.session.id, school.teacher.id) == ended
    second = school.classroom.start_session(school.course.id, school.teacher.id, "Waves")
    assert second.title == "Waves"
    assert [s.id for s in school.queries.sessions(school.course.id)] == [second.id, school.session.id]
    assert [s.id for s in school.queries.running_sessions()] == [second.id]


def test_two_starts_at_once_make_one_session(school: School) -> None:
    school.classroom.end_session(school.session.id, school.teacher.id)
    start = threading.Barrier(4)
    refused: list[RequestError] = []

    def begin() -> None:
        start.wait()
        try:
            school.classroom.start_session(school.course.id, school.teacher.id)
        except RequestError as error:
            refused.append(error)

    threads = [threading.Thread(target=begin) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 3
    assert len(school.queries.running_sessions()) == 1


def test_what_does_not_exist_is_a_request_error(school: School) -> None:
    classroom = school.classroom
    attempts = [
        lambda: classroom.start_session(99, None),
        lambda: classroom.end_session(99, None),
        lambda: classroom.create_course("Title", 99),
        lambda: classroom.create_student(99, NewStudent("Name", minor=False)),
        lambda: classroom.add_source("0", student_id=99),
        lambda: classroom.add_source("0", course_id=99),
        lambda: classroom.record_consent(99, True, GivenBy.STUDENT, None),
        lambda: classroom.archive_student(99),
        lambda: classroom.archive_course(99),
        lambda: classroom.set_paused(99, None, True),
        lambda: classroom.set_paused(school.session.id, 99, True),
        lambda: classroom.add_marker(99, None, "note"),
    ]
    for attempt in attempts:
        with pytest.raises(RequestError):
            attempt()


def test_titles_and_names_are_text_for_people(school: School) -> None:
    for text in ("", "   ", "x" * 201, "\x00"):
        with pytest.raises(RequestError):
            school.classroom.create_course(text, school.teacher.id)
        with pytest.raises(RequestError):
            school.classroom.create_student(school.course.id, NewStudent(text, minor=False))
    assert len(school.queries.courses_for(school.admin.id)) == 1
    assert len(school.queries.students(school.course.id)) == 3


def test_any_name_is_stored_as_given(school: School) -> None:
    names = {"Zoë Ångström", "李小龍", "<script>alert(1)</script>", "Robert'); DROP TABLE students;--", "👩‍🎓"}
    for name in names:
        assert school.classroom.create_student(school.course.id, NewStudent(name, minor=False)).name == name
    assert names <= {entry.name for entry in school.queries.students(school.course.id)}


def test_a_student_number_is_given_once(school: School) -> None:
    school.classroom.create_student(school.course.id, NewStudent("Dan", minor=False, external_id="17"))
    with pytest.raises(RequestError, match="number"):
        school.classroom.create_student(school.course.id, NewStudent("Eve", minor=False, external_id="17"))


def test_a_new_camera_replaces_the_one_in_use(school: School) -> None:
    student = school.students[0].id
    source = school.classroom.add_source("rtsp://camera.local/2", student_id=student)
    assert source.kind is SourceKind.STREAM
    planned = [p for p in school.queries.capture_plan() if p.origin.student_id == student]
    assert [(p.origin.source_id, p.address) for p in planned] == [(source.id, "rtsp://camera.local/2")]


@pytest.mark.parametrize(
    "address", ["rtsp://root:hunter2@10.0.0.5:554/live", "http://10.0.0.5/video?user=root&password=hunter2"]
)
def test_a_camera_password_goes_to_the_worker_and_nowhere_else(
    school: School, database: Database, address: str
) -> None:
    student = school.students[0].id
    source = school.classroom.add_source(address, student_id=student)
    (planned,) = [p for p in school.queries.capture_plan() if p.origin.student_id == student]
    assert planned.address == address
    shown = [repr(source), repr(planned), repr(school.queries.roster(school.session.id))]
    with database.read() as session:
        shown.append(str(session.connection().exec_driver_sql("SELECT address, kind FROM sources").all()))
        shown.append(str(session.connection().exec_driver_sql("SELECT * FROM audit_log").all()))
    assert not any("hunter2" in text for text in shown)


def test_the_kind_of_source_is_read_from_its_address(school: School) -> None:
    kinds = {
        "0": SourceKind.CAMERA,
        "https://host/stream": SourceKind.STREAM,
        "virtual:3?script=drowsy": SourceKind.VIRTUAL,
        "browser:7": SourceKind.BROWSER,
        "/srv/lesson.mp4": SourceKind.FILE,
        "C:\\lesson.mp4": SourceKind.FILE,
    }
    made = {address: school.classroom.add_source(address, course_id=school.course.id).kind for address in kinds}
    assert made == kinds


def test_a_source_has_one_owner(school: School) -> None:
    with pytest.raises(RequestError, match="one student or to one course"):
        school.classroom.add_source("0")
    with pytest.raises(RequestError, match="one student or to one course"):
        school.classroom.add_source("0", student_id=school.students[0].id, course_id=school.course.id)


def test_a_drawn_student_cannot_hide_a_real_camera_from_the_consent_question(
    school: School, database: Database
) -> None:
    drawn = school.classroom.create_student(school.course.id, NewStudent("Drawn", minor=False, virtual=True))
    with pytest.raises(RequestError, match="drawn student"):
        school.classroom.add_source("0", student_id=drawn.id)
    school.classroom.add_source("virtual:1", student_id=drawn.id)
    with database.write() as session:  # as if somebody had changed the row by hand
        session.connection().exec_driver_sql("UPDATE sources SET kind = 'camera', address = '0' WHERE kind = 'virtual'")
    (planned,) = [p for p in school.queries.capture_plan() if p.origin.student_id == drawn.id]
    assert not decide(Jurisdiction.US, Mode.FULL, planned.subject).allowed


def test_the_newest_consent_holds(school: School, clock: SetClock) -> None:
    student = school.students[0].id

    def newest() -> Consent | None:
        return next(e.consent for e in school.queries.roster(school.session.id) if e.student_id == student)

    assert newest() == Consent(True, GivenBy.STUDENT, clock.now())
    school.classroom.record_consent(student, False, GivenBy.STUDENT, None)  # in the same microsecond
    assert newest() == Consent(False, GivenBy.STUDENT, clock.now())
    clock.advance(1)
    school.classroom.record_consent(student, True, GivenBy.GUARDIAN, school.teacher.id)
    assert newest() == Consent(True, GivenBy.GUARDIAN, clock.now())
    planned = next(p for p in school.queries.capture_plan() if p.origin.student_id == student)
    assert planned.subject.consent == newest()


def test_pausing_one_student_and_the_class(school: School) -> None:
    session, (ada, ben, _) = school.session.id, school.students

    def paused() -> set[int]:
        planned = {p.origin.student_id for p in school.queries.capture_plan() if p.paused}
        assert planned == {e.student_id for e in school.queries.roster(session) if e.paused}
        return planned

    assert paused() == set()
    for _ in range(2):
        school.classroom.set_paused(session, ada.id, True, school.teacher.id)
    assert paused() == {ada.id}
    school.classroom.set_paused(session, None, True)
    assert paused() == {student.id for student in school.students}
    assert school.queries.session(session).paused
    school.classroom.set_paused(session, None, False)
    assert paused() == {ada.id}
    school.classroom.set_paused(session, ben.id, False)
    school.classroom.set_paused(session, ada.id, False)
    assert paused() == set()


def test_an_ended_session_is_not_paused_and_plans_nothing(school: School) -> None:
    school.classroom.set_paused(school.session.id, None, True)
    school.classroom.end_session(school.session.id)
    assert not school.queries.session(school.session.id).paused
    assert school.queries.capture_plan() == []
    with pytest.raises(RequestError, match="ended"):
        school.classroom.set_paused(school.session.id, None, True)


def test_an_archived_student_is_out_of_lists_and_captures_but_stays_in_past_sessions(
    school: School, clock: SetClock
) -> None:
    ada = school.students[0].id
    clock.advance(60)
    for _ in range(2):
        school.classroom.archive_student(ada, school.teacher.id)
    assert ada not in [e.student_id for e in school.queries.students(school.course.id)]
    assert ada not in [p.origin.student_id for p in school.queries.capture_plan()]
    assert ada in [e.student_id for e in school.queries.roster(school.session.id)]
    assert school.queries.course(school.course.id).n_students == 2


def test_a_course_is_archived_only_between_sessions(school: School) -> None:
    with pytest.raises(RequestError, match="running"):
        school.classroom.archive_course(school.course.id)
    school.classroom.end_session(school.session.id)
    school.classroom.archive_course(school.course.id)
    assert school.queries.courses_for(school.admin.id) == []
    with pytest.raises(RequestError, match="archived"):
        school.classroom.start_session(school.course.id, None)
    with pytest.raises(RequestError, match="archived"):
        school.classroom.create_student(school.course.id, NewStudent("Late", minor=False))


def test_markers_are_read_in_order_of_time(school: School, clock: SetClock) -> None:
    later = school.classroom.add_marker(school.session.id, school.teacher.id, " group work starts ")
    earlier = school.classroom.add_marker(school.session.id, None, "bell", at=clock.now().replace(hour=8))
    assert school.queries.markers(school.session.id) == [earlier, later]
    assert later.text == "group work starts"


def test_the_virtual_class_is_made_once(database: Database, school: School) -> None:
    classroom, queries = school.classroom, school.queries
    course = classroom.ensure_demo(MEMBERS)
    before = audit_rows(database)
    assert classroom.ensure_demo(MEMBERS) == course
    assert audit_rows(database) == before
    assert queries.course(course).demo
    assert [(e.name, e.seat, e.virtual) for e in queries.students(course)] == [(m.name, m.seat, True) for m in MEMBERS]
    session = classroom.start_session(course, school.admin.id)
    planned = [p for p in queries.capture_plan() if p.origin.session_id == session.id]
    assert sorted(p.address for p in planned) == [member.address for member in MEMBERS]
    assert all(decide(None, None, p.subject).allowed for p in planned)


def test_the_virtual_class_follows_what_is_asked_for(school: School) -> None:
    classroom, queries = school.classroom, school.queries
    course = classroom.ensure_demo(MEMBERS)
    ids = {e.name: e.student_id for e in queries.students(course)}
    assert classroom.ensure_demo(MEMBERS[:2]) == course
    assert [e.name for e in queries.students(course)] == ["Student 1", "Student 2"]
    renamed = [DemoMember("Renamed", MEMBERS[0].address, "9"), *MEMBERS[1:]]
    classroom.ensure_demo(renamed)
    assert {e.name: e.student_id for e in queries.students(course)} == {
        "Renamed": ids["Student 1"],
        "Student 2": ids["Student 2"],
        "Student 3": ids["Student 3"],
        "Student 4": ids["Student 4"],
    }


def test_two_programs_make_one_virtual_class(database: Database, url: str) -> None:
    start = threading.Barrier(3)
    courses: list[Any] = []

    def ensure() -> None:
        own = Database(url)
        start.wait()
        courses.append(Classroom(own).ensure_demo(MEMBERS))
        own.close()

    threads = [threading.Thread(target=ensure) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(courses) == 3 and len(set(courses)) == 1
    assert len(Queries(database).students(courses[0])) == len(MEMBERS)


def audit_rows(database: Database) -> int:
    with database.read() as session:
        return session.connection().exec_driver_sql("SELECT count(*) FROM audit_log").scalar() or 0

"""The consent gate, held against a model: answers, withdrawals, pauses, guardians, erasures, in any order.

Real storage, the supervisor's real plan, the real pages that students answer on, the real collector. Workers that were
not stopped yet are played too: frames of everybody arrive all the time, allowed or not.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import select

from dashboard import create_app
from dashboard.join_keys import issue, joining
from dashboard.join_sockets import ON, gate
from dashboard.services import services
from engage.cli.plan import Plan
from engage.cli.shared import DatabaseGate
from engage.config import Settings
from engage.core.clock import SystemClock
from engage.core.policy import GivenBy, Jurisdiction
from engage.core.scoring_settings import ScoringSettings
from engage.core.signals import FaceSignals, FrameSignals
from engage.core.types import Box, Mode, Origin
from engage.core.updates import LiveUpdate
from engage.errors import RequestError
from engage.pipeline.collector import Collector, CollectorSettings
from engage.storage.accounts import Accounts
from engage.storage.admission import Admission
from engage.storage.classroom import Classroom
from engage.storage.courses import Courses, StudentDetails
from engage.storage.database import Database
from engage.storage.joining import DeviceRecord
from engage.storage.queries import Queries
from engage.storage.records import NewStudent, Role
from engage.storage.store import SqlStore
from engage.storage.students import Students
from engage.storage.tables import AuditEntry, Base, GestureRow, SampleRow

ADULT, MINOR, OTHER, DRAWN = range(4)
WHO = st.integers(ADULT, DRAWN)
PERSON = st.integers(ADULT, OTHER)
EVERYBODY = st.one_of(st.none(), WHO)


class Now:
    """The time of day in all of the program, moved by the machine."""

    time = datetime(2026, 3, 2, 9, tzinfo=UTC)


@dataclass
class Person:
    """What the model knows of a student."""

    id: int
    minor: bool
    drawn: bool
    answers: list[tuple[bool, GivenBy]] = field(default_factory=list)
    paused: bool = False
    gone: bool = False
    browser: bool = False
    """Whether a browser has taken the place of the camera; it counts only while it takes part."""
    was: list[tuple[datetime, bool]] = field(default_factory=list)
    """From when on the model let them be observed, or not."""

    def consented(self) -> bool:
        if self.drawn:
            return True
        granted, by = self.answers[-1] if self.answers else (False, GivenBy.STUDENT)
        return granted and (not self.minor or by is GivenBy.GUARDIAN)

    def guardian(self) -> bool:
        return next((granted for granted, by in reversed(self.answers) if by is GivenBy.GUARDIAN), False)

    def allowed_at(self, moment: datetime) -> bool:
        return next((allowed for since, allowed in reversed(self.was) if since <= moment), False)


class World:
    """One database and application for all examples; each has a course of its own in it."""

    def __init__(self, folder: Path, tables: Path) -> None:
        shutil.copy(tables, folder / "engage.db")
        self.settings = Settings(home=folder, database={"url": f"sqlite:///{folder}/engage.db"})  # type: ignore[arg-type]
        self.database = Database(self.settings.database_url)
        self.database.open()
        self.app = create_app(self.settings, self.database)
        self.app.testing = True
        self.app.config["WTF_CSRF_ENABLED"] = False
        self.classroom, self.queries = Classroom(self.database), Queries(self.database)
        self.teacher = Accounts(self.database).create_user("t@school.example", "T", "hash", Role.TEACHER).id
        self.classroom.save_setup(Jurisdiction.UK, Mode.FULL, self.teacher)
        self.plan = Plan(self.settings, self.queries, self.classroom)


class Gate(RuleBasedStateMachine):
    world: World

    @initialize(agreed=st.sets(PERSON))
    def school(self, agreed: set[int]) -> None:
        world = self.world
        for lesson in world.queries.running_sessions():
            world.classroom.end_session(lesson.id)
        self.course = world.classroom.create_course("Physics", None).id
        self.people: list[Person] = []
        for name in ("Ada", "Chi", "Ben", "Drawn"):
            drawn, minor = name == "Drawn", name == "Chi"
            new = NewStudent(name, minor=minor, virtual=drawn)
            student = world.classroom.create_student(self.course, new).id
            world.classroom.add_source("virtual:x" if drawn else "0", student_id=student)
            self.people.append(Person(student, minor, drawn))
        self.class_paused = False
        self.session = world.classroom.start_session(self.course, None).id
        self.running, self.down = True, False
        self.published: list[LiveUpdate] = []
        limits = CollectorSettings(ScoringSettings(), max_batch=50)
        self.collector = Collector(
            limits, SqlStore(world.database, ScoringSettings()), self, world.queries.past, SystemClock(),
            admit=Admission(world.database),
        )  # fmt: skip
        with world.app.test_request_context():
            keys = issue(self.course, [person.id for person in self.people], self.world.teacher)
        self.tokens = {key.student_id: key.token for key in keys}
        self.browsers = {person.id: world.app.test_client() for person in self.people}
        self._settle()
        for who in sorted(agreed):
            if self.people[who].minor:
                self.somebody_answers(who, True, GivenBy.GUARDIAN)
            self.the_student_answers_on_the_page(who, True)

    def publish(self, update: LiveUpdate) -> None:
        self.published.append(update)

    # What people do

    @rule(who=PERSON, granted=st.booleans(), by=st.sampled_from(GivenBy))
    def somebody_answers(self, who: int, granted: bool, by: GivenBy) -> None:
        person = self.people[who]
        self._do(lambda: self.world.classroom.record_consent(person.id, granted, by, None), not person.gone)
        if not person.gone:
            person.answers.append((granted, by))
        self._settle()

    @rule(who=PERSON, yes=st.booleans())
    def the_student_answers_on_the_page(self, who: int, yes: bool) -> None:
        person, browser = self.people[who], self.browsers[self.people[who].id]
        self._tick()
        browser.get(f"/join/me/{self.tokens[person.id]}")
        browser.post("/join/answer", data={"answer": "yes" if yes else "no"})
        if self.running and not person.gone and not (person.minor and not person.guardian()):
            person.browser = person.browser or yes
            if yes and not person.consented():
                person.answers.append((True, GivenBy.GUARDIAN if person.minor else GivenBy.STUDENT))
            elif not yes and (not person.answers or person.answers[-1][0]):
                person.answers.append((False, GivenBy.STUDENT))
        self._settle()

    @rule(who=EVERYBODY, paused=st.booleans(), by_teacher=st.booleans())
    def somebody_pauses_or_goes_on(self, who: int | None, paused: bool, by_teacher: bool) -> None:
        person = None if who is None else self.people[who]
        self._tick()
        try:
            if person is None or by_teacher or person.gone:
                student = None if person is None else person.id
                self.world.classroom.set_paused(self.session, student, paused, None)
            else:
                with self.world.app.test_request_context():
                    joining().pause(self.session, person.id, paused)
        except RequestError:
            pass
        else:
            if person is None:
                self.class_paused = paused if self.running else False
            elif not person.gone:
                person.paused = paused if self.running else False
        self._settle()

    @rule(who=PERSON, minor=st.booleans())
    def an_age_is_corrected(self, who: int, minor: bool) -> None:
        person = self.people[who]
        self._tick()
        assert self.collector.flush()  # what waits is judged by the age that was known
        details = StudentDetails(f"Student {who}", minor)
        self._do(
            lambda: Courses(self.world.database).change_student(self.course, person.id, details, None), not person.gone
        )
        person.minor = minor
        self._settle()

    @rule(who=PERSON)
    def somebody_is_erased(self, who: int) -> None:
        person = self.people[who]
        self._do(lambda: Students(self.world.database).erase_again(person.id, None, {}), not person.gone)
        person.gone = True
        self._settle()

    @rule()
    def the_lesson_ends_or_the_next_begins(self) -> None:
        self._tick()
        if self.running:
            self.world.classroom.end_session(self.session)
        else:
            self.session = self.world.classroom.start_session(self.course, None).id
        self.running = not self.running
        self.class_paused = False
        for person in self.people:
            person.paused = False
        self._settle()

    # What cameras do

    @rule(seconds=st.integers(3, 5))
    def cameras_that_are_planned_look_for_a_while(self, seconds: int) -> None:
        planned, since = self._planned(), Now.time
        self._look(planned, seconds)
        if self.down:
            return
        fresh = SampleRow.session_id == self.session, SampleRow.captured_at > since
        with self.world.database.read() as session:
            stored = set(session.scalars(select(SampleRow.student_id).where(*fresh)))
        assert planned <= stored, "what is allowed is stored"

    @rule(down=st.booleans())
    def the_database_goes_away_or_comes_back(self, down: bool) -> None:
        """Readings then wait in the collector, and are written later."""
        self.down = down
        self._look(set(), 0)

    def _look(self, students: set[int], seconds: int) -> None:
        for _ in range(seconds):
            Now.time += timedelta(seconds=1)
            self.collector.take([self._frame(student) for student in sorted(students)])
        if not self.down:
            assert self.collector.flush()

    def _frame(self, student: int) -> FrameSignals:
        face = FaceSignals(1, Box(0, 0, 9, 9), 0.9, (1.0, 0, 0, 0, 0, 0, 0, 0), yaw_deg=1.0, pitch_deg=0.0)
        return FrameSignals(Origin(self.session, 1, student), Mode.FULL, 0, Now.time, 0.0, 0.5, (face,))

    # What must hold

    @invariant()
    def only_who_may_be_looked_at_is(self) -> None:
        allowed = {person.id for person in self.people if person.was[-1][1]}
        planned = self._planned()
        assert planned <= allowed, "the plan"
        by_camera = {person.id for person in self.people if not person.browser}
        assert planned & by_camera == allowed & by_camera, "the plan leaves out nobody who agreed"
        seen = DatabaseGate(self.world.settings, self.world.database, self.session)()
        assert {number for number, each in seen.items() if each.mode is not None} <= allowed, "a shared window"
        with self.world.app.test_request_context():
            assert self._taken() <= allowed, "a browser's frames"

    def _planned(self) -> set[int]:
        return {spec.arguments["origin"][2] for spec in self.world.plan()}

    def _taken(self) -> set[int]:
        """Return whose browser would have its frames taken now."""
        gate().forget()
        devices = joining().devices().items()
        records = [DeviceRecord(number, session, student) for (session, student), number in devices]
        return {record.student_id for record in records if gate().look(record, services()).state == ON}

    @invariant()
    def every_stored_reading_had_its_yes(self) -> None:
        by_id = {person.id: person for person in self.people}
        with self.world.database.read() as session:
            samples = select(SampleRow.student_id, SampleRow.captured_at).where(SampleRow.student_id.in_(by_id))
            gestures = select(GestureRow.student_id, GestureRow.ended_at).where(GestureRow.student_id.in_(by_id))
            rows = [*session.execute(samples), *session.execute(gestures)]
        for student, at in rows:
            assert by_id[student].allowed_at(at), f"student {student} at {at}"
            assert not by_id[student].gone
        for update in self.published:
            for scored in update.samples:
                sample = scored.sample
                assert by_id[sample.student_id].allowed_at(sample.captured_at), "shown"
        self.published.clear()

    @invariant()
    def of_the_erased_nothing_is_left(self) -> None:
        gone = [person.id for person in self.people if person.gone]
        if not gone:
            return
        with self.world.database.read() as session:
            for table in Base.metadata.sorted_tables:
                if "student_id" in table.columns and table.name != AuditEntry.__tablename__:
                    found = session.execute(select(table).where(table.c.student_id.in_(gone))).first()
                    assert found is None, table.name

    def teardown(self) -> None:
        if hasattr(self, "collector"):
            assert self.collector.flush()
            self.every_stored_reading_had_its_yes()

    def _tick(self) -> None:
        Now.time += timedelta(seconds=0.25)

    def _do(self, action: Callable[[], Any], possible: bool) -> None:
        self._tick()
        if possible:
            action()
        else:
            with pytest.raises(RequestError):
                action()

    def _settle(self) -> None:
        """Note from when on who may be observed; time then moves, so that no frame falls on the change."""
        for person in self.people:
            free = self.running and not self.class_paused and not person.paused
            person.was.append((Now.time, free and person.consented() and not person.gone))
        self._look({person.id for person in self.people}, 2)  # workers that were not stopped yet
        self._tick()


@pytest.fixture
def world(sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(SystemClock, "now", lambda self: Now.time)
    return World(tmp_path, sqlite_template)


def machine(world: World) -> type[Gate]:
    return type("Gate", (Gate,), {"world": world})


CHECKS = [HealthCheck.too_slow, HealthCheck.filter_too_much]


@pytest.mark.timeout(600)
def test_nobody_is_observed_without_a_yes_whatever_happens(world: World) -> None:
    run_state_machine_as_test(
        machine(world),
        settings=settings(max_examples=12, stateful_step_count=25, deadline=None, suppress_health_check=CHECKS),
    )


@pytest.mark.nightly
@pytest.mark.timeout(3600)
def test_nobody_is_observed_without_a_yes_many_times(world: World) -> None:
    run_state_machine_as_test(
        machine(world),
        settings=settings(max_examples=400, stateful_step_count=50, deadline=None, suppress_health_check=CHECKS),
    )

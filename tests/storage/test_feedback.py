"""Feedback: what may be said, of whom, about which stretch."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from engage.core.policy import GivenBy
from engage.errors import RequestError
from engage.storage.database import Database
from engage.storage.feedback import FeedbackBook
from engage.storage.records import FeedbackKind, NewStudent

MINUTE = timedelta(minutes=1)


@pytest.fixture
def book(database: Database, clock: Any) -> FeedbackBook:
    return FeedbackBook(database, clock)


def test_a_check_in_speaks_of_the_minute_before_it(book: FeedbackBook, school: Any, clock: Any) -> None:
    ada, session = school.students[0].id, school.session.id
    clock.advance(600)
    row = book.check_in(session, ada, 4, school.teacher.id)
    assert (row.kind, row.value, row.until_at - row.from_at) == (FeedbackKind.CHECK_IN, 4, MINUTE)
    assert row.until_at == clock.now()
    assert book.of_session(session, FeedbackKind.CHECK_IN, ada) == [row] == book.all()
    assert book.of_session(session, FeedbackKind.CORRECTION) == []


def test_check_ins_of_a_session_that_has_just_begun_start_with_it(book: FeedbackBook, school: Any, clock: Any) -> None:
    clock.advance(5)
    assert book.check_in(school.session.id, school.students[0].id, 1).from_at == school.session.started_at


def test_once_a_minute_is_enough(book: FeedbackBook, school: Any, clock: Any) -> None:
    ada, ben = (student.id for student in school.students[:2])
    clock.advance(600)
    book.check_in(school.session.id, ada, 4)
    book.check_in(school.session.id, ben, 5)
    with pytest.raises(RequestError, match="once a minute"):
        book.check_in(school.session.id, ada, 5)
    clock.advance(61)
    book.check_in(school.session.id, ada, 5)
    assert len(book.all()) == 3


def test_a_correction_is_kept_within_the_session(book: FeedbackBook, school: Any, clock: Any) -> None:
    ada, start = school.students[0].id, school.session.started_at
    clock.advance(120)
    row = book.correct(school.session.id, ada, False, (start - MINUTE, start + 5 * MINUTE), school.teacher.id)
    assert (row.value, row.from_at, row.until_at) == (0, start, clock.now())
    school.classroom.end_session(school.session.id)
    assert book.correct(school.session.id, ada, True, (start, start + MINUTE)).value == 1


def test_only_ones_own_correction_is_withdrawn(book: FeedbackBook, school: Any, clock: Any) -> None:
    ada, session, start = school.students[0].id, school.session.id, school.session.started_at
    clock.advance(120)
    row = book.correct(session, ada, False, (start, start + MINUTE), school.teacher.id)
    said = book.check_in(session, ada, 3, school.teacher.id)
    with pytest.raises(RequestError, match="Only whoever made"):
        book.withdraw(session, row.id, school.other_teacher.id)
    for correction in (said.id, 99, 2**40):
        with pytest.raises(RequestError, match="not there"):
            book.withdraw(session, correction, school.teacher.id)
    book.withdraw(session, row.id, school.teacher.id)
    assert book.all() == [said]


@pytest.mark.parametrize("value", [0, 6, -1, 99])
def test_check_ins_are_one_to_five(book: FeedbackBook, school: Any, value: int) -> None:
    with pytest.raises(RequestError, match="from 1 to 5"):
        book.check_in(school.session.id, school.students[0].id, value)


def test_what_cannot_be_said_is_refused(book: FeedbackBook, school: Any, clock: Any) -> None:
    ada, session, start = school.students[0].id, school.session.id, school.session.started_at
    clock.advance(3600)
    other = school.classroom.create_course("Latin", school.other_teacher.id)
    stranger = school.classroom.create_student(other.id, NewStudent("Dan", minor=False)).id
    school.classroom.record_consent(stranger, True, GivenBy.STUDENT, None)
    for student in (stranger, 99, 2**40):
        with pytest.raises(RequestError, match="not in this session"):
            book.check_in(session, student, 3)
    for stretch in ((start + MINUTE, start), (start, start + timedelta(minutes=16))):
        with pytest.raises(RequestError, match="of at most 15 minutes"):
            book.correct(session, ada, True, stretch)
    for stretch in ((start - 3 * MINUTE, start - MINUTE), (start + timedelta(hours=2), start + timedelta(minutes=121))):
        with pytest.raises(RequestError, match="within the session"):
            book.correct(session, ada, True, stretch)
    with pytest.raises(RequestError, match="no such session"):
        book.check_in(99, ada, 3)
    school.classroom.end_session(session)
    with pytest.raises(RequestError, match="has ended"):
        book.check_in(session, ada, 3)
    assert book.all() == []

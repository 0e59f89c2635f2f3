"""Links, PINs, devices and tickets of joining students, on both databases."""

from __future__ import annotations

from typing import Any

import pytest

from engage.errors import RequestError
from engage.storage.database import Database
from engage.storage.join_keys import JoinKeyRecord, JoinKeys, KeyHashes
from engage.storage.joining import TICKET_LIFETIME, Joining
from engage.storage.queries import Queries
from engage.storage.records import SourceKind


@pytest.fixture
def joining(database: Database, clock: Any) -> Joining:
    return Joining(database, clock)


@pytest.fixture
def keys(database: Database, clock: Any) -> JoinKeys:
    return JoinKeys(database, clock)


@pytest.fixture
def key(keys: JoinKeys, school: Any) -> JoinKeyRecord:
    ada, ben = (student.id for student in school.students[:2])
    keys.issue(school.course.id, {ada: KeyHashes("t1", "p1"), ben: KeyHashes("t2", "p2")}, school.teacher.id)
    found = keys.by_pin(school.course.id, "p1")
    assert found is not None and found.student_id == ada
    return found


def browsers(database: Database) -> list[Any]:
    return [source for source in Queries(database).capture_plan() if source.kind is SourceKind.BROWSER]


def test_a_pair_is_found_by_either_half_and_replaced_as_a_whole(
    keys: JoinKeys, key: JoinKeyRecord, school: Any
) -> None:
    assert keys.by_token("t1") == key == keys.key(key.id)
    with pytest.raises(RequestError, match="same PIN"):
        keys.issue(school.course.id, {key.student_id: KeyHashes("t3", "p2")}, None)
    assert keys.by_token("t1") == key, "a refused change leaves the old pair"
    keys.issue(school.course.id, {key.student_id: KeyHashes("t3", "p3")}, None)
    assert keys.by_token("t1") is None is keys.by_pin(school.course.id, "p1")
    assert keys.key(key.id) is None, "a browser bound by the old pair is bound no more"
    assert set(keys.issued(school.course.id)) == {student.id for student in school.students[:2]}
    assert keys.revoke(school.course.id, None, None) == 2
    assert keys.issued(school.course.id) == {}


def test_one_device_at_a_time_and_only_while_it_takes_part(
    joining: Joining, key: JoinKeyRecord, school: Any, database: Database
) -> None:
    session = school.session.id
    assert browsers(database) == []
    first = joining.claim(key, session, "a", take_over=False)
    assert first is not None and joining.claim(key, session, "a", take_over=False) == first
    assert joining.claim(key, session, "b", take_over=False) is None
    assert [source.address for source in browsers(database)] == [f"browser:{key.student_id}"]
    second = joining.claim(key, session, "b", take_over=True)
    assert joining.active(session, key.student_id, "a") is None
    device = joining.active(session, key.student_id, "b")
    assert device is not None and device.id == second
    assert joining.devices() == {(session, key.student_id): second}
    joining.leave(device)
    joining.leave(device)
    assert browsers(database) == [] and joining.devices() == {}
    assert joining.claim(key, session, "a", take_over=False) is not None
    assert len(browsers(database)) == 1, "the camera of before, not another one"


def test_a_ticket_works_once_and_for_a_while(joining: Joining, key: JoinKeyRecord, school: Any, clock: Any) -> None:
    joining.claim(key, school.session.id, "a", take_over=False)
    device = joining.active(school.session.id, key.student_id, "a")
    assert device is not None
    joining.issue_ticket(device, "one")
    joining.issue_ticket(device, "two")
    assert joining.redeem_ticket("one") is None
    assert joining.redeem_ticket("two") == device
    assert joining.redeem_ticket("two") is None
    joining.issue_ticket(device, "three")
    clock.advance(TICKET_LIFETIME.total_seconds() + 1)
    assert joining.redeem_ticket("three") is None
    joining.issue_ticket(device, "four")
    joining.leave(device)
    assert joining.redeem_ticket("four") is None


def test_whose_pause_it_is(joining: Joining, key: JoinKeyRecord, school: Any) -> None:
    session, student = school.session.id, key.student_id

    def pauses() -> tuple[bool, bool, bool]:
        state = joining.state(session, student)
        assert state is not None
        return state.own_pause, state.held, state.class_paused

    joining.pause(session, student, True)
    assert pauses() == (True, False, False)
    joining.pause(session, student, False)
    school.classroom.set_paused(session, student, True, school.teacher.id)
    school.classroom.set_paused(session, None, True, school.teacher.id)
    assert pauses() == (False, True, True)
    with pytest.raises(RequestError, match="teacher has paused"):
        joining.pause(session, student, False)


def test_an_ended_lesson_and_an_archived_student_let_nobody_in(
    joining: Joining, keys: JoinKeys, key: JoinKeyRecord, school: Any
) -> None:
    school.classroom.end_session(school.session.id)
    with pytest.raises(RequestError, match="over"):
        joining.claim(key, school.session.id, "a", take_over=False)
    again = school.classroom.start_session(school.course.id, None)
    school.classroom.archive_student(key.student_id)
    assert keys.by_token("t1") is None is keys.key(key.id)
    with pytest.raises(RequestError, match="no longer valid"):
        joining.claim(key, again.id, "a", take_over=False)

"""Invitations, resets, identities, staff and the trials of signing in, on both databases."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from engage.errors import RequestError
from engage.storage.database import Database
from engage.storage.identities import Claim, Identities
from engage.storage.invitations import LIFETIME, Invitations, NewInvitation
from engage.storage.records import NewStudent, Role, UserRecord
from engage.storage.resets import Resets
from engage.storage.sign_ins import FREE_TRIALS, LONGEST_WAIT_S, SignIns
from engage.storage.staffing import Staffing, StaffRole
from engage.storage.tables import AuditEntry

if TYPE_CHECKING:
    from tests.databases import School, SetClock

EMAIL = "new@example.org"


def actions(database: Database) -> list[str]:
    with database.read() as session:
        return list(session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)))


class TestInvitations:
    @pytest.fixture
    def invitations(self, database: Database, clock: SetClock) -> Invitations:
        return Invitations(database, clock)

    def test_a_link_makes_one_account_with_its_role(
        self, invitations: Invitations, school: School, database: Database
    ) -> None:
        token = invitations.invite(NewInvitation(" New@Example.org", Role.TEACHER), school.admin.id, mail=False)
        assert token is not None and invitations.address(token) == EMAIL
        made = invitations.accept(token, "Ada", "hash")
        assert (made.email, made.role, made.active) == (EMAIL, Role.TEACHER, True)
        assert invitations.waiting() == [] and invitations.address(token) is None
        with pytest.raises(RequestError, match="used"):
            invitations.accept(token, "Eve", "hash")
        assert {"invite", "accept_invitation", "create_user"} <= set(actions(database))

    def test_two_who_send_it_at_once_make_one_account(self, invitations: Invitations, school: School) -> None:
        token = invitations.invite(NewInvitation(EMAIL, Role.TEACHER), school.admin.id, mail=False) or ""
        start, results = threading.Barrier(4), []

        def accept() -> None:
            start.wait()
            try:
                results.append(invitations.accept(token, "Ada", "hash"))
            except RequestError as error:
                results.append(error)

        threads = [threading.Thread(target=accept) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sum(isinstance(result, UserRecord) for result in results) == 1

    def test_it_expires_is_withdrawn_and_replaced(
        self, invitations: Invitations, school: School, clock: SetClock
    ) -> None:
        new = NewInvitation(EMAIL, Role.TEACHER)
        first = invitations.invite(new, school.admin.id, mail=False) or ""
        second = invitations.invite(new, school.admin.id, mail=False) or ""
        assert (invitations.address(first), invitations.address(second)) == (None, EMAIL)
        clock.advance(LIFETIME.total_seconds())
        (waiting,) = invitations.waiting()
        assert waiting.expired and invitations.address(second) is None
        third = invitations.renew(waiting.id, school.admin.id)
        assert invitations.address(third) == EMAIL
        invitations.revoke(waiting.id, school.admin.id)
        assert invitations.address(third) is None and invitations.waiting() == []
        for gone in (invitations.renew, invitations.revoke):
            with pytest.raises(RequestError, match="no such invitation"):
                gone(waiting.id, school.admin.id)

    def test_a_students_account_is_one_students(self, invitations: Invitations, school: School) -> None:
        ada = school.students[0]
        drawn = school.classroom.create_student(school.course.id, NewStudent("Drawn", minor=False, virtual=True))
        for role, student in (
            (Role.STUDENT, None),
            (Role.TEACHER, ada.id),
            (Role.STUDENT, drawn.id),
            (Role.STUDENT, 99),
        ):
            with pytest.raises(RequestError):
                invitations.invite(NewInvitation(EMAIL, role, student), school.admin.id, mail=False)
        token = invitations.invite(NewInvitation(EMAIL, Role.STUDENT, ada.id), school.admin.id, mail=False) or ""
        assert [record.student_name for record in invitations.waiting()] == ["Ada"]
        assert invitations.accept(token, "Ada", "hash").student_id == ada.id
        with pytest.raises(RequestError, match="has an account"):
            invitations.invite(NewInvitation("b@example.org", Role.STUDENT, ada.id), school.admin.id, mail=False)

    def test_who_has_an_account_is_not_invited(self, invitations: Invitations, school: School) -> None:
        for email in ("teacher@example.org", "no address"):
            with pytest.raises(RequestError):
                invitations.invite(NewInvitation(email, Role.TEACHER), school.admin.id, mail=False)


class TestAccounts:
    """What an administrator may change, and what ends sessions."""

    def test_switching_off_ends_sessions_and_deletes_nothing(self, school: School, database: Database) -> None:
        accounts, teacher = school.accounts, school.teacher.id
        link = Resets(database).issue(teacher, school.admin.id)
        off = accounts.set_active(teacher, False, school.admin.id)
        assert not off.active and off.session_stamp != school.teacher.session_stamp
        assert Resets(database).address(link) is None
        assert accounts.set_active(teacher, True, school.admin.id).active
        assert [user.id for user in accounts.everyone()].count(teacher) == 1
        assert school.queries.may_see_course(teacher, school.course.id)
        assert {"deactivate_user", "activate_user"} <= set(actions(database))

    def test_an_administrator_stays(self, school: School) -> None:
        accounts, admin = school.accounts, school.admin.id
        for change in (
            lambda: accounts.set_active(admin, False, admin),
            lambda: accounts.set_role(admin, Role.TEACHER, admin),
        ):
            with pytest.raises(RequestError, match="Another administrator"):
                change()
        second = accounts.set_role(school.teacher.id, Role.ADMIN, admin)
        accounts.set_active(admin, False, second.id)
        with pytest.raises(RequestError, match="has to stay"):
            accounts.set_active(second.id, False, admin)

    def test_a_students_account_stays_one(self, school: School, database: Database) -> None:
        student = school.accounts.create_user("s@example.org", "S", "hash", Role.STUDENT)
        for user, role in ((student.id, Role.ADMIN), (school.teacher.id, Role.STUDENT)):
            with pytest.raises(RequestError):
                school.accounts.set_role(user, role, school.admin.id)

    def test_a_new_password_by_whichever_way_ends_all_sessions(self, school: School, database: Database) -> None:
        resets, stamps = Resets(database), {school.teacher.session_stamp}
        stamps.add(school.accounts.set_password(school.teacher.id, "second").session_stamp)
        stamps.add(resets.redeem(resets.issue(school.teacher.id, school.admin.id), "third").session_stamp)
        stamps.add(school.accounts.end_sessions(school.teacher.id).session_stamp)
        assert len(stamps) == 4
        assert school.accounts.password_hash(school.teacher.id) == "third"


class TestResets:
    def test_a_link_works_once_and_for_an_hour(self, school: School, database: Database, clock: SetClock) -> None:
        resets = Resets(database, clock)
        first, second = (resets.issue(school.teacher.id, school.admin.id) for _ in range(2))
        assert (resets.address(first), resets.address(second)) == (None, "teacher@example.org")
        resets.redeem(second, "hash")
        third = resets.issue(school.teacher.id, school.admin.id)
        clock.advance(3600)
        for token in (first, second, third, "", "\ud800"):
            assert resets.address(token) is None
            with pytest.raises(RequestError, match="used or has expired"):
                resets.redeem(token, "other")
        assert school.accounts.password_hash(school.teacher.id) == "hash"
        assert resets.forget(clock.now() + timedelta(seconds=1)) == 3

    def test_an_invitation_is_no_reset(self, school: School, database: Database, clock: SetClock) -> None:
        token = Invitations(database, clock).invite(NewInvitation(EMAIL, Role.TEACHER), None, mail=False) or ""
        assert Resets(database, clock).address(token) is None

    def test_asking_writes_the_same_for_everyone(self, school: School, database: Database, clock: SetClock) -> None:
        resets = Resets(database, clock)
        resets.request("teacher@example.org")
        resets.request("nobody@example.org")
        with database.read() as session:
            assert session.connection().exec_driver_sql("SELECT count(*) FROM reset_requests").scalar() == 2
            assert session.connection().exec_driver_sql("SELECT count(*) FROM account_links").scalar() == 0
        school.accounts.set_active(school.teacher.id, False, school.admin.id)
        assert resets.answer() == 0, "neither a stranger nor an account that is switched off is written to"


class TestTrials:
    def test_waits_grow_to_a_minute_and_are_forgotten(
        self, school: School, database: Database, clock: SetClock
    ) -> None:
        sign_ins = SignIns(database, clock)
        assert [sign_ins.begin("a@example.org", None) for _ in range(FREE_TRIALS)] == [0.0] * FREE_TRIALS
        waits = []
        for _ in range(10):
            wait_s = sign_ins.begin("A@example.org", None)
            assert sign_ins.begin("a@example.org", None) == wait_s, "a trial that has to wait does not count"
            waits.append(wait_s)
            clock.advance(wait_s)
            assert sign_ins.begin("a@example.org", None) == 0.0
        assert waits[:4] == [1.0, 2.0, 4.0, 8.0] and max(waits) == waits[-1] == LONGEST_WAIT_S
        clock.advance(timedelta(minutes=16).total_seconds())
        assert [sign_ins.begin("a@example.org", None) for _ in range(2)] == [0.0, 0.0]
        assert sign_ins.forget(clock.now() + timedelta(seconds=1)) == 1

    def test_a_known_browser_and_other_addresses_do_not_wait(
        self, school: School, database: Database, clock: SetClock
    ) -> None:
        sign_ins = SignIns(database, clock)
        for _ in range(FREE_TRIALS):
            sign_ins.begin("teacher@example.org", None)
        assert sign_ins.begin("teacher@example.org", None) > 0
        assert sign_ins.begin("teacher@example.org", "her own browser") == 0.0
        assert sign_ins.begin("other@example.org", None) == 0.0
        resets = Resets(database, clock)
        resets.redeem(resets.issue(school.teacher.id, school.admin.id), "hash")
        assert sign_ins.begin("teacher@example.org", None) == 0.0, "a reset forgives"

    def test_success_forgives_and_is_logged(self, school: School, database: Database, clock: SetClock) -> None:
        sign_ins = SignIns(database, clock)
        for _ in range(FREE_TRIALS):
            sign_ins.begin("teacher@example.org", None)
            sign_ins.failed(school.teacher.id)
        sign_ins.succeeded(school.teacher.id, "teacher@example.org", None, "password")
        assert sign_ins.begin("teacher@example.org", None) == 0.0
        assert actions(database)[-6:] == ["sign_in_failed"] * 5 + ["sign_in"]
        assert school.accounts.user(school.teacher.id).signed_in_at == clock.now()  # type: ignore[union-attr]


class TestIdentities:
    ISSUER = "https://issuer.example"

    def claim(self, email: str | None, subject: str = "s1") -> Claim:
        return Claim(self.ISSUER, subject, email, "Ada  Lovelace")

    def test_strangers_get_no_account(self, school: School, database: Database) -> None:
        identities = Identities(database)
        for claim in (
            self.claim("stranger@example.org"),
            self.claim(None),
            self.claim("no address"),
            self.claim("a@b.c", ""),
        ):
            assert identities.enter(claim) is None
        assert school.accounts.count_users() == 3

    def test_an_account_is_bound_by_address_once_and_found_by_subject_after(
        self, school: School, database: Database
    ) -> None:
        identities = Identities(database)
        assert identities.enter(self.claim("Teacher@example.org")).id == school.teacher.id  # type: ignore[union-attr]
        assert identities.enter(self.claim(None)).id == school.teacher.id  # type: ignore[union-attr]
        assert identities.enter(self.claim("admin@example.org")).id == school.teacher.id  # type: ignore[union-attr]
        assert identities.of(school.teacher.id) == [self.ISSUER]
        school.accounts.set_active(school.teacher.id, False, school.admin.id)
        assert identities.enter(self.claim("teacher@example.org")) is None

    def test_an_invitation_is_taken(self, school: School, database: Database) -> None:
        invitations = Invitations(database)
        token = invitations.invite(NewInvitation(EMAIL, Role.TEACHER), school.admin.id, mail=False) or ""
        made = Identities(database).enter(self.claim("NEW@example.org"))
        assert made is not None and (made.email, made.name, made.role) == (EMAIL, "Ada Lovelace", Role.TEACHER)
        assert invitations.address(token) is None
        assert school.accounts.password_hash(made.id) is None


class TestStaffing:
    def test_a_co_teacher_comes_and_goes(self, school: School, database: Database) -> None:
        staffing, course, other = Staffing(database), school.course.id, school.other_teacher.id
        assert [record.user_id for record in staffing.candidates(course)] == [school.admin.id, other]
        assert staffing.add(course, other, school.teacher.id) == "Other"
        assert [record.role for record in staffing.staff(course)] == [StaffRole.TEACHER, StaffRole.CO_TEACHER]
        assert school.queries.may_see_course(other, course) and school.queries.teaches(other, school.session.id)
        assert not staffing.may_lead(other, course)
        assert staffing.may_lead(school.teacher.id, course) and staffing.may_lead(school.admin.id, course)
        staffing.remove(course, other, school.teacher.id)
        assert not school.queries.may_see_course(other, course)
        assert actions(database)[-2:] == ["add_co_teacher", "remove_co_teacher"]

    def test_who_cannot_be_added_or_removed(self, school: School, database: Database) -> None:
        staffing, course = Staffing(database), school.course.id
        student = school.accounts.create_user("s@example.org", "S", "hash", Role.STUDENT).id
        for user in (student, school.teacher.id, 99, 0):
            with pytest.raises(RequestError):
                staffing.add(course, user, school.teacher.id)
        for user in (school.teacher.id, school.other_teacher.id, 99):
            with pytest.raises(RequestError, match="no such co-teacher"):
                staffing.remove(course, user, school.teacher.id)
        assert not staffing.may_lead(school.teacher.id, 99) and not staffing.may_lead(student, course)

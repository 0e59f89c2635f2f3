"""Accounts by invitation, forgotten passwords, one's own account, and what an administrator and a co-teacher may do."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from dashboard.passwords import guessable
from engage.config import Settings
from engage.storage.database import Database
from engage.storage.records import Role
from engage.storage.resets import Resets
from engage.storage.sign_ins import FREE_TRIALS
from engage.storage.staffing import Staffing
from engage.storage.tables import AuditEntry, OutboxEntry, ResetRequest, SignInTrial, User

NEW = {"name": "Ada", "password": "four green boats", "again": "four green boats"}
CHANGED = {"password": "seven blue kites", "again": "seven blue kites"}


@pytest.fixture
def mailing(settings: Settings) -> Settings:
    """Return settings with a mail server; depend on it before ``app``."""
    return settings.model_copy(
        update={"sign_in": settings.sign_in.model_validate({"mail": "mailtos://me:secret@smtp.school.example"})}
    )


def path_in(page: str) -> str:
    """Return the path of the link that a page shows to be copied."""
    found = re.search(r'id="link" readonly value="http://[^/"]+(/[^"]+)"', page)
    assert found, page
    return found[1]


def actions(database: Database) -> list[str]:
    with database.read() as session:
        return list(session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)))


class TestInvitation:
    def test_from_the_administrators_page_to_a_course(self, school: Any, browser: Any, send: Any) -> None:
        admin, ada = browser("admin"), browser(None)
        shown = send(admin, "/accounts/invitations", email="ada@school.example", role="teacher")
        assert shown.status_code == 201
        path = path_in(shown.text)
        assert path not in admin.get("/accounts").text, "a link is shown once"
        assert "ada@school.example" in ada.get(path).text
        assert send(ada, path, **NEW).location == "/"
        assert ada.get("/courses/new").status_code == 200
        assert ada.get("/accounts").status_code == 403
        assert send(browser(None), path, **NEW).status_code == 410
        page = admin.get("/accounts").text
        assert "ada@school.example" in page and "not yet" in page, "others have never signed in"

    def test_a_students_account_sees_the_student_alone(self, school: Any, browser: Any, send: Any) -> None:
        admin, amina = browser("admin"), browser(None)
        assert send(admin, "/accounts/invitations", email="a@school.example", role="student").status_code == 422
        shown = send(
            admin, "/accounts/invitations", email="a@school.example", role="student", student=str(school.student)
        )
        send(amina, path_in(shown.text), **NEW)
        assert amina.get("/").location == f"/students/{school.student}"
        assert amina.get(f"/courses/{school.course}").status_code == 403
        assert amina.get("/account").status_code == 200

    @pytest.mark.parametrize(
        "change",
        [{"password": "short", "again": "short"}, {"again": "differs"}, {"name": " "},
         {"password": "Password1234!", "again": "Password1234!"}],
    )  # fmt: skip
    def test_a_poor_form_spends_nothing(self, school: Any, browser: Any, send: Any, change: dict[str, str]) -> None:
        shown = send(browser("admin"), "/accounts/invitations", email="ada@school.example", role="teacher")
        path, ada = path_in(shown.text), browser(None)
        answer = send(ada, path, **{**NEW, **change})
        assert answer.status_code == 422 and "aria-invalid" in answer.text
        assert send(ada, path, **NEW).status_code == 302

    def test_withdrawn_renewed_and_taken_addresses(self, school: Any, browser: Any, send: Any) -> None:
        admin = browser("admin")
        first = path_in(send(admin, "/accounts/invitations", email="ada@school.example", role="admin").text)
        second = path_in(send(admin, "/accounts/invitations/1/link").text)
        assert [browser(None).get(path).status_code for path in (first, second)] == [410, 200]
        send(admin, "/accounts/invitations/1/withdraw")
        assert browser(None).get(second).status_code == 410
        taken = send(admin, "/accounts/invitations", email="teacher@school.example", role="teacher")
        assert taken.status_code == 422 and "already" in taken.text

    def test_by_mail_no_link_is_shown(self, mailing: Settings, school: Any, database: Database, send: Any) -> None:
        from dashboard import create_app
        from tests.dashboard.conftest import PASSWORD

        admin = create_app(mailing, database).test_client()
        send(admin, "/sign-in", email="admin@school.example", password=PASSWORD)
        answer = send(admin, "/accounts/invitations", email="ada@school.example", role="teacher")
        assert answer.status_code == 302
        page = admin.get("/accounts").text
        assert "is on its way" in page and "/welcome/" not in page and "secret" not in page
        with database.read() as session:
            assert session.scalars(select(OutboxEntry.link)).all() == ["/welcome"]


class TestForgotten:
    def test_without_mail_the_page_says_whom_to_ask(self, school: Any, browser: Any, send: Any) -> None:
        client = browser(None)
        assert "administrator" in client.get("/forgotten-password").text
        send(client, "/forgotten-password", email="teacher@school.example")

    def test_known_and_unknown_answer_alike_and_write_alike(
        self, mailing: Settings, school: Any, database: Database, send: Any
    ) -> None:
        from dashboard import create_app

        client = create_app(mailing, database).test_client()
        answers = []
        for address in ("teacher@school.example", "unknown@school.example"):
            answer = send(client, "/forgotten-password", email=address)
            answers.append(
                (answer.status_code, re.sub(r'content="[^"]+"|value="[^"]+"', "", answer.text.replace(address, "")))
            )
        assert answers[0] == answers[1]
        with database.read() as session:
            assert len(session.scalars(select(ResetRequest.email)).all()) == 2
            assert session.scalars(select(OutboxEntry.id)).all() == []
        assert Resets(database).answer() == 1

    def test_a_new_password_ends_every_session_and_signs_in(
        self, app: Flask, school: Any, browser: Any, send: Any, database: Database
    ) -> None:
        teacher, thief, admin = browser("teacher"), browser("teacher"), browser("admin")
        socket = app.extensions["socketio"].test_client(app, flask_test_client=thief)
        path = path_in(send(admin, f"/accounts/{school.teacher}/password-link").text)
        fresh = browser(None)
        assert fresh.get(path).status_code == 200
        assert send(fresh, path, password="short", again="short").status_code == 422
        assert send(fresh, path, **CHANGED).location == "/"
        assert [client.get("/account").status_code for client in (teacher, thief, fresh)] == [302, 302, 200]
        assert not socket.is_connected()
        assert send(browser(None), path, **CHANGED).status_code == 410
        old = send(browser(None), "/sign-in", email="teacher@school.example", password="a quiet morning")
        assert old.status_code == 401
        assert {"issue_reset", "reset_password"} <= set(actions(database))


class TestMyAccount:
    def test_a_new_password_ends_the_other_sessions(self, school: Any, browser: Any, send: Any) -> None:
        here, elsewhere = browser("teacher"), browser("teacher")
        wrong = send(here, "/account/password", current="not mine", **CHANGED)
        assert wrong.status_code == 422 and "not your current" in wrong.text
        assert send(here, "/account/password", **CHANGED).status_code == 422
        assert send(here, "/account/password", current="a quiet morning", **CHANGED).status_code == 302
        assert (here.get("/account").status_code, elsewhere.get("/account").status_code) == (200, 302)

    def test_name_and_an_end_to_all_sessions(self, school: Any, browser: Any, send: Any) -> None:
        here, elsewhere = browser("student"), browser("student")
        assert send(here, "/account/name", name="  Amina   D. ").status_code == 302
        assert school.accounts.user(school.student_user).name == "Amina D."
        assert send(here, "/account/sign-out-everywhere").location == "/sign-in"
        assert (here.get("/account").status_code, elsewhere.get("/account").status_code) == (302, 302)

    def test_an_account_without_a_password_takes_one(
        self, school: Any, browser: Any, send: Any, database: Database
    ) -> None:
        teacher = browser("teacher")
        with database.write() as session:
            session.get_one(User, school.teacher).password_hash = None
        assert "current-password" not in teacher.get("/account").text
        assert send(teacher, "/account/password", **CHANGED).status_code == 302


class TestAdministrator:
    def test_switching_off_and_on(self, school: Any, browser: Any, send: Any, app: Flask) -> None:
        admin, teacher = browser("admin"), browser("teacher")
        socket = app.extensions["socketio"].test_client(app, flask_test_client=teacher)
        send(admin, f"/accounts/{school.teacher}/active", active="no")
        assert teacher.get("/account").status_code == 302 and not socket.is_connected()
        off = send(browser(None), "/sign-in", email="teacher@school.example", password="a quiet morning")
        assert off.status_code == 401
        assert "switched off" in admin.get("/accounts").text
        send(admin, f"/accounts/{school.teacher}/active", active="yes")
        assert teacher.get("/account").status_code == 302, "sessions from before stay ended"
        assert browser("teacher").get(f"/courses/{school.course}").status_code == 200

    def test_roles(self, school: Any, browser: Any, send: Any) -> None:
        admin, teacher = browser("admin"), browser("teacher")
        send(admin, f"/accounts/{school.teacher}/role", role="admin")
        assert teacher.get("/accounts").status_code == 200
        assert send(teacher, f"/accounts/{school.teacher}/role", role="teacher").status_code == 400, "not one's own"
        assert send(admin, f"/accounts/{school.student_user}/role", role="admin").status_code == 400
        assert send(admin, f"/accounts/{school.teacher}/role", role="owner").status_code == 400
        assert school.accounts.user(school.student_user).role is Role.STUDENT


class TestCoTeacher:
    def test_what_a_co_teacher_may_and_may_not(
        self, school: Any, browser: Any, send: Any, call: Any, database: Database
    ) -> None:
        teacher, colleague, course = browser("teacher"), browser("colleague"), f"/courses/{school.course}"
        assert colleague.get(course).status_code == 404
        assert send(teacher, f"{course}/staff", user=str(school.colleague)).status_code == 302
        page = colleague.get(course).text
        assert "co-teacher" in page and "Archive" not in page and "Add a co-teacher" not in page
        send(colleague, f"/sessions/{school.session}/stop")
        assert send(colleague, f"{course}/sessions").status_code == 302, "may run sessions"
        for path in ("archive", "staff", f"staff/{school.colleague}/remove"):
            assert send(colleague, f"{course}/{path}", user=str(school.admin)).status_code == 403, path
        assert call(colleague, f"/api/v1{course}/archive", {}).status_code == 403
        assert send(teacher, f"{course}/staff/{school.colleague}/remove").status_code == 302
        assert colleague.get(course).status_code == 404
        assert [record.user_id for record in Staffing(database).staff(school.course)] == [school.teacher]

    def test_a_teacher_cannot_remove_themself_or_add_a_student(self, school: Any, browser: Any, send: Any) -> None:
        teacher, staff = browser("teacher"), f"/courses/{school.course}/staff"
        assert send(teacher, f"{staff}/{school.teacher}/remove").status_code == 400
        for chosen in (str(school.student_user), "", "x"):
            assert send(teacher, staff, user=chosen).status_code == 400


class TestGuessing:
    def test_many_wrong_passwords_must_wait_but_not_the_owners_browser(
        self, school: Any, browser: Any, send: Any, database: Database
    ) -> None:
        own, stranger = browser("teacher"), browser(None)
        send(own, "/sign-out")
        form = {"email": "teacher@school.example", "password": "a quiet morning"}
        for email in (form["email"], "nobody@school.example"):
            assert send(stranger, "/sign-in", email=email, password="no").status_code == 401
        with database.write() as session:
            for row in session.scalars(select(SignInTrial)):
                row.failures = FREE_TRIALS + 5
        waits = send(stranger, "/sign-in", **form)
        assert waits.status_code == 429 and "seconds" in waits.text, "also with the right password"
        assert send(stranger, "/sign-in", email="nobody@school.example", password="no").status_code == 429
        assert send(own, "/sign-in", **form).status_code == 302
        with database.write() as session:
            for row in session.scalars(select(SignInTrial)):
                row.last_at -= timedelta(minutes=1)
        assert send(stranger, "/sign-in", **form).status_code == 302, "after a minute at most"
        assert actions(database).count("sign_in_failed") == 2

    def test_a_browser_known_for_one_account_is_a_stranger_to_another(self, school: Any, browser: Any) -> None:
        client = browser("teacher")
        known = client.get_cookie("engage_known")
        assert known.http_only and known.same_site == "Lax" and "teacher" not in known.value

    def test_signing_in_begins_a_new_session(self, school: Any, browser: Any, send: Any) -> None:
        client = browser(None)
        with client.session_transaction() as session:
            session["planted"] = "by somebody else"
        before = client.get_cookie("engage").value
        send(client, "/sign-in", email="teacher@school.example", password="a quiet morning")
        with client.session_transaction() as session:
            assert "planted" not in session
        assert client.get_cookie("engage").value != before

    def test_a_whole_class_may_sign_in_from_one_address(self, school: Any, browser: Any) -> None:
        assert all(browser("teacher").get("/account").status_code == 200 for _ in range(12))


@pytest.mark.parametrize(
    "password",
    ["Password1234", "passwort!2026", "123456789012", "aaaaaaaaaaaa", "abababababab", "qwertyuiopas", "Welcome-2026!",
     "letmeinletmein", "abcdefghijkl"],
)  # fmt: skip
def test_what_everybody_tries_first_is_guessable(password: str) -> None:
    assert guessable(password)


@pytest.mark.parametrize("password", ["a quiet morning", "four green boats", "correct horse battery", "xK9#mQ2!vLp7"])
def test_what_nobody_else_would_think_of_is_not(password: str) -> None:
    assert not guessable(password)

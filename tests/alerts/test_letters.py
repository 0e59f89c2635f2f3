"""Invitations and password links by a real mail server: one letter each, its link not in the database."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from email import message_from_string
from typing import TYPE_CHECKING

import pytest

from engage.alerts import Dispatcher, Timing, build_senders
from engage.alerts.letters import addressed
from engage.config import Settings
from engage.storage.database import Database
from engage.storage.invitations import Invitations, NewInvitation
from engage.storage.outbox import Outbox
from engage.storage.records import Role
from engage.storage.resets import Resets
from tests.alerts.receivers import mailbox

if TYPE_CHECKING:
    from tests.databases import School, SetClock

Send = Callable[[int | None], int]
EMAIL = "ada@b.example"


@pytest.fixture
def send(database: Database, clock: SetClock) -> Send:
    """Return a function that sends what is due by the mail server at a port, and returns how many letters it began."""

    def begin(port: int | None) -> int:
        mail = None if port is None else f"mailto://127.0.0.1:{port}?smtp=127.0.0.1&from=engage@a.example"
        settings = Settings.model_validate(
            {"web": {"public_url": "https://engage.school.example"}, "sign_in": {"mail": mail}}
        )
        dispatcher = Dispatcher(Outbox(database), build_senders(settings, clock), clock, Timing())
        begun = dispatcher.run_once()
        assert dispatcher.wait(30)
        return begun

    return begin


def token_in(mail: str) -> str:
    parsed = message_from_string(mail)
    text = bytes(parsed.get_payload(decode=True)).decode()  # type: ignore[arg-type]
    found = re.search(r"https://engage\.school\.example/(?:welcome|reset)/(\S+)", text)
    assert found, text
    return found[1]


def test_an_invitation_is_mailed_once_and_opens(
    school: School, database: Database, clock: SetClock, send: Send
) -> None:
    invitations = Invitations(database, clock)
    assert invitations.invite(NewInvitation(EMAIL, Role.TEACHER), school.admin.id, mail=True) is None
    assert [record.mailed for record in invitations.waiting()] == [False]
    with mailbox() as (port, mails):
        assert (send(port), send(port)) == (1, 0)
    (mail,) = mails
    assert message_from_string(mail)["To"] == EMAIL
    assert message_from_string(mail)["Subject"] == "Engage: your invitation"
    assert [record.mailed for record in invitations.waiting()] == [True]
    with database.read() as session:
        stored = session.connection().exec_driver_sql("SELECT * FROM account_links").all()
        stored += session.connection().exec_driver_sql("SELECT * FROM outbox").all()
    assert token_in(mail) not in str(stored)
    assert invitations.accept(token_in(mail), "Ada", "hash").role is Role.TEACHER


def test_a_server_that_is_away_is_tried_again_and_the_link_shown_instead_ends_it(
    school: School, database: Database, clock: SetClock, send: Send
) -> None:
    invitations = Invitations(database, clock)
    invitations.invite(NewInvitation(EMAIL, Role.TEACHER), school.admin.id, mail=True)
    with mailbox() as (port, _):
        pass  # closed again: nobody answers there
    assert send(port) == 1
    (waiting,) = invitations.waiting()
    assert (waiting.mailed, waiting.mail_error) == (
        False,
        "The mail server did not take the letter; check sign_in.mail.",
    )
    token = invitations.renew(waiting.id, school.admin.id)
    clock.advance(3600)
    assert send(port) == 0
    assert invitations.address(token) == EMAIL


def test_without_a_mail_server_a_letter_is_given_up_and_says_why(
    school: School, database: Database, clock: SetClock, send: Send
) -> None:
    invitations = Invitations(database, clock)
    invitations.invite(NewInvitation(EMAIL, Role.TEACHER), school.admin.id, mail=True)
    assert send(None) == 1
    assert "sign_in.mail" in str(invitations.waiting()[0].mail_error)


def test_a_revoked_invitation_is_not_mailed(school: School, database: Database, clock: SetClock, send: Send) -> None:
    invitations = Invitations(database, clock)
    invitations.invite(NewInvitation(EMAIL, Role.TEACHER), school.admin.id, mail=True)
    invitations.revoke(invitations.waiting()[0].id, school.admin.id)
    with mailbox() as (port, mails):
        assert send(port) == 0
    assert mails == []


def test_who_asks_for_a_new_password_gets_one_letter_and_strangers_none(
    school: School, database: Database, clock: SetClock, send: Send
) -> None:
    resets = Resets(database, clock)
    for address in ("teacher@example.org", "Teacher@example.org", "nobody@example.org"):
        resets.request(address)
    assert (resets.answer(), resets.answer()) == (1, 0)
    resets.request("teacher@example.org")
    assert resets.answer() == 0, "a second letter within minutes"
    with mailbox() as (port, mails):
        assert send(port) == 1
        (mail,) = mails
        assert message_from_string(mail)["To"] == "teacher@example.org"
        token = token_in(mail)
        assert resets.address(token) == "teacher@example.org"
        clock.advance(timedelta(minutes=6).total_seconds())
        resets.request("teacher@example.org")
        assert resets.answer() == 1
        send(port)
    assert resets.address(token) is None, "a newer letter replaces the first"
    assert resets.redeem(token_in(mails[1]), "new hash").id == school.teacher.id


def test_a_recipient_cannot_change_where_a_letter_goes() -> None:
    url = addressed("mailtos://me:pass%40word@smtp.example/?from=a@b.example&to=other@b.example", "a&to=x@b.example")
    assert url == "mailtos://me:pass%40word@smtp.example?from=a%40b.example&to=a%26to%3Dx%40b.example"

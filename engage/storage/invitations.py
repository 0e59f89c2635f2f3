"""Invitations: an account is made by whoever opens a one-time link, with the role it was written for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from engage.core.clock import SystemClock
from engage.core.notices import LETTERS, NoticeKind
from engage.core.protocols import Clock
from engage.errors import RequestError
from engage.storage import accounts, audit, enrolling, entries, letters, links
from engage.storage.database import Database
from engage.storage.entities import student_record
from engage.storage.records import Role, StudentRecord, UserRecord
from engage.storage.tables import AccountLink, LinkKind, OutboxEntry, Student, User

LIFETIME = LETTERS[NoticeKind.INVITATION]
GONE = "This invitation has been used, withdrawn or has expired; ask for a new one."


@dataclass(frozen=True, slots=True)
class NewInvitation:
    """Whom to invite, as what; ``student_id`` says which student, for a student's account and no other."""

    email: str
    role: Role
    student_id: int | None = None


@dataclass(frozen=True, slots=True)
class InvitationRecord:
    """An invitation that nobody has taken yet."""

    id: int
    email: str
    role: Role
    student_name: str | None
    created_at: datetime
    expires_at: datetime
    expired: bool
    mailed: bool | None
    """Whether its letter was sent; None where none was written."""
    mail_error: str | None


class Invitations:
    """Each method is one transaction; RequestError with a line for the page where something may not be."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        """Use ``database``; ``clock`` is for tests."""
        self._database = database
        self._clock = clock or SystemClock()

    def invite(self, new: NewInvitation, by: int | None, mail: bool) -> str | None:
        """Invite someone; an earlier invitation of the same address stops working.

        Returns the token, this once, or None where ``mail`` has the link sent instead.
        """
        with self._database.write() as session:
            now, address = self._clock.now(), entries.email(new.email)
            if session.scalar(select(User.id).where(User.email == address)) is not None:
                raise RequestError("There is an account with this e-mail address already.")
            _check_student(session, new)
            links.revoke(session, now, AccountLink.email == address)
            link = AccountLink(
                kind=LinkKind.INVITATION.value, email=address, role=new.role.value, student_id=new.student_id,
                made_by=by, created_at=now, expires_at=now + LIFETIME,
            )  # fmt: skip
            return self._issue(session, link, mail, audit.Action("invite", "invitation", None, {"role": new.role}))

    def renew(self, invitation_id: int, by: int | None) -> str:
        """Return a new token for an invitation that nobody took, this once; its earlier link stops working."""
        with self._database.write() as session:
            now, link = self._clock.now(), _open(session, invitation_id)
            new = NewInvitation(link.email or "", Role(link.role or ""), link.student_id)
            if session.scalar(select(User.id).where(User.email == new.email)) is not None:
                raise RequestError("There is an account with this e-mail address already.")
            _check_student(session, new)
            token, link.token_hash = links.new_token()
            link.expires_at, link.made_by = now + LIFETIME, by
            letters.drop(session, link.id, now)
            audit.record(session, now, by, audit.Action("renew_invitation", "invitation", link.id))
            return token

    def revoke(self, invitation_id: int, by: int | None) -> None:
        """Make an invitation's link stop working; the invitation leaves the list."""
        with self._database.write() as session:
            now, link = self._clock.now(), _open(session, invitation_id)
            link.revoked_at = now
            audit.record(session, now, by, audit.Action("revoke_invitation", "invitation", link.id))

    def waiting(self) -> list[InvitationRecord]:
        """Return the invitations that were neither taken nor withdrawn, by address; expired ones too."""
        query = (
            select(AccountLink, Student.name, OutboxEntry)
            .outerjoin(Student, Student.id == AccountLink.student_id)
            .outerjoin(OutboxEntry, OutboxEntry.account_link_id == AccountLink.id)
            .where(AccountLink.kind == LinkKind.INVITATION.value)
            .where(AccountLink.used_at.is_(None), AccountLink.revoked_at.is_(None))
            .order_by(AccountLink.email, AccountLink.id)
        )
        now = self._clock.now()
        with self._database.read() as session:
            return [_record(link, student, letter, now) for link, student, letter in session.execute(query)]

    def students_without_account(self) -> list[StudentRecord]:
        """Return the students who could be invited, by name: neither drawn nor archived, and without an account."""
        query = (
            select(Student)
            .outerjoin(User, User.student_id == Student.id)
            .where(User.id.is_(None), Student.archived_at.is_(None), ~Student.virtual)
            .order_by(Student.name, Student.id)
        )
        with self._database.read() as session:
            return [student_record(row) for row in session.scalars(query)]

    def address(self, token: str) -> str | None:
        """Return the address that ``token`` invites now, or None."""
        with self._database.read() as session:
            link = links.find(session, LinkKind.INVITATION, token, self._clock.now())
            return None if link is None else link.email

    def accept(self, token: str, name: str, password_hash: str) -> UserRecord:
        """Return the account made by an invitation; RequestError where the token opens none. It works once."""
        with self._database.write() as session:
            link = links.spend(session, LinkKind.INVITATION, token, self._clock.now())
            if link is None:
                raise RequestError(GONE)
            return self._make(session, link, name, password_hash)

    def accept_address(self, session: Session, address: str, name: str) -> UserRecord | None:
        """Return the account made by the open invitation of a verified address, without password, or None.

        In the caller's transaction: the account and what proves whose it is are stored together.
        """
        now = self._clock.now()
        mine = AccountLink.email == address, AccountLink.kind == LinkKind.INVITATION.value
        link = session.scalar(select(AccountLink).where(*mine, links.usable(now)).with_for_update())
        if link is None:
            return None
        link.used_at = now
        return self._make(session, link, name, None)

    def _issue(self, session: Session, link: AccountLink, mail: bool, action: audit.Action) -> str | None:
        token = None
        if not mail:
            token, link.token_hash = links.new_token()
        session.add(link)
        session.flush()
        if mail:
            letters.enqueue(session, link, link.created_at)
        done = audit.Action(action.name, action.kind, link.id, {**action.details, "mailed": mail})
        audit.record(session, link.created_at, link.made_by, done)
        return token

    def _make(self, session: Session, link: AccountLink, name: str, password_hash: str | None) -> UserRecord:
        user = User(email=link.email, name=name, password_hash=password_hash, role=link.role)
        user.student_id = link.student_id
        made = accounts.add(session, user, self._clock.now())
        link.user_id = made.id
        taken = audit.Action("accept_invitation", "invitation", link.id, {"user": made.id})
        audit.record(session, self._clock.now(), made.id, taken)
        return made


def _check_student(session: Session, new: NewInvitation) -> None:
    if (new.role is Role.STUDENT) != (new.student_id is not None):
        raise RequestError("Choose which student the account is for; other accounts have none.")
    if new.student_id is None:
        return
    student = enrolling.require(session, Student, new.student_id, "student")
    if student.virtual or student.archived_at is not None:
        raise RequestError("An account is for a student who is there: not drawn, and not taken out of the lists.")
    if session.scalar(select(func.count()).select_from(User).where(User.student_id == student.id)):
        raise RequestError("This student has an account already.")


def _open(session: Session, invitation_id: int) -> AccountLink:
    link = session.get(AccountLink, invitation_id) if entries.possible(invitation_id) else None
    if link is None or link.kind != LinkKind.INVITATION or link.used_at is not None or link.revoked_at is not None:
        raise RequestError("There is no such invitation, or it has been taken or withdrawn.")
    return link


def _record(link: AccountLink, student_name: str | None, letter: OutboxEntry | None, now: datetime) -> InvitationRecord:
    return InvitationRecord(
        id=link.id,
        email=link.email or "",
        role=Role(link.role or ""),
        student_name=student_name,
        created_at=link.created_at,
        expires_at=link.expires_at,
        expired=link.expires_at <= now,
        mailed=None if letter is None else letter.sent_at is not None,
        mail_error=None if letter is None or letter.sent_at is not None else letter.error,
    )

"""The administrator's page of people: who has an account, who is invited, and what each may do."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from wtforms.fields import SelectChoice

from dashboard.access import Access, allow, user
from dashboard.account_forms import ROLES, InviteForm
from dashboard.live import sign_out_sockets
from dashboard.services import services
from engage.errors import RequestError
from engage.storage.invitations import Invitations, NewInvitation
from engage.storage.links import PATHS
from engage.storage.records import Role, UserRecord
from engage.storage.resets import Resets
from engage.storage.tables import LinkKind

blueprint = Blueprint("accounts", __name__)


@blueprint.get("/accounts")
@allow(Access.ADMIN)
def index() -> ResponseReturnValue:
    """Show everybody with an account, and the invitations that wait."""
    return _page(_invite_form())


@blueprint.post("/accounts/invitations")
@allow(Access.ADMIN)
def invite() -> ResponseReturnValue:
    """Invite somebody: by e-mail where that is set up, else the link is on the answer, and never again."""
    form, mails = _invite_form(), services().settings.sign_in.mail is not None
    if not form.validate_on_submit():
        return _page(form), 422
    role = Role(form.role.data)
    student_id = int(form.student.data) if role is Role.STUDENT and form.student.data else None
    if role is Role.STUDENT and student_id is None:
        form.student.errors = [_("Choose which student the account is for.")]
        return _page(form), 422
    try:
        token = _invitations().invite(NewInvitation(form.email.data, role, student_id), user().id, mails)
    except RequestError as error:
        form.email.errors = [str(error)]
        return _page(form), 422
    if token is not None:
        link = _address(LinkKind.INVITATION, token)
        return _page(_invite_form(fresh=True), link=link, whose=form.email.data.strip()), 201
    flash(_("An invitation to %(address)s is on its way.", address=form.email.data.strip()))
    return redirect(url_for("accounts.index"))


@blueprint.post("/accounts/invitations/<int:invitation_id>/link")
@allow(Access.ADMIN)
def renew(invitation_id: int) -> ResponseReturnValue:
    """Show a new link for an invitation, this once; the earlier one stops working."""
    token = _invitations().renew(invitation_id, user().id)
    whose = next((record.email for record in _invitations().waiting() if record.id == invitation_id), "")
    return _page(_invite_form(fresh=True), link=_address(LinkKind.INVITATION, token), whose=whose)


@blueprint.post("/accounts/invitations/<int:invitation_id>/withdraw")
@allow(Access.ADMIN)
def withdraw(invitation_id: int) -> ResponseReturnValue:
    """Make an invitation's link stop working."""
    _invitations().revoke(invitation_id, user().id)
    flash(_("The invitation was withdrawn; its link no longer works."))
    return redirect(url_for("accounts.index"))


@blueprint.get("/accounts/<int:user_id>")
@allow(Access.ADMIN)
def show(user_id: int) -> ResponseReturnValue:
    """Show one account."""
    return _person_page(_person(user_id))


@blueprint.post("/accounts/<int:user_id>/role")
@allow(Access.ADMIN)
def change_role(user_id: int) -> ResponseReturnValue:
    """Make a teacher an administrator, or the other way."""
    try:
        role = Role(request.form.get("role", ""))
    except ValueError:
        raise RequestError(_("Choose a role.")) from None
    record = services().accounts.set_role(user_id, role, user().id)
    sign_out_sockets(record.id)
    flash(_("%(name)s is now: %(role)s.", name=record.name, role=ROLES[record.role]))
    return redirect(url_for("accounts.show", user_id=user_id))


@blueprint.post("/accounts/<int:user_id>/active")
@allow(Access.ADMIN)
def switch(user_id: int) -> ResponseReturnValue:
    """Switch an account off, with all its sessions, or on again."""
    active = request.form.get("active") == "yes"
    record = services().accounts.set_active(user_id, active, user().id)
    if active:
        flash(_("%(name)s may sign in again.", name=record.name))
    else:
        sign_out_sockets(record.id)
        flash(_("%(name)s can no longer sign in. Nothing was deleted.", name=record.name))
    return redirect(url_for("accounts.show", user_id=user_id))


@blueprint.post("/accounts/<int:user_id>/password-link")
@allow(Access.ADMIN)
def password_link(user_id: int) -> ResponseReturnValue:
    """Show a link that gives an account a new password, this once."""
    here = services()
    token = Resets(here.database, here.clock).issue(user_id, user().id)
    return _person_page(_person(user_id), _address(LinkKind.RESET, token))


def _invitations() -> Invitations:
    return Invitations(services().database, services().clock)


def _address(kind: LinkKind, token: str) -> str:
    return f"{services().settings.address}{PATHS[kind]}/{token}"


def _person(user_id: int) -> UserRecord:
    record = services().accounts.user(user_id)
    if record is None:
        abort(404)
    return record


def _invite_form(fresh: bool = False) -> InviteForm:
    form = InviteForm(formdata=None) if fresh else InviteForm()
    students = _invitations().students_without_account()
    choices = [SelectChoice(str(student.id), student.name) for student in students]
    form.student.choices = [SelectChoice("", _("Choose a student")), *choices]
    return form


def _page(form: InviteForm, link: str = "", whose: str = "") -> str:
    return render_template(
        "accounts.html",
        form=form,
        link=link,
        whose=whose,
        people=services().accounts.everyone(),
        invitations=_invitations().waiting(),
        roles=ROLES,
        mails=services().settings.sign_in.mail is not None,
    )


def _person_page(record: UserRecord, link: str = "") -> str:
    return render_template("account.html", person=record, link=link, roles=ROLES, own=record.id == user().id)

"""What one-time links open: the page that makes an invited account, and the pages of a forgotten password."""

from __future__ import annotations

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from dashboard.access import Access, allow
from dashboard.account_forms import ForgottenForm, NewPasswordForm, WelcomeForm
from dashboard.entering import enter
from dashboard.live import sign_out_sockets
from dashboard.passwords import MIN_PASSWORD
from dashboard.services import services
from engage.errors import RequestError
from engage.storage.invitations import Invitations
from engage.storage.resets import Resets

blueprint = Blueprint("invitations", __name__)


@blueprint.route("/welcome/<token>", methods=["GET", "POST"])
@allow(Access.PUBLIC)
def welcome(token: str) -> ResponseReturnValue:
    """Make the account that a link invites to, and sign in."""
    here = services()
    invitations, form = Invitations(here.database, here.clock), WelcomeForm()
    address = invitations.address(token)
    if address is None:
        return _gone(
            _("This invitation does not work"),
            _("It has been used, withdrawn or has expired. Ask whoever invited you for a new one."),
        )
    if form.validate_on_submit():
        try:
            record = invitations.accept(token, form.name.data, here.passwords.hash(form.password.data))
        except RequestError as error:
            form.name.errors = [str(error)]
        else:
            return enter(record, url_for("home.index"), "link")
    status = 422 if form.is_submitted() else 200
    return render_template("welcome.html", form=form, address=address, min_password=MIN_PASSWORD), status


@blueprint.route("/forgotten-password", methods=["GET", "POST"])
@allow(Access.PUBLIC)
def forgotten() -> ResponseReturnValue:
    """Ask for a new password. The answer, and its time, are the same whether or not there is an account."""
    here, form = services(), ForgottenForm()
    mails = here.settings.sign_in.mail is not None
    if mails and form.validate_on_submit():
        try:
            Resets(here.database, here.clock).request(form.email.data)
        except RequestError as error:
            form.email.errors = [str(error)]
        else:
            return render_template("forgotten.html", form=form, mails=mails, asked=form.email.data.strip())
    status = 422 if form.is_submitted() else 200
    return render_template("forgotten.html", form=form, mails=mails, asked=None), status


@blueprint.route("/reset/<token>", methods=["GET", "POST"])
@allow(Access.PUBLIC)
def reset(token: str) -> ResponseReturnValue:
    """Take a new password, end all sessions of the account, and sign in."""
    here = services()
    resets, form = Resets(here.database, here.clock), NewPasswordForm()
    address = resets.address(token)
    if address is None:
        return _gone(
            _("This link does not work"),
            _("It has been used or has expired, or a newer one replaces it. Ask for another."),
        )
    if form.validate_on_submit():
        try:
            record = resets.redeem(token, here.passwords.hash(form.password.data))
        except RequestError as error:
            form.password.errors = [str(error)]
        else:
            sign_out_sockets(record.id)
            return enter(record, url_for("home.index"), "link")
    status = 422 if form.is_submitted() else 200
    return render_template("reset.html", form=form, address=address, min_password=MIN_PASSWORD), status


def _gone(title: str, text: str) -> ResponseReturnValue:
    return render_template("link_gone.html", title=title, text=text), 410

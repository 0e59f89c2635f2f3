"""Signing in and out, and the one-time link that makes the first administrator."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_user, logout_user

from dashboard.access import Access, Account, allow, local_path, user
from dashboard.forms import MIN_PASSWORD, AdministratorForm, SignInForm
from dashboard.live import sign_out_sockets
from dashboard.services import services
from engage.errors import RequestError
from engage.storage.records import UserRecord

blueprint = Blueprint("people", __name__)


@blueprint.route("/sign-in", methods=["GET", "POST"])
@allow(Access.PUBLIC)
def sign_in() -> ResponseReturnValue:
    """Show the sign-in page, or sign in."""
    if current_user.is_authenticated:
        return redirect(url_for("home.index"))
    form = SignInForm()
    if form.validate_on_submit():
        record = services().sign_in(form.email.data.strip(), form.password.data)
        if record is not None:
            _enter(record)
            return redirect(local_path(request.args.get("next")) or url_for("home.index"))
        form.password.errors = ["This e-mail and password do not belong together."]
    first_run = services().accounts.count_users() == 0
    return render_template("sign_in.html", form=form, first_run=first_run), 401 if form.is_submitted() else 200


@blueprint.post("/sign-out")
@allow(Access.STAFF)
def sign_out() -> ResponseReturnValue:
    """Sign out here, and close this user's live connections."""
    user_id = user().id
    logout_user()
    session.clear()
    sign_out_sockets(user_id)
    flash("You are signed out.")
    return redirect(url_for("people.sign_in"))


@blueprint.route("/setup/<token>", methods=["GET", "POST"])
@allow(Access.PUBLIC)
def setup(token: str) -> ResponseReturnValue:
    """Make the first administrator; a link works once."""
    here = services()
    if not here.accounts.setup_token_valid(token):
        return render_template("setup_used.html", has_users=here.accounts.count_users() > 0), 410
    form = AdministratorForm()
    if form.validate_on_submit():
        stored = here.passwords.hash(form.password.data)
        try:
            record = here.accounts.redeem_setup_token(token, form.email.data.strip(), form.name.data, stored)
        except RequestError as error:
            form.email.errors = [str(error)]
        else:
            _enter(record)
            return redirect(url_for("school.where"))
    status = 422 if form.is_submitted() else 200
    return render_template("setup.html", form=form, min_password=MIN_PASSWORD), status


def _enter(record: UserRecord) -> None:
    session.clear()
    session.permanent = True
    if not login_user(Account(record)):
        abort(403)

"""Signing in and out, and the one-time link that makes the first administrator."""

from __future__ import annotations

import math

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user, logout_user

from dashboard.access import Access, allow, local_path, user
from dashboard.entering import enter, known_device
from dashboard.forms import AdministratorForm, SignInForm
from dashboard.live import sign_out_sockets
from dashboard.passwords import MIN_PASSWORD
from dashboard.services import services
from engage.errors import RequestError
from engage.storage.sign_ins import SignIns

blueprint = Blueprint("people", __name__)


@blueprint.route("/sign-in", methods=["GET", "POST"])
@allow(Access.PUBLIC)
def sign_in() -> ResponseReturnValue:
    """Show the sign-in page, or sign in."""
    if current_user.is_authenticated:
        return redirect(url_for("home.index"))
    form = SignInForm()
    status = 401 if form.is_submitted() else 200
    if form.validate_on_submit():
        email = form.email.data.strip()
        trials = SignIns(services().database, services().clock)
        wait_s = trials.begin(email, known_device(email))
        if wait_s > 0:
            status = 429
            form.password.errors = [
                _("Too many wrong passwords for this address. Try again in %(n)s seconds.", n=math.ceil(wait_s))
            ]
        else:
            record, whose = services().sign_in(email, form.password.data)
            if record is not None:
                return enter(record, local_path(request.args.get("next")) or url_for("home.index"), "password")
            trials.failed(whose)
            form.password.errors = [_("This e-mail and password do not belong together.")]
    return render_template(
        "sign_in.html",
        form=form,
        first_run=services().accounts.count_users() == 0,
        providers=services().settings.sign_in.oidc,
        next=local_path(request.args.get("next")),
    ), status


@blueprint.post("/sign-out")
@allow(Access.SIGNED_IN)
def sign_out() -> ResponseReturnValue:
    """Sign out here, and close this user's live connections."""
    user_id = user().id
    logout_user()
    session.clear()
    sign_out_sockets(user_id)
    flash(_("You are signed out."))
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
            return enter(record, url_for("school.where"), "link")
    status = 422 if form.is_submitted() else 200
    return render_template("setup.html", form=form, min_password=MIN_PASSWORD), status

"""One's own account: name, password, and an end to all sessions."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Blueprint, flash, redirect, render_template, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import logout_user

from dashboard.access import Access, allow, user
from dashboard.account_forms import ROLES, ChangePasswordForm, NameForm
from dashboard.entering import stay
from dashboard.live import sign_out_sockets
from dashboard.passwords import MIN_PASSWORD
from dashboard.services import services
from engage.storage.identities import Identities

blueprint = Blueprint("my_account", __name__)


@blueprint.get("/account")
@allow(Access.SIGNED_IN)
def show() -> ResponseReturnValue:
    """Show the signed-in account."""
    return _page(NameForm(name=user().name), _password_form())


@blueprint.post("/account/name")
@allow(Access.SIGNED_IN)
def rename() -> ResponseReturnValue:
    """Take another name."""
    form = NameForm()
    if not form.validate_on_submit():
        return _page(form, _password_form(fresh=True)), 422
    services().accounts.rename(user().id, form.name.data)
    flash(_("Saved."))
    return redirect(url_for("my_account.show"))


@blueprint.post("/account/password")
@allow(Access.SIGNED_IN)
def change_password() -> ResponseReturnValue:
    """Take a new password; every other session of the account ends."""
    here, form = services(), _password_form()
    good = form.validate_on_submit()
    if good and "current" in form and not here.passwords.verify(_stored(), form.current.data):
        form.current.errors, good = [_("This is not your current password.")], False
    if not good:
        return _page(NameForm(formdata=None, name=user().name), form), 422
    record = here.accounts.set_password(user().id, here.passwords.hash(form.password.data))
    sign_out_sockets(record.id)
    stay(record)
    flash(_("Your password was changed. You were signed out everywhere else."))
    return redirect(url_for("my_account.show"))


@blueprint.post("/account/sign-out-everywhere")
@allow(Access.SIGNED_IN)
def sign_out_everywhere() -> ResponseReturnValue:
    """End all sessions of the account, this one too."""
    record = services().accounts.end_sessions(user().id)
    logout_user()
    session.clear()
    sign_out_sockets(record.id)
    flash(_("You are signed out everywhere."))
    return redirect(url_for("people.sign_in"))


def _stored() -> str | None:
    return services().accounts.password_hash(user().id)


def _password_form(fresh: bool = False) -> ChangePasswordForm:
    """Return the form, without the current password where the account has none."""
    form = ChangePasswordForm(formdata=None) if fresh else ChangePasswordForm()
    if _stored() is None:
        del form.current
    return form


def _page(name: NameForm, password: ChangePasswordForm) -> str:
    here = services()
    names = {provider.issuer: provider.name for provider in here.settings.sign_in.oidc}
    bound = Identities(here.database).of(user().id)
    return render_template(
        "my_account.html",
        name_form=name,
        password_form=password,
        account=user(),
        role=ROLES[user().role],
        bound=[names.get(issuer) or urlsplit(issuer).hostname for issuer in bound],
        min_password=MIN_PASSWORD,
    )

"""Where the school is and what may be computed there, and the two doors after that."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from dashboard.access import Access, allow, user
from dashboard.forms import JURISDICTIONS, MODES, ModeForm, WhereForm
from dashboard.services import services
from engage.core.policy import Jurisdiction, capped_mode
from engage.core.types import Mode

blueprint = Blueprint("school", __name__)


@blueprint.route("/school", methods=["GET", "POST"])
@allow(Access.ADMIN)
def where() -> ResponseReturnValue:
    """Ask where the school is."""
    policy = services().policy()
    if policy.jurisdiction_fixed and request.method == "GET" and not policy.answered:
        return redirect(url_for("school.what"))
    form = WhereForm(jurisdiction=policy.jurisdiction.value if policy.jurisdiction else None)
    if policy.jurisdiction_fixed and form.is_submitted():
        return redirect(url_for("school.what"))
    if form.validate_on_submit():
        return redirect(url_for("school.what", jurisdiction=form.jurisdiction.data))
    status = 422 if form.is_submitted() else 200
    return render_template("school_where.html", form=form, options=JURISDICTIONS, policy=policy), status


@blueprint.route("/school/mode", methods=["GET", "POST"])
@allow(Access.ADMIN)
def what() -> ResponseReturnValue:
    """Ask what may be computed; in the EU only presence can be chosen."""
    here = services()
    policy = here.policy()
    jurisdiction = policy.jurisdiction if policy.jurisdiction_fixed else _asked_for()
    if jurisdiction is None:
        return redirect(url_for("school.where"))
    possible = [value for value, _, _ in MODES if capped_mode(jurisdiction, Mode(value)).value == value]
    chosen = policy.mode.value if policy.mode and policy.mode.value in possible else None
    form = ModeForm(mode=chosen or (possible[0] if len(possible) == 1 else None))
    if form.validate_on_submit():
        mode = policy.mode if policy.mode_fixed and policy.mode else Mode(form.mode.data)
        here.classroom.save_setup(jurisdiction, capped_mode(jurisdiction, mode), user().id)
        if policy.answered:
            flash(_("Saved. Running sessions follow within seconds."))
            return redirect(url_for("home.index"))
        return redirect(url_for("school.doors"))
    status = 422 if form.is_submitted() else 200
    return render_template(
        "school_mode.html", form=form, options=MODES, possible=possible, policy=policy, jurisdiction=jurisdiction
    ), status


@blueprint.get("/start")
@allow(Access.STAFF)
def doors() -> ResponseReturnValue:
    """Offer the virtual class and the first course."""
    demo = next((course for course in services().queries.courses_for(user().id) if course.demo), None)
    return render_template("start.html", demo=demo, policy=services().policy())


def _asked_for() -> Jurisdiction | None:
    try:
        return Jurisdiction(request.args.get("jurisdiction", ""))
    except ValueError:
        return None

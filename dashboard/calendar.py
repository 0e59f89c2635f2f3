"""The calendar feed: a secret address for each account, that any calendar program can read."""

from __future__ import annotations

from flask import Blueprint, Response, abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from dashboard.access import Access, allow, user
from dashboard.services import services
from engage.reports.calendar_feed import feed
from engage.storage.calendar_tokens import CalendarTokens

blueprint = Blueprint("calendar", __name__)

SESSIONS_PER_COURSE = 200


@blueprint.get("/calendar")
@allow(Access.STAFF)
def show() -> ResponseReturnValue:
    """Say what the feed is, and whether this account has an address."""
    return render_template("calendar.html", issued_at=_tokens().issued_at(user().id), address=None)


@blueprint.post("/calendar")
@allow(Access.STAFF)
def issue() -> ResponseReturnValue:
    """Make a new address and show it, this once; an earlier one stops working."""
    tokens, me = _tokens(), user().id
    token = tokens.issue(me)
    address = services().settings.address + url_for("calendar.read", token=token)
    return render_template("calendar.html", issued_at=tokens.issued_at(me), address=address)


@blueprint.post("/calendar/revoke")
@allow(Access.STAFF)
def revoke() -> ResponseReturnValue:
    """Make this account's address stop working."""
    flash(_("The address no longer works.") if _tokens().revoke(user().id) else _("There was no address."))
    return redirect(url_for("calendar.show"))


@blueprint.get("/calendar/<token>.ics")
@allow(Access.PUBLIC)
def read(token: str) -> ResponseReturnValue:
    """Send the feed of the account whose token this is: the sessions of the courses it may see now."""
    here = services()
    owner = _tokens().user_id(token)
    if owner is None:
        abort(404)
    courses = here.queries.courses_for(owner)
    sessions = [session for course in courses for session in here.queries.sessions(course.id, SESSIONS_PER_COURSE)]
    return Response(feed(sessions, here.settings.address, here.clock.now()), mimetype="text/calendar")


def _tokens() -> CalendarTokens:
    return CalendarTokens(services().database)

"""Notifications: a user's own channels, what each is told, quiet hours, the digest, and a test."""

from __future__ import annotations

from datetime import time
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext

from dashboard.access import Access, allow, user
from dashboard.services import services
from dashboard.spoken import said
from engage.core.notices import NoticeKind, Service, host_refused, service_of
from engage.errors import RequestError
from engage.storage.notifications import Notifications, UserClock

blueprint = Blueprint("notifications", __name__)

KINDS = {
    NoticeKind.STUDENT_ALERT: lazy_gettext("Alerts about a student, while a session runs"),
    NoticeKind.CLASS_ALERT: lazy_gettext("Alerts about a whole class, while a session runs"),
    NoticeKind.CAMERA_ALERT: lazy_gettext("Lost cameras"),
    NoticeKind.RISK_FLAG: lazy_gettext("Confirmed entries of the list of students who may need help"),
    NoticeKind.REPORT: lazy_gettext("Session reports that are ready"),
}
USUAL = (NoticeKind.CLASS_ALERT, NoticeKind.RISK_FLAG, NoticeKind.REPORT)
"""What is ticked for a new channel: little, so that it is read."""


def stored() -> Notifications:
    """Return the notifications of the application at work."""
    here = services()
    return Notifications(here.database, here.clock, here.settings.school.time_zone or "UTC")


@blueprint.get("/notifications")
@allow(Access.STAFF)
def index() -> ResponseReturnValue:
    """Show the signed-in user's channels and clock."""
    return _page()


@blueprint.post("/notifications/channels")
@allow(Access.STAFF)
def add() -> ResponseReturnValue:
    """Add a channel; a webhook's signing key is on the answer, and never again."""
    address = request.form.get("address", "").strip()
    try:
        _check(address)
        _channel, key = stored().add_channel(user().id, address, _kinds(), request.form.get("digest") == "yes")
    except (RequestError, ValueError) as error:
        return _page(problem=said(str(error)), kinds=_kinds()), 422
    if key is not None:
        return _page(signing_key=key), 201
    flash(_("The channel was added. Send it a test to see that it works."))
    return redirect(url_for("notifications.index"))


@blueprint.post("/notifications/channels/<int:channel_id>")
@allow(Access.STAFF)
def change(channel_id: int) -> ResponseReturnValue:
    """Choose what one of the user's channels is told."""
    digest, enabled = request.form.get("digest") == "yes", request.form.get("enabled") == "on"
    stored().change_channel(user().id, channel_id, _kinds(), digest, enabled)
    flash(_("Saved."))
    return redirect(url_for("notifications.index"))


@blueprint.post("/notifications/channels/<int:channel_id>/test")
@allow(Access.STAFF)
def test(channel_id: int) -> ResponseReturnValue:
    """Have a test sent to one of the user's channels."""
    stored().test(user().id, channel_id)
    flash(_("A test is on its way, within seconds. Reload this page to see whether it was taken."))
    return redirect(url_for("notifications.index"))


@blueprint.post("/notifications/channels/<int:channel_id>/remove")
@allow(Access.STAFF)
def remove(channel_id: int) -> ResponseReturnValue:
    """Forget one of the user's channels."""
    stored().remove_channel(user().id, channel_id)
    flash(_("The channel was removed, and what waited for it."))
    return redirect(url_for("notifications.index"))


@blueprint.post("/notifications/clock")
@allow(Access.STAFF)
def save_clock() -> ResponseReturnValue:
    """Store the user's time zone, quiet hours and time of the digest."""
    try:
        clock = UserClock(
            request.form.get("zone", "").strip(),
            _time("quiet_from"),
            _time("quiet_until"),
            _time("digest_at") or UserClock().digest_at,
        )
        stored().save_clock(user().id, clock)
    except (RequestError, ValueError) as error:
        return _page(problem=said(str(error))), 422
    flash(_("Saved."))
    return redirect(url_for("notifications.index"))


def _check(address: str) -> None:
    """Raise ValueError, in words for the page, for an address that could never be sent to."""
    private = services().settings.notifications.allow_private_addresses
    if service_of(address) is Service.WEBHOOK:
        parts = urlsplit(address)
        if not private and (parts.scheme != "https" or host_refused(parts.hostname or "")):
            raise ValueError("Give a webhook's address on the internet, one that begins with https://.")
        return
    import apprise  # takes a second; only needed here

    if apprise.Apprise.instantiate(address) is None:
        raise ValueError("This address cannot be understood; compare it with the examples.")


def _kinds() -> list[NoticeKind]:
    chosen = set(request.form.getlist("kinds"))
    return [kind for kind in KINDS if kind.value in chosen]


def _time(name: str) -> time | None:
    text = request.form.get(name, "").strip()
    if not text:
        return None
    try:
        return time.fromisoformat(text).replace(second=0, microsecond=0, tzinfo=None)
    except ValueError:
        raise ValueError("Give times such as 07:30.") from None


def _page(problem: str = "", signing_key: str = "", kinds: list[NoticeKind] | None = None) -> str:
    mine = stored()
    return render_template(
        "notifications.html",
        channels=mine.channels(user().id),
        clock=mine.clock(user().id),
        kinds=KINDS,
        ticked=USUAL if kinds is None else kinds,
        zones=sorted(available_timezones()),
        problem=problem,
        signing_key=signing_key,
        typed=request.form.get("address", "") if problem else "",
    )

"""Alerts: acknowledge and snooze by the API, and the page of a course's rules with its preview."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from dashboard.access import Access, allow, user
from dashboard.live import tell_changed
from dashboard.services import services
from engage.core.live import alert_payload
from engage.core.rules import AlertSettings, RuleName, alert_settings, headline, why
from engage.core.rules.settings import LIMITS
from engage.core.updates import AlertEvent
from engage.storage.alerts import Alerts
from engage.storage.records import CourseRecord, SessionRecord, SessionState

blueprint = Blueprint("alerts", __name__)
api = Blueprint("alerts_api", __name__, url_prefix="/api/v1")

LONGEST_SNOOZE_MIN = 24 * 60
MOST_PREVIEWED = 200
MOST_PLAYED = 240_000
"""Samples that a preview plays: an hour and a half of a class of forty, with some to spare; 6 s of one core."""
NUMBERS = ("threshold", "clear", "hold_s", "cool_down_s")
"""The numbers of a rule that the page asks for."""

ABOUT = {
    RuleName.LOW_ENGAGEMENT: "A student's score stays below the threshold. At most 10.",
    RuleName.SUDDEN_DROP: "A student's score falls by more points than this below their own last five minutes.",
    RuleName.AWAY: "Nobody is seen in a student's picture, who was there before.",
    RuleName.DROWSY: "A student's eyes are closed much of the time, or for long.",
    RuleName.NEGATIVE_EXPRESSION: "A face appears sad, angry, afraid or the like: their share of the reading, 0 to 1.",
    RuleName.CLASS_DIP: "The students fall, on average, by more points than this below their own last five minutes.",
    RuleName.CAMERA_LOST: "A camera's picture is gone. This silences the student's other alerts.",
}
FIXED = frozenset(name for name, limits in LIMITS.items() if limits.lowest == limits.highest)
"""Rules whose threshold is a yes or no, and not asked for."""


def stored() -> Alerts:
    """Return the alerts of the application at work."""
    return Alerts(services().database, services().clock)


@api.get("/sessions/<int:session_id>/alerts")
@allow(Access.SESSION)
def listed(session_id: int) -> ResponseReturnValue:
    """Return a session's alerts, the newest first."""
    now = services().clock.now().timestamp()
    return {"session": session_id, "now": now, "alerts": [alert_payload(a) for a in stored().of_session(session_id)]}


@api.post("/sessions/<int:session_id>/alerts/<int:alert_id>/acknowledge")
@allow(Access.SESSION)
def acknowledge(session_id: int, alert_id: int) -> ResponseReturnValue:
    """Record that an alert was seen, tell all open pages, and return it."""
    alert = stored().acknowledge(session_id, alert_id, user().id)
    tell_changed(session_id)
    return alert_payload(alert)


@api.post("/sessions/<int:session_id>/alerts/<int:alert_id>/snooze")
@allow(Access.SESSION)
def snooze(session_id: int, alert_id: int) -> ResponseReturnValue:
    """Silence an alert's rule for its student, or the class, and return it: ``{"minutes": 10}``."""
    body = request.get_json(silent=True)
    minutes = body.get("minutes") if isinstance(body, dict) else None
    if isinstance(minutes, bool) or not isinstance(minutes, int | float) or not 0 < minutes <= LONGEST_SNOOZE_MIN:
        abort(400, 'Send {"minutes": 10}, at most a day.')
    alert = stored().snooze(session_id, alert_id, minutes * 60.0, user().id)
    tell_changed(session_id)
    return alert_payload(alert)


@blueprint.route("/courses/<int:course_id>/alerts", methods=["GET", "POST"])
@allow(Access.COURSE)
def rules(course_id: int) -> ResponseReturnValue:
    """Show a course's rules; save them, or preview what they would have made of the last session."""
    course = services().queries.course(course_id)
    if course is None:
        abort(404)
    if request.method == "GET":
        return _page(course, stored().rules(course_id))
    if request.form.get("do") == "reset":
        stored().save_rules(course_id, AlertSettings(), user().id)
        flash(_("The rules are the program's own again."))
        return redirect(url_for("alerts.rules", course_id=course_id))
    try:
        settings = alert_settings(_entered(request.form))
    except ValueError as error:
        return _page(course, stored().rules(course_id), problem=f"{str(error)[:1].upper()}{str(error)[1:]}."), 422
    if request.form.get("do") == "preview":
        return _page(course, settings, preview=True)
    stored().save_rules(course_id, settings, user().id)
    flash(_("The rules were saved. A running session takes them up within seconds."))
    return redirect(url_for("alerts.rules", course_id=course_id))


def _entered(form: Mapping[str, str]) -> dict[str, Any]:
    """Return the form's numbers as ``alert_settings`` reads them; ValueError for what is no number."""
    values: dict[str, Any] = {}
    for name in RuleName:
        numbers: dict[str, Any] = {"enabled": form.get(f"{name}.enabled") == "on"}
        for key in NUMBERS:
            text = form.get(f"{name}.{key}", "").strip().replace(",", ".")
            if text:
                numbers[key] = _number(text, headline(name))
        values[name.value] = numbers
    share = form.get("group_share", "").strip().replace(",", ".")
    if share:
        values["group_share"] = _number(share, "Class alert") / 100
    least = form.get("group_least", "").strip()
    if least:
        values["group_least"] = _whole(least, "Class alert")
    return values


def _number(text: str, what: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{what}: '{text[:20]}' is not a number") from None


def _whole(text: str, what: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"{what}: '{text[:20]}' is not a whole number") from None


def _page(course: CourseRecord, settings: AlertSettings, problem: str = "", preview: bool = False) -> str:
    lesson = _last_session(course.id) if preview else None
    since = stored().latest_from(lesson.id, MOST_PLAYED) if lesson else None
    fired = stored().would_fire(lesson.id, settings, since or 0) if lesson else []
    names = {entry.student_id: entry.name for entry in services().queries.roster(lesson.id)} if lesson else {}
    return render_template(
        "alert_rules.html",
        course=course,
        rules=[_shown(name, settings, request.form if problem else {}) for name in RuleName],
        group_share=request.form.get("group_share", "") if problem else f"{settings.group_share * 100:g}",
        group_least=request.form.get("group_least", "") if problem else settings.group_least,
        problem=problem,
        preview=preview,
        lesson=lesson,
        played_from=None if since is None else datetime.fromtimestamp(since, UTC),
        fired=[_line(alert, names) for alert in fired[:MOST_PREVIEWED]],
        more=max(0, len(fired) - MOST_PREVIEWED),
    )


def _shown(name: RuleName, settings: AlertSettings, typed: Mapping[str, str]) -> dict[str, Any]:
    """Return a rule for the form: its numbers, or what was typed and could not be taken."""
    rule = settings.rule(name)
    numbers = {key: f"{getattr(rule, key):g}" for key in NUMBERS}
    if typed:
        numbers |= {key: typed[f"{name}.{key}"] for key in NUMBERS if f"{name}.{key}" in typed}
    enabled = f"{name}.enabled" in typed if typed else rule.enabled
    return {"name": name, "title": headline(name), "about": ABOUT[name], "fixed": name in FIXED,
            "enabled": enabled, "numbers": numbers}  # fmt: skip


def _line(alert: AlertEvent, names: Mapping[int, str]) -> dict[str, Any]:
    who = "The class" if alert.student_id is None else names.get(alert.student_id, "A student")
    return {"who": who, "what": headline(alert.rule), "why": why(alert), "from": alert.started_at, "to": alert.ended_at}


def _last_session(course_id: int) -> SessionRecord | None:
    """Return the newest session of a course that has ended, else the one that runs."""
    lessons = services().queries.sessions(course_id, 20)
    return next((lesson for lesson in lessons if lesson.state is SessionState.ENDED), lessons[0] if lessons else None)

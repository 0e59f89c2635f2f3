"""The student's way into a session: by a personal link, or the class's link and a PIN. The question comes first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from flask import Blueprint, Flask, Response, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

from dashboard.access import Access, allow
from dashboard.join_keys import (
    Joiner,
    class_code,
    class_session,
    digest,
    join_keys,
    joined,
    joining,
    pin_digest,
    plain_pin,
    remember,
    session_of_pin,
)
from dashboard.join_sockets import gate, left, taken_over
from dashboard.live import tell_changed
from dashboard.security import let_page_use
from dashboard.services import services
from engage.core.policy import GivenBy, decide
from engage.core.types import Mode
from engage.storage.join_keys import JoinKeyRecord
from engage.storage.joining import JoinState
from engage.storage.records import SessionRecord

blueprint = Blueprint("join", __name__, url_prefix="/join")

NOTICE = "join-2"
"""Which wording of the question was answered."""
GUARDIANS_STANDS = " (guardian's earlier yes)"
"""A student under age who had said No says Yes again: what the guardian agreed to holds again."""

WRONG_PINS = "20 per 10 minutes"
"""Wrong PINs in one session, and from one address; right ones do not count, as a class shares its address."""
WRONG = 422


def limit(app: Flask, limiter: Limiter) -> None:
    """Bound wrong PINs, by address and by class."""
    bounds: tuple[tuple[str, Callable[[], str]], ...] = (
        ("join.enter", get_remote_address),
        ("join.pin", get_remote_address),
        ("join.pin", lambda: request.path),
    )
    for endpoint, key in bounds:
        view: Any = app.view_functions[endpoint]
        limited: Any = limiter.limit(
            WRONG_PINS,
            methods=["POST"],
            key_func=key,
            deduct_when=lambda response: response.status_code == WRONG,
        )(view)
        limited.access = view.access
        app.view_functions[endpoint] = limited


@blueprint.route("", methods=["GET", "POST"])
@allow(Access.PUBLIC)
def enter() -> ResponseReturnValue:
    """Ask for the class's PIN, as it stands on the board."""
    wrong = False
    if request.method == "POST":
        session_id = session_of_pin(plain_pin(request.form.get("pin", "")))
        if session_id is not None:
            return redirect(url_for("join.pin", code=class_code(session_id)))
        wrong = True
    return render_template("join_pin.html", lesson=None, wrong=wrong), WRONG if wrong else 200


@blueprint.route("/class/<code>", methods=["GET", "POST"])
@allow(Access.PUBLIC)
def pin(code: str) -> ResponseReturnValue:
    """Ask for the student's own PIN; there is no list of names to choose from."""
    session_id = class_session(code)
    lesson = None if session_id is None else services().queries.session(session_id)
    if lesson is None or lesson.ended_at is not None:
        return render_template("join_over.html", lesson=lesson), 404 if lesson is None else 410
    wrong = False
    if request.method == "POST":
        key = join_keys().by_pin(lesson.course_id, pin_digest(lesson.course_id, plain_pin(request.form.get("pin", ""))))
        if key is not None:
            return _bound(key, lesson.id)
        join_keys().note_refusal(lesson.id)
        wrong = True
    return render_template("join_pin.html", lesson=lesson, wrong=wrong), WRONG if wrong else 200


@blueprint.get("/me/<token>")
@allow(Access.PUBLIC)
def link(token: str) -> ResponseReturnValue:
    """Take a personal link, to the session that runs now."""
    key = join_keys().by_token(digest(token[:200]))
    if key is None:
        return render_template("join_over.html", lesson=None), 404
    running = _running(key)
    if running is None:
        return render_template("join_wait.html", course=services().queries.course(key.course_id))
    return _bound(key, running)


@blueprint.get("/now")
@allow(Access.JOINED)
def show() -> ResponseReturnValue:
    """Show where the student stands: the question, the picture and reading, or why neither."""
    me, (lesson, state) = _me(), _here()
    if state.ended:
        running = _running(me.key)
        if running is not None:
            return _bound(me.key, running)
        return render_template("join_over.html", lesson=lesson)
    if _needs_guardian(state):
        return render_template("join_guardian.html", lesson=lesson, state=state)
    if me.device() is None or not state.subject.consent or not state.subject.consent.granted:
        return _question(lesson, state)
    let_page_use("camera")
    now = services().clock.now()
    return render_template("join_on.html", lesson=lesson, state=state, mode=mode_for(state), now=now)


@blueprint.post("/answer")
@allow(Access.JOINED)
def answer() -> ResponseReturnValue:
    """Take the Yes or the No."""
    me, (lesson, state) = _me(), _here()
    if state.ended or _needs_guardian(state) or services().policy().capped is None:
        return redirect(url_for("join.show"))
    if request.form.get("answer") != "yes":
        _refuse(me, state)
        return render_template("join_no.html", lesson=lesson, state=state)
    _agree(me, state)
    if joining().claim(me.key, lesson.id, me.device_hash, take_over=False) is None:
        return render_template("join_take_over.html", lesson=lesson, state=state)
    gate().forget()
    tell_changed(lesson.id)
    return redirect(url_for("join.show"))


@blueprint.post("/take-over")
@allow(Access.JOINED)
def take_over() -> ResponseReturnValue:
    """Go on here, in place of the student's other device, which is told."""
    me, (lesson, state) = _me(), _here()
    consent = state.subject.consent
    if state.ended or consent is None or not consent.granted:
        return redirect(url_for("join.show"))
    device_id = joining().claim(me.key, lesson.id, me.device_hash, take_over=True)
    assert device_id is not None  # noqa: S101 (taking over is never refused)
    taken_over(lesson.id, me.key.student_id, device_id)
    return redirect(url_for("join.show"))


@blueprint.post("/stop")
@allow(Access.JOINED)
def stop() -> ResponseReturnValue:
    """Stop: nothing is sent any more; the answer of record stays as it is."""
    me, (lesson, state) = _me(), _here()
    _leave(me)
    return render_template("join_stopped.html", lesson=lesson, state=state)


def mode_for(state: JoinState) -> Mode | None:
    """Return what may be inferred of this student, once there is a Yes."""
    policy = services().policy()
    return decide(policy.jurisdiction, policy.mode, state.subject).mode


def notice_told() -> str:
    """Return what is stored with an answer: the wording, and the days that were promised, as ``join-2, 90/400 days``.

    (Seconds kept / everything kept; ``-`` for no end.)
    """
    days = services().settings.retention
    return f"{NOTICE}, {days.samples_days or '-'}/{days.erase_days or '-'} days"


def _question(lesson: SessionRecord, state: JoinState) -> ResponseReturnValue:
    here = services()
    teacher = here.accounts.user(lesson.started_by) if lesson.started_by is not None else None
    return render_template(
        "join_ask.html",
        lesson=lesson,
        state=state,
        teacher=teacher,
        mode=here.policy().capped,
        retention=here.settings.retention,
        refused=state.subject.consent is not None and not state.subject.consent.granted,
    )


def _needs_guardian(state: JoinState) -> bool:
    return state.subject.minor and (state.guardian is None or not state.guardian.granted)


def _agree(me: Joiner, state: JoinState) -> None:
    """Store the Yes, unless that is what is on record."""
    consent = state.subject.consent
    if consent is not None and consent.granted and (not state.subject.minor or consent.given_by is GivenBy.GUARDIAN):
        return
    stands = (GivenBy.GUARDIAN, notice_told() + GUARDIANS_STANDS)
    by, notice = stands if state.subject.minor else (GivenBy.STUDENT, notice_told())
    services().classroom.record_consent(me.key.student_id, True, by, None, notice)


def _refuse(me: Joiner, state: JoinState) -> None:
    """Store the No, unless that is what is on record, and stop."""
    consent = state.subject.consent
    if consent is None or consent.granted:
        services().classroom.record_consent(me.key.student_id, False, GivenBy.STUDENT, None, notice_told())
    _leave(me)
    tell_changed(me.session_id)


def _leave(me: Joiner) -> None:
    device = me.device()
    if device is not None:
        joining().leave(device)
        left(device)


def _bound(key: JoinKeyRecord, session_id: int) -> Response:
    """Lead on as this student; whoever was on with this browser before has stopped."""
    before = joined()
    if before is not None and before.key.student_id != key.student_id:
        _leave(before)
    return remember(make_response(redirect(url_for("join.show"))), key, session_id)


def _running(key: JoinKeyRecord) -> int | None:
    course = services().queries.course(key.course_id)
    return None if course is None else course.running_session_id


def _me() -> Joiner:
    return cast(Joiner, joined())


def _here() -> tuple[SessionRecord, JoinState]:
    me = _me()
    lesson, state = services().queries.session(me.session_id), joining().state(me.session_id, me.key.student_id)
    assert lesson is not None and state is not None  # noqa: S101 (the rule of the view saw to it)
    return lesson, state

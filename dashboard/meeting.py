"""A picture with many people: the window of a meeting that the teacher shares, or a fixed camera before the class.

The web process sees pixels only on their way (``dashboard.frames``). Back come boxes; who they are is what a teacher
says here, checked by the gate now and by the capture worker again at every frame.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from flask import Blueprint, Flask, current_app, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from flask_socketio import SocketIO, join_room

from dashboard import frames
from dashboard.access import Access, allow, user
from dashboard.camera_rules import CameraForm, give_camera
from dashboard.meeting_shapes import FaceName
from dashboard.openapi import sent
from dashboard.security import let_page_use
from dashboard.services import services
from dashboard.sessions import found
from dashboard.spoken import said
from engage.core.protocols import Sender
from engage.core.shared import SHARED_EVENT, NameFace, SharedView, shared_room, standing, view_payload
from engage.core.types import Origin
from engage.errors import EngageError, RequestError
from engage.storage.records import SessionState, SourceKind
from engage.storage.shared import SharedSource, SharedSources

log = logging.getLogger("engage.dashboard.meeting")

blueprint = Blueprint("meeting", __name__)
api = Blueprint("meeting_api", __name__, url_prefix="/api/v1/sessions/<int:session_id>/shared")

EXTENSION = "engage.meeting"
RATE_FPS = 2.0
"""Of a shared window: names, not gestures, are followed in it."""

OpenWords = Callable[[Origin], Sender]


class WordDesk:
    """Sends teachers' words to the workers of their pictures; may be used by several threads."""

    def __init__(self) -> None:
        self._open_words: OpenWords | None = None
        self._lock = threading.Lock()
        self._senders: dict[Origin, Sender] = {}

    def connect(self, open_words: OpenWords) -> None:
        """Say how the channel to a picture's worker is opened."""
        self._open_words = open_words

    def say(self, word: NameFace) -> None:
        """Send a word; RequestError where no worker can be reached from here."""
        origin = Origin(word.session_id, word.source_id, 0)
        with self._lock:
            if origin not in self._senders:
                if self._open_words is None:
                    raise RequestError(_("Pictures cannot be taken here: the program is not running as a whole."))
                self._senders = {
                    key: sender for key, sender in self._senders.items() if key.session_id == word.session_id
                } | {origin: self._open_words(origin)}
            self._senders[origin].send(word)


def attach(app: Flask) -> None:
    """Give the application its desk and the events of shared pictures."""
    app.extensions[EXTENSION] = WordDesk()
    socketio = cast(SocketIO, app.extensions["socketio"])
    socketio.on_event("share", _share)
    socketio.on_event("follow_shared", _follow)


def word_desk(app: Flask | None = None) -> WordDesk:
    """Return the desk of ``app``, or of the application at work."""
    return cast(WordDesk, (app or current_app).extensions[EXTENSION])


def shared() -> SharedSources:
    """Return the shared pictures of the application at work."""
    return SharedSources(services().database, services().clock)


def show(app: Flask, views: Iterable[SharedView]) -> None:
    """Send the newest view of each picture to the pages that show it."""
    newest = {(view.session_id, view.source_id): view for view in views}
    for view in newest.values():
        payload = view_payload(view)
        cast(SocketIO, app.extensions["socketio"]).emit(SHARED_EVENT, payload, to=shared_room(view.session_id))


@blueprint.get("/sessions/<int:session_id>/meeting")
@allow(Access.SESSION)
def page(session_id: int) -> ResponseReturnValue:
    """Show the page on which a teacher shares a meeting's window; an ended session has none."""
    return _page(session_id, window=True)


@blueprint.get("/sessions/<int:session_id>/classroom-camera")
@allow(Access.SESSION)
def camera_page(session_id: int) -> ResponseReturnValue:
    """Show where the faces before the course's fixed camera are, for names to be put on."""
    return _page(session_id, window=False)


@api.get("")
@allow(Access.SESSION)
def read(session_id: int) -> ResponseReturnValue:
    """Return the session's pictures with many people, and who may be named in them, or why not."""
    policy = services().policy()
    people = [(person, standing(policy.jurisdiction, policy.mode, person)) for person in shared().people(session_id)]
    return {
        "session": session_id,
        "sources": [{"id": source.origin.source_id, "kind": source.kind.value} for source in _sources(session_id)],
        "people": [
            {
                "student": person.student_id,
                "name": person.name,
                "seat": person.seat,
                "nameable": stands.nameable,
                "reason": stands.reason or None,
            }
            for person, stands in people
        ],
    }


@api.post("")
@allow(Access.SESSION)
def begin(session_id: int) -> ResponseReturnValue:
    """Make ready for a window to be shared, without names from an earlier one, and return its source."""
    origin = shared().window(session_id, user().id)
    word_desk().say(NameFace(session_id, origin.source_id))
    return {"source": origin.source_id}, 201


@api.post("/<int:source_id>/names")
@allow(Access.SESSION)
def name(session_id: int, source_id: int) -> ResponseReturnValue:
    """Put a student's name on a face, or with null for the face take it off; null for the student takes all off."""
    word: FaceName = sent(FaceName)
    origin, student_id, face_id = _origin(session_id, source_id), word.student, word.face
    if face_id is not None:
        if student_id is None:
            raise RequestError(_("Whose face is it? Send a student's number too."))
        _require_nameable(session_id, student_id)
    word_desk().say(NameFace(session_id, source_id, student_id, face_id))
    shared().note(Origin(session_id, source_id, student_id or 0), user().id, named=face_id is not None)
    if student_id is None:
        frames.desk().leave(origin)
    return {"ok": True}


@blueprint.post("/sessions/<int:session_id>/classroom-camera")
@allow(Access.SESSION)
def set_camera(session_id: int) -> ResponseReturnValue:
    """Give the session's course a fixed camera, in place of the one in use; all names on the old one are gone."""
    lesson, form = found(session_id), CameraForm()
    if form.validate_on_submit():
        try:
            give_camera(form.address.data, course_id=lesson.course_id)
        except RequestError as error:
            flash(said(str(error)), "problem")
    else:
        flash(str(form.address.errors[0]), "problem")
    return redirect(url_for("meeting.camera_page", session_id=session_id))


def _page(session_id: int, window: bool) -> ResponseReturnValue:
    lesson = found(session_id)
    if lesson.state is not SessionState.RUNNING:
        return redirect(url_for("sessions.show", session_id=session_id))
    if window:
        let_page_use("display-capture")
    camera = next((source for source in _sources(session_id) if source.kind is not SourceKind.WINDOW), None)
    return render_template("meeting.html", lesson=lesson, window=window, camera=camera)


def _sources(session_id: int) -> list[SharedSource]:
    return shared().of_session(session_id)


def _origin(session_id: int, source_id: int) -> Origin:
    for source in _sources(session_id):
        if source.origin.source_id == source_id:
            return source.origin
    raise RequestError(_("There is no such picture in this session, or the session has ended."))


def _require_nameable(session_id: int, student_id: int) -> None:
    policy = services().policy()
    person = next((one for one in shared().people(session_id) if one.student_id == student_id), None)
    if person is None:
        raise RequestError(_("This student is not in this session."))
    stands = standing(policy.jurisdiction, policy.mode, person)
    if not stands.nameable:
        raise RequestError(_("%(name)s cannot be named: %(reason)s.", name=person.name, reason=stands.reason))


def _may(message: object) -> int | None:
    """Return the session of a socket's message where its account may see it, else None."""
    session_id = message.get("session") if isinstance(message, Mapping) else None
    if not isinstance(session_id, int) or isinstance(session_id, bool) or not current_user.is_authenticated:
        return None
    return session_id if services().queries.may_see_session(current_user.record.id, session_id) else None


def _follow(message: Any = None) -> dict[str, Any]:
    """Let a page see the boxes of a session's pictures."""
    session_id = _may(message)
    if session_id is None:
        return {"ok": False, "error": _("There is no such session, or it is not yours.")}
    join_room(shared_room(session_id))
    return {"ok": True}


@dataclass(frozen=True, slots=True)
class _Shot:
    """A picture that a page sends, checked."""

    origin: Origin
    data: bytes


def _share(message: Any = None) -> dict[str, Any]:
    """Take a picture of the shared window; the answer says how many a second to send, or that it has ended."""
    try:
        shot = _shot(message)
        if shot is None:
            return {"ok": False, "error": _("There is no such session, or it is not yours.")}
        return {"ok": True, "rate": min(RATE_FPS, frames.desk().push(shot.origin, shot.data))}
    except RequestError as error:
        return {"ok": False, "error": str(error)}
    except EngageError as error:  # the database is away: the page tries again
        log.error("event=share_refused error=%s", error)
        return {"ok": True, "rate": 1.0}


def _shot(message: Any) -> _Shot | None:
    session_id = _may(message)
    if session_id is None:
        return None
    windows = [source.origin for source in _sources(session_id) if source.kind is SourceKind.WINDOW]
    if not windows:
        raise RequestError(_("The session has ended, or no window is shared in it."))
    return _Shot(windows[0], frames.WINDOW.check(message.get("frame")))

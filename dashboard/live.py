"""The live pages' sockets: who may watch which session, and how a committed update reaches them."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import Any, cast

from flask import Flask, current_app
from flask_login import current_user
from flask_socketio import SocketIO, disconnect, join_room, leave_room, rooms

from dashboard import frames, trouble
from dashboard.access import STAFF
from dashboard.hosts import may_open_sockets
from dashboard.metrics import count_sent, count_updates
from dashboard.porter import Porter
from dashboard.rooms import open_rooms
from dashboard.services import services
from engage.config import Settings
from engage.core.live import EVENT, JOINERS, OWN_EVENT, own_payloads, room, update_payload
from engage.core.updates import LiveUpdate

log = logging.getLogger("engage.dashboard.live")

CHANGED = "changed"
"""The event that says: something other than samples changed (pause, marker, end), ask the API."""

LARGEST_MESSAGE = 1_000_000
"""Bytes; a socket that sends more is closed. What a message may hold is checked by whoever takes it."""


def attach(app: Flask, settings: Settings) -> SocketIO:
    """Give the application its sockets and return them; also found as ``app.extensions["socketio"]``."""
    rooms_of_pages = open_rooms(settings)
    socketio = SocketIO(
        app,
        async_mode="threading",
        client_manager=rooms_of_pages,
        cors_allowed_origins=may_open_sockets(settings.web),
        max_http_buffer_size=LARGEST_MESSAGE,
        ping_interval=10,
        ping_timeout=10,
    )
    Porter(socketio.server)
    frames.attach(app, settings)
    trouble.attach(app, rooms_of_pages)
    rooms_of_pages.heard = partial(_hear, app)
    socketio.on_event("connect", _connect)
    socketio.on_event("watch", _watch)
    return socketio


def _connect(auth: Any = None) -> bool:
    """Take a socket only from a signed-in administrator or teacher."""
    if not current_user.is_authenticated or current_user.record.role not in STAFF:
        return False
    join_room(user_room(current_user.record.id))
    return True


def _watch(message: Any) -> dict[str, Any]:
    """Join the room of one session, and leave any other; the answer says whether that was allowed."""
    session_id = message.get("session") if isinstance(message, dict) else None
    if not isinstance(session_id, int) or isinstance(session_id, bool):
        return {"ok": False, "error": "Which session? Reload this page."}
    if not current_user.is_authenticated:
        disconnect()
        return {"ok": False, "error": "You are signed out."}
    if not services().queries.may_see_session(current_user.record.id, session_id):
        log.warning("event=watch_refused user=%d session=%d", current_user.record.id, session_id)
        return {"ok": False, "error": "There is no such session, or it is not yours."}
    for other in [name for name in rooms() if name.startswith("session:") and name != room(session_id)]:
        leave_room(other)
    join_room(room(session_id))
    return {"ok": True, "now": services().clock.now().timestamp(), "trouble": trouble.troubles().known()}


def user_room(user_id: int) -> str:
    """Return the room of all sockets of one user."""
    return f"user:{user_id}"


def deliver(app: Flask, updates: Iterable[LiveUpdate]) -> None:
    """Send committed updates to the pages of their sessions; those at hand for one session go as one event."""
    updates = list(updates)
    frames.desk(app).hear(updates)
    count_updates(app, updates)
    socketio = cast(SocketIO, app.extensions["socketio"])
    unknown_below = cast(Any, app.extensions["engage"]).settings.scoring.unknown_below
    sessions: dict[int, LiveUpdate] = {}
    for update in updates:
        earlier = sessions.get(update.session_id)
        if earlier is not None:
            update = replace(
                update,
                samples=earlier.samples + update.samples,
                statuses=earlier.statuses + update.statuses,
                gestures=earlier.gestures + update.gestures,
                alerts=earlier.alerts + update.alerts,
                rate=update.rate or earlier.rate,
            )
        sessions[update.session_id] = update
    for session_id, update in sessions.items():
        socketio.emit(EVENT, update_payload(update, unknown_below), to=room(session_id))
        for place, own in own_payloads(update, unknown_below):
            socketio.emit(OWN_EVENT, own, to=place, namespace=JOINERS)


def tell_changed(session_id: int) -> None:
    """Tell the pages of a session, the joined students' too, to ask again what is running, paused and marked."""
    socketio = cast(SocketIO, current_app.extensions["socketio"])
    for namespace in ("/", JOINERS):
        socketio.emit(CHANGED, {"session": session_id}, to=room(session_id), namespace=namespace)


def _hear(app: Flask, event: str, data: Any) -> None:
    """Take note of an update that another process has sent to the pages of all: its age, and its number."""
    if event == EVENT:
        frames.desk(app).hear_sent(data)
        count_sent(app, data)


def sign_out_sockets(user_id: int) -> None:
    """Close the sockets of one user, in every web process: whoever signed out must not go on receiving."""
    cast(SocketIO, current_app.extensions["socketio"]).server.manager.disconnect_room(user_room(user_id))


def close_connections(app: Flask) -> None:
    """Close all sockets, so that their threads end; the pages connect again by themselves."""
    server = cast(SocketIO, app.extensions["socketio"]).server
    for connection in list(server.eio.sockets.values()):
        try:
            connection.close(wait=False)
        except (OSError, KeyError, ValueError):
            log.debug("event=close_failed")

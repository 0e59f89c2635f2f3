"""The sockets of joined students: frames in, their own reading out. A namespace of its own, without teachers' events.

A socket is opened by a one-time ticket. Each frame is checked against what the database said within the last second:
the session runs, nobody paused, the Yes stands, this device is the student's one. Else it is dropped, and the answer
says why.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from flask import Flask, current_app, request
from flask_socketio import SocketIO, join_room

from dashboard import frames
from dashboard.join_keys import digest, joining
from dashboard.live import deliver, tell_changed
from dashboard.services import Services, services
from engage.core.live import JOINERS, own_room, room
from engage.core.policy import decide
from engage.core.types import Origin, SourceState, SourceStatus
from engage.core.updates import LiveUpdate
from engage.errors import EngageError, RequestError
from engage.storage.joining import DeviceRecord
from engage.storage.records import PlannedSource, SourceKind
from engage.storage.store import SqlStore

log = logging.getLogger("engage.dashboard.join")

EXTENSION = "engage.join"
FRESH_S = 1.0
"""For how long what the database says of who may be looked at is gone by."""

ON, PAUSED, ENDED, TAKEN, REFUSED = "on", "paused", "ended", "taken", "refused"
"""Where a device stands, as its page is told."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a device's frames are taken: then by which source, else why not."""

    state: str
    origin: Origin | None = None


@dataclass(slots=True)
class _Snapshot:
    """What the database said last."""

    at_s: float = float("-inf")
    devices: Mapping[tuple[int, int], int] = field(default_factory=dict)
    verdicts: Mapping[tuple[int, int], Verdict] = field(default_factory=dict)


class Gate:
    """Says which devices' frames are taken; asks the database once a second, however many devices there are."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._snapshot = _Snapshot()
        self._seats: dict[str, DeviceRecord] = {}

    def seat(self, sid: str, device: DeviceRecord) -> None:
        """Remember whose socket this is."""
        self._seats[sid] = device

    def unseat(self, sid: str) -> DeviceRecord | None:
        """Forget a socket, and return whose it was."""
        return self._seats.pop(sid, None)

    def seated(self, sid: str) -> DeviceRecord | None:
        """Return whose socket this is."""
        return self._seats.get(sid)

    def forget(self) -> None:
        """Ask the database anew at the next frame."""
        self._snapshot.at_s = float("-inf")

    def look(self, device: DeviceRecord, here: Services) -> Verdict:
        """Return whether a device's frames are taken now."""
        with self._lock:
            now_s = here.clock.monotonic()
            if now_s - self._snapshot.at_s >= FRESH_S:
                self._snapshot = _read(here, now_s)
            snapshot = self._snapshot
        who = device.session_id, device.student_id
        active = snapshot.devices.get(who)
        if active is not None and active != device.id:
            return Verdict(TAKEN)
        return snapshot.verdicts.get(who, Verdict(ENDED)) if active is not None else Verdict(ENDED)


def _read(here: Services, now_s: float) -> _Snapshot:
    plan = here.queries.capture_plan()
    policy = here.policy()
    frames.desk().count(sum(not source.paused for source in plan))

    def verdict(source: PlannedSource) -> Verdict:
        if not decide(policy.jurisdiction, policy.mode, source.subject).allowed:
            return Verdict(REFUSED)
        return Verdict(PAUSED) if source.paused else Verdict(ON, source.origin)

    browsers = [source for source in plan if source.kind is SourceKind.BROWSER]
    found = {(source.origin.session_id, source.origin.student_id): verdict(source) for source in browsers}
    return _Snapshot(now_s, joining().devices(), found)


def attach(app: Flask) -> None:
    """Give the application the joiners' events."""
    app.extensions[EXTENSION] = Gate()
    socketio = cast(SocketIO, app.extensions["socketio"])
    socketio.on_event("connect", _connect, namespace=JOINERS)
    socketio.on_event("disconnect", _disconnect, namespace=JOINERS)
    socketio.on_event("frame", _frame, namespace=JOINERS)


def gate() -> Gate:
    """Return the gate of the application at work."""
    return cast(Gate, current_app.extensions[EXTENSION])


def taken_over(session_id: int, student_id: int, device_id: int) -> None:
    """Tell the student's other device that it is not the one any more."""
    gate().forget()
    _sockets().emit("taken", {"device": device_id}, to=own_room(session_id, student_id), namespace=JOINERS)


def left(device: DeviceRecord) -> None:
    """Let go of a device's frames, and tell the teacher's pages that the student has stopped."""
    gate().forget()
    for entry in services().queries.roster(device.session_id):
        if entry.student_id == device.student_id and entry.source_id is not None:
            origin = Origin(device.session_id, entry.source_id, device.student_id)
            frames.desk().leave(origin)
            _tell_left(origin)
    _sockets().emit("left", {"device": device.id}, to=own_room(device.session_id, device.student_id), namespace=JOINERS)
    tell_changed(device.session_id)


def _tell_left(origin: Origin) -> None:
    here = services()
    status = SourceStatus(origin, SourceState.ENDED, here.clock.now(), "The student has stopped sharing.")
    SqlStore(here.database).write((), (), [status])
    deliver(current_app, [LiveUpdate(origin.session_id, here.clock.now(), statuses=(status,))])


def _sockets() -> SocketIO:
    return cast(SocketIO, current_app.extensions["socketio"])


def _sid() -> str:
    return str(request.sid)  # type: ignore[attr-defined] # Flask-SocketIO's own


def _connect(auth: Any = None) -> bool:
    """Take a socket only with a ticket that was not used before."""
    ticket = auth.get("ticket") if isinstance(auth, dict) else None
    device = joining().redeem_ticket(digest(ticket)) if isinstance(ticket, str) and len(ticket) < 100 else None
    if device is None:
        return False
    gate().seat(_sid(), device)
    join_room(own_room(device.session_id, device.student_id))
    join_room(room(device.session_id))
    return True


def _disconnect(*_: Any) -> None:
    device = gate().unseat(_sid())
    if device is None:
        return
    verdict = gate().look(device, services())
    if verdict.origin is not None:
        frames.desk().leave(verdict.origin)


def _frame(data: Any = None) -> dict[str, Any]:
    """Take a picture; the answer says where the device stands, and how many frames a second to send."""
    device = gate().seated(_sid())
    if device is None:
        return {"state": ENDED}
    try:
        verdict = gate().look(device, services())
        if verdict.origin is None:
            return {"state": verdict.state}
        return {"state": ON, "rate": frames.desk().push(verdict.origin, frames.STUDENT.check(data))}
    except RequestError as error:
        return {"state": ON, "rate": 1.0, "error": str(error)}
    except EngageError as error:  # the database is away: the browser tries again
        log.error("event=frame_refused error=%s", error)
        return {"state": ON, "rate": 1.0, "error": "The server is busy."}

"""What opens the way for a joining student: links, PINs, tickets, and the cookie of their browser.

A class's link and PIN follow from its session's number and the program's key, so that the live page can show them at
any time; they open nothing but the question for one's own PIN.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import cast

from flask import Response, current_app, g, request
from itsdangerous import BadSignature, URLSafeSerializer, URLSafeTimedSerializer

from dashboard.services import services
from engage.storage.join_keys import JoinKeyRecord, JoinKeys, KeyHashes
from engage.storage.joining import DeviceRecord, Joining

PATH = "/join"
"""What the cookie is sent to, and nothing else."""
LIFETIME_S = 12 * 3600
DIGITS = 6


@dataclass(frozen=True, slots=True)
class NewKey:
    """A student's new link and PIN, to be shown this once."""

    student_id: int
    token: str
    pin: str


@dataclass(frozen=True, slots=True)
class Joiner:
    """A browser that has said which student it belongs to, for one session."""

    key: JoinKeyRecord
    session_id: int
    secret: str

    @property
    def device_hash(self) -> str:
        """Return what is stored of this browser."""
        return digest(self.secret)

    def device(self) -> DeviceRecord | None:
        """Return this browser's part in the session, where it is the one the student takes part with."""
        return joining().active(self.session_id, self.key.student_id, self.device_hash)


def joining() -> Joining:
    """Return the storage of devices that take part."""
    here = services()
    return Joining(here.database, here.clock)


def join_keys() -> JoinKeys:
    """Return the storage of links and PINs."""
    here = services()
    return JoinKeys(here.database, here.clock)


def digest(secret: str) -> str:
    """Return what is stored of a long random secret."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def pin_digest(course_id: int, pin: str) -> str:
    """Return what is stored of a PIN: with the program's key, as six digits alone are soon tried through."""
    return _keyed(f"pin:{course_id}:{pin}").hex()


def issue(course_id: int, student_ids: list[int], user_id: int) -> list[NewKey]:
    """Return new links and PINs for students of a course; those they had stop working. RequestError as ``JoinKeys``."""
    pins: set[str] = set()
    while len(pins) < len(student_ids):
        pins.add(f"{secrets.randbelow(10**DIGITS):0{DIGITS}}")
    made = [NewKey(each, secrets.token_urlsafe(24), pin) for each, pin in zip(student_ids, pins, strict=True)]
    hashes = {key.student_id: KeyHashes(digest(key.token), pin_digest(course_id, key.pin)) for key in made}
    join_keys().issue(course_id, hashes, user_id)
    return made


def class_code(session_id: int) -> str:
    """Return the last part of a class's link."""
    return str(_class_codes().dumps(session_id))


def class_session(code: str) -> int | None:
    """Return the session behind a class's link, or None where it is not one of ours."""
    try:
        found = _class_codes().loads(code[:200])
    except BadSignature:
        return None
    return found if isinstance(found, int) else None


def class_pin(session_id: int) -> str:
    """Return the PIN of a class: for those who type the short address."""
    number = int.from_bytes(_keyed(f"class:{session_id}")[:8], "big") % 10**DIGITS
    return f"{number:0{DIGITS}}"


def session_of_pin(pin: str) -> int | None:
    """Return the newest running session with this class PIN."""
    running = (lesson.id for lesson in reversed(services().queries.running_sessions()))
    return next((each for each in running if hmac.compare_digest(class_pin(each), pin)), None)


def plain_pin(text: str) -> str:
    """Return the digits of a PIN as typed, with whatever blanks and dashes; "" for anything else."""
    pin = "".join(text.split()).replace("-", "")
    return pin if len(pin) == DIGITS and pin.isascii() and pin.isdigit() else ""


def new_ticket(device: DeviceRecord) -> str:
    """Return the ticket that opens this device's next socket, once."""
    ticket = secrets.token_urlsafe(24)
    joining().issue_ticket(device, digest(ticket))
    return ticket


def joined() -> Joiner | None:
    """Return who this request's browser has joined as, or None: no cookie, forged, too old, revoked."""
    if "joiner" not in g:
        g.joiner = _read_cookie()
    return cast("Joiner | None", g.joiner)


def remember(response: Response, key: JoinKeyRecord, session_id: int) -> Response:
    """Return the response with the cookie that binds this browser to a student and a session.

    A browser that was bound to the student before stays the same device.
    """
    before = joined()
    same = before is not None and before.key.student_id == key.student_id
    secret = before.secret if same and before is not None else secrets.token_urlsafe(24)
    secure = bool(current_app.config["SESSION_COOKIE_SECURE"])
    response.set_cookie(
        _cookie_name(),
        _cookies().dumps([key.id, session_id, secret]),
        max_age=LIFETIME_S,
        path=PATH,
        secure=secure,
        httponly=True,
        samesite="Lax",
    )
    return response


def _read_cookie() -> Joiner | None:
    try:
        key_id, session_id, secret = _cookies().loads(request.cookies.get(_cookie_name(), ""), max_age=LIFETIME_S)
    except (BadSignature, ValueError, TypeError):
        return None
    key, lesson = join_keys().key(key_id), services().queries.session(session_id)
    if key is None or lesson is None or lesson.course_id != key.course_id:
        return None
    return Joiner(key, session_id, secret)


def _cookie_name() -> str:
    return "__Secure-engage-join" if current_app.config["SESSION_COOKIE_SECURE"] else "engage-join"


def _cookies() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt="engage-join")


def _class_codes() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.config["SECRET_KEY"], salt="engage-class")


def _keyed(text: str) -> bytes:
    return hmac.digest(current_app.config["SECRET_KEY"], text.encode(), "sha256")

"""What is told to people outside the pages, and when it may be: notices, channels and quiet hours. Pure.

A notice carries a link and says that there is something to read. It never holds a name, an emotion or a state: it
travels through servers of others.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from ipaddress import ip_address, ip_network
from urllib.parse import parse_qs, unquote, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


class NoticeKind(StrEnum):
    """What a person can choose to be told about; a test of a channel; and letters to one address."""

    STUDENT_ALERT = "student_alert"
    CLASS_ALERT = "class_alert"
    CAMERA_ALERT = "camera_alert"
    RISK_FLAG = "risk_flag"
    REPORT = "report"
    TEST = "test"
    INVITATION = "invitation"
    PASSWORD_RESET = "password_reset"  # noqa: S105 (a kind, not a password)  # nosec B105


LETTERS = {NoticeKind.INVITATION: timedelta(days=7), NoticeKind.PASSWORD_RESET: timedelta(hours=1)}
"""The kinds that go to one address, each with a link that opens an account, and how long that link works."""

SUBJECTS = {
    NoticeKind.STUDENT_ALERT: "a new alert in a running session",
    NoticeKind.CLASS_ALERT: "a new alert about a whole class",
    NoticeKind.CAMERA_ALERT: "a camera needs a look",
    NoticeKind.RISK_FLAG: "a list in one of your courses has changed",
    NoticeKind.REPORT: "a session report is ready",
    NoticeKind.TEST: "this is a test, and it works",
    NoticeKind.INVITATION: "your invitation",
    NoticeKind.PASSWORD_RESET: "choose a new password",
}
"""The words of each kind: nothing in them is about a person."""


class Service(StrEnum):
    """How a channel is reached."""

    APPRISE = "apprise"
    WEBHOOK = "webhook"
    LETTER = "letter"
    """By the school's own mail server, to the one address a letter is for."""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to tell: its kind, the page to open, and a key under which it is told once.

    ``link`` is a path of the dashboard such as ``/courses/3``; ``key`` names the occasion, such as
    ``risk:17:confirmed``. The staff of ``course_id`` hear of it.
    """

    kind: NoticeKind
    link: str
    key: str
    course_id: int

    def __post_init__(self) -> None:
        """Raise ValueError for a link that leaves the dashboard, or a key that cannot be stored."""
        if not self.link.startswith("/") or self.link.startswith("//") or len(self.link) > 500:
            raise ValueError(f"a notice's link is a path of the dashboard, not {self.link!r}")
        if not 0 < len(self.key) <= 120:
            raise ValueError("a notice's key has 1 to 120 characters")


@dataclass(frozen=True, slots=True)
class Parcel:
    """One notice on its way to one channel; ``key`` stays the same however often it is tried."""

    id: int
    key: str
    kind: NoticeKind
    link: str
    created_at: datetime
    attempts: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """What one channel is to be given now, claimed under ``token`` until the lease runs out.

    A letter has no channel: ``channel_id`` is 0, and ``address`` the e-mail address.
    """

    token: str
    channel_id: int
    service: Service
    address: str = field(repr=False)
    signing_key: str | None = field(repr=False)
    parcels: tuple[Parcel, ...] = ()


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a channel did not take something; it is tried again at ``again_at``, or given up where that is None."""

    error: str
    again_at: datetime | None


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From ``start`` until ``end`` on the user's own clock nothing is sent; the two may lie on different days."""

    start: time
    end: time
    zone: str

    def ends_at(self, now: datetime) -> datetime | None:
        """Return when the quiet hours that hold at ``now`` end (aware UTC), or None where none hold.

        In a night in which clocks change, the end is the wall clock's: the hours are as long as that night makes them.
        """
        zone = zone_of(self.zone)
        local = now.astimezone(zone)
        if self.start == self.end:
            return None
        clock = local.time().replace(tzinfo=None)
        overnight = self.start > self.end
        quiet = (clock >= self.start or clock < self.end) if overnight else self.start <= clock < self.end
        if not quiet:
            return None
        day = local.date() + timedelta(days=1 if overnight and clock >= self.start else 0)
        return max(datetime.combine(day, self.end, zone).astimezone(UTC), now)


def zone_of(name: str) -> ZoneInfo:
    """Return a time zone by its IANA name; ValueError where there is none of this name."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"there is no time zone {name!r}; write one such as Europe/Paris") from None


def next_time(at: time, zone: str, now: datetime) -> datetime:
    """Return the next moment after ``now`` at which the clocks of ``zone`` show ``at`` (aware UTC)."""
    place = zone_of(zone)
    local = now.astimezone(place)
    today = datetime.combine(local.date(), at, place)
    later = today if today.astimezone(UTC) > now else datetime.combine(local.date() + timedelta(days=1), at, place)
    return later.astimezone(UTC)


APPRISE_SERVICES = {
    "mailto": "e-mail",
    "mailtos": "e-mail",
    "slack": "Slack",
    "msteams": "Teams",
    "workflow": "Teams",
    "workflows": "Teams",
    "discord": "Discord",
    "gchat": "Google Chat",
    "tgram": "Telegram",
    "ntfy": "ntfy",
    "ntfys": "ntfy",
    "mmost": "Mattermost",
    "mmosts": "Mattermost",
    "rocket": "Rocket.Chat",
    "rockets": "Rocket.Chat",
    "gotify": "Gotify",
    "gotifys": "Gotify",
}
"""The services that may be told, by the scheme of their Apprise address; others reach into this machine."""


def service_of(address: str) -> Service:
    """Return how an address is reached; ValueError, in words for the page, for one that may not be given."""
    scheme = address.partition(":")[0].lower()
    if scheme in ("http", "https"):
        parts = urlsplit(address)
        if not parts.hostname or parts.username is not None or parts.password is not None:
            raise ValueError("Give a webhook's address such as https://hooks.example.org/engage, without a password.")
        return Service.WEBHOOK
    if scheme in APPRISE_SERVICES and "://" in address:
        return Service.APPRISE
    known = ", ".join(sorted({f"{scheme}://" for scheme in APPRISE_SERVICES if not scheme.endswith("s")}))
    raise ValueError(f"Give an address that begins with https:// (a webhook), or one of {known}.")


def shown_address(address: str) -> str:
    """Return what pages may show of an address: where it leads, without what opens it."""
    parts = urlsplit(address)
    if parts.scheme.lower() in ("http", "https"):
        return f"{parts.scheme}://{parts.hostname}/…"
    label = APPRISE_SERVICES[parts.scheme.lower()]
    if label != "e-mail":
        return label
    to = parse_qs(parts.query).get("to", [parts.path.strip("/")])[0]
    name, _, host = unquote(to or "").rpartition("@")
    if not host:
        name, host = unquote(parts.username or ""), parts.hostname or ""
    return f"e-mail, {name[:1]}…@{host}"


NAT64 = ip_network("64:ff9b::/96")
"""Leads to any IPv4 address (RFC 6052)."""


def host_refused(host: str) -> bool:
    """Return whether an IP address is not one of the public internet: loopback, private, link-local and the like.

    A name is not looked up here; it gives False.
    """
    try:
        number = ip_address(host.strip("[]"))
    except ValueError:
        return host.lower().rstrip(".") == "localhost" or host.lower().endswith(".localhost")
    mapped = getattr(number, "ipv4_mapped", None) or getattr(number, "sixtofour", None) or number
    return not (number.is_global and mapped.is_global) or number.is_multicast or number in NAT64

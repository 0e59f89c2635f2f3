"""From the outbox to real receivers: told once, signed, retried, never one channel held up by another."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from email import message_from_string
from typing import TYPE_CHECKING

import pytest

from engage.alerts import Dispatcher, Timing, build_senders
from engage.alerts.hosts import addresses_of
from engage.alerts.webhook import signature
from engage.config import Settings
from engage.core.notices import Notice, NoticeKind
from engage.errors import DeliveryRefused, RequestError
from engage.storage.database import Database
from engage.storage.notifications import ChannelRecord, Notifications, UserClock
from engage.storage.outbox import Outbox, enqueue
from tests.alerts.receivers import Hook, hook, mailbox

if TYPE_CHECKING:
    from tests.databases import School, SetClock

ALL = tuple(kind for kind in NoticeKind if kind is not NoticeKind.TEST)


@dataclass
class Post:
    """The whole way: notices in, receivers out, by a clock that is set."""

    database: Database
    school: School
    clock: SetClock
    allow_private: bool = True

    def __post_init__(self) -> None:
        self.notifications = Notifications(self.database, self.clock)
        self.restart()

    def restart(self) -> None:
        settings = Settings.model_validate({
            "web": {"public_url": "https://engage.school.example"},
            "notifications": {"allow_private_addresses": self.allow_private},
        })  # fmt: skip
        self.dispatcher = Dispatcher(Outbox(self.database), build_senders(settings, self.clock), self.clock, Timing())

    def channel(self, address: str, digest: bool = False) -> tuple[ChannelRecord, str | None]:
        return self.notifications.add_channel(self.school.teacher.id, address, ALL, digest)

    def tell(self, key: str = "alert:1", kind: NoticeKind = NoticeKind.STUDENT_ALERT) -> int:
        notice = Notice(kind, f"/sessions/{self.school.session.id}", key, self.school.course.id)
        with self.database.write() as session:
            return enqueue(session, notice, self.clock.now())

    def send(self) -> int:
        begun = self.dispatcher.run_once()
        assert self.dispatcher.wait(30)
        return begun

    def shown(self) -> ChannelRecord:
        (channel,) = self.notifications.channels(self.school.teacher.id)
        return channel


@pytest.fixture
def post(database: Database, school: School, clock: SetClock) -> Post:
    return Post(database, school, clock)


@pytest.fixture
def receiver() -> Iterator[Hook]:
    with hook() as running:
        yield running


def test_a_notice_is_posted_signed_once_and_holds_no_name(post: Post, receiver: Hook) -> None:
    _, key = post.channel(receiver.url())
    assert post.tell() == 1
    assert post.tell() == 0, "the same occasion is told once"
    post.send()
    post.send()
    ((path, headers, body),) = receiver.requests
    assert key is not None and path == "/hook"
    assert headers["X-Engage-Signature"] == signature(key, int(headers["X-Engage-Timestamp"]), body)
    assert int(headers["X-Engage-Timestamp"]) == int(post.clock.now().timestamp())
    assert headers["Idempotency-Key"] == "alert:1"
    told = json.loads(body)
    assert told["link"] == f"https://engage.school.example/sessions/{post.school.session.id}"
    for word in ("Ada", "Ben", "Chi", "Physics", "score", "drowsy", "away", "sad"):
        assert word not in body.decode()
    assert post.shown().last_sent_at == post.clock.now() and post.shown().waiting == 0


def test_only_staff_of_the_course_who_want_the_kind_are_told(post: Post, receiver: Hook) -> None:
    post.notifications.add_channel(post.school.other_teacher.id, receiver.url(), ALL)
    post.notifications.add_channel(post.school.teacher.id, receiver.url(), [NoticeKind.RISK_FLAG])
    assert post.tell() == 0
    assert post.tell("risk:1", NoticeKind.RISK_FLAG) == 1
    (mine,) = post.notifications.channels(post.school.teacher.id)
    post.notifications.change_channel(post.school.teacher.id, mine.id, ALL, digest=False, enabled=False)
    assert post.tell("risk:2", NoticeKind.RISK_FLAG) == 0


def test_a_failure_is_tried_again_ever_later_with_the_same_key(post: Post, receiver: Hook) -> None:
    post.channel(receiver.url())
    post.tell()
    receiver.status = 503
    pauses = []
    for _ in range(3):
        post.send()
        waited = 0
        while post.dispatcher.run_once() == 0:
            post.clock.advance(10)
            waited += 10
        post.dispatcher.wait(30)
        pauses.append(waited)
        assert post.shown().error == "127.0.0.1 answered 503."
    receiver.status = 204
    post.clock.advance(4000)
    post.send()
    assert pauses[0] < pauses[1] < pauses[2]
    assert {headers["Idempotency-Key"] for _, headers, _ in receiver.requests} == {"alert:1"}
    assert len(set(receiver.bodies())) == 1
    assert post.shown().waiting == 0 and post.shown().error is None


def test_after_many_failures_it_is_given_up_and_said_so(post: Post, receiver: Hook) -> None:
    post.channel(receiver.url())
    post.tell()
    receiver.status = 500
    for _ in range(20):
        post.send()
        post.clock.advance(4000)
    assert len(receiver.requests) == Timing().attempts
    assert (post.shown().waiting, post.shown().error) == (0, "127.0.0.1 answered 500.")


def test_a_slow_channel_holds_up_no_other(post: Post, receiver: Hook) -> None:
    post.channel(receiver.url("/slow"))
    post.channel(receiver.url("/quick"))
    post.tell("alert:1")
    assert post.dispatcher.run_once() == 2
    receiver.reached.wait(20)
    post.tell("alert:2")
    quick = threading.Event()
    while not quick.is_set():
        post.dispatcher.run_once()
        if [path for path, _, _ in receiver.requests] == ["/quick"] * 2:
            quick.set()
    receiver.gate.set()
    assert post.dispatcher.wait(30)
    post.send()
    paths = [path for path, _, _ in receiver.requests]
    assert sorted(paths) == ["/quick"] * 2 + ["/slow"] * 2


def test_a_sender_that_dies_loses_nothing(post: Post, receiver: Hook) -> None:
    post.channel(receiver.url())
    post.tell()
    outbox = Outbox(post.database)
    (held,) = outbox.claim(post.clock.now(), 120.0)
    assert outbox.claim(post.clock.now(), 120.0) == [], "claimed by one is claimed by no other"
    post.restart()
    assert post.send() == 0
    post.clock.advance(121)
    assert post.send() == 1
    assert len(receiver.requests) == 1
    assert outbox.sent(held.token, [parcel.id for parcel in held.parcels], post.clock.now()) == 0, "its claim is over"


def test_two_senders_at_once_send_each_notice_once(post: Post, receiver: Hook) -> None:
    post.channel(receiver.url())
    for number in range(5):
        post.tell(f"alert:{number}")
    first = post.dispatcher
    post.restart()
    threads = [threading.Thread(target=dispatcher.run_once) for dispatcher in (first, post.dispatcher)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert first.wait(30) and post.dispatcher.wait(30)
    keys = [headers["Idempotency-Key"] for _, headers, _ in receiver.requests]
    assert keys == [f"alert:{number}" for number in range(5)]


class TestWhen:
    """Quiet hours and the digest, by the user's own clock."""

    def test_nothing_is_sent_in_quiet_hours_and_all_of_it_after(self, post: Post, receiver: Hook) -> None:
        post.channel(receiver.url())
        night = UserClock("America/New_York", time(21, 0), time(7, 0))
        post.notifications.save_clock(post.school.teacher.id, night)
        post.clock.time = datetime(2026, 3, 8, 2, 30, tzinfo=UTC)  # 21:30 in New York; clocks change in this night
        end = datetime(2026, 3, 8, 11, 0, tzinfo=UTC)  # 7:00 there, by then four hours behind
        number = 0
        while post.clock.now() < end:
            post.tell(f"alert:{number}")
            post.send()
            assert receiver.requests == []
            number += 1
            post.clock.advance(1800)
        post.send()
        assert len(receiver.requests) == number == 17

    def test_a_test_comes_also_in_quiet_hours(self, post: Post, receiver: Hook) -> None:
        channel, _ = post.channel(receiver.url())
        post.notifications.save_clock(post.school.teacher.id, UserClock("UTC", time(0, 0), time(23, 59)))
        post.tell()
        post.notifications.test(post.school.teacher.id, channel.id)
        post.send()
        assert [json.loads(body)["kind"] for body in receiver.bodies()] == ["test"]

    def test_the_digest_is_one_message_a_day(self, post: Post) -> None:
        with mailbox() as (port, mails):
            post.channel(f"mailto://127.0.0.1:{port}?smtp=127.0.0.1&from=engage@a.example&to=t@b.example", digest=True)
            post.notifications.save_clock(post.school.teacher.id, UserClock("Asia/Tokyo", digest_at=time(18, 0)))
            for number in range(4):
                post.tell(f"alert:{number}")
                post.send()
                assert mails == []
            post.clock.time = datetime(2026, 11, 22, 9, 0, tzinfo=UTC) + timedelta(days=1)  # 18:00 in Tokyo
            post.send()
            (mail,) = [message_from_string(mail) for mail in mails]
        assert mail["Subject"] == "Engage: 4 things to look at"

    def test_what_cannot_be_meant_is_refused(self, post: Post) -> None:
        with pytest.raises(RequestError, match="no time zone"):
            post.notifications.save_clock(post.school.teacher.id, UserClock("Nowhere/City"))
        with pytest.raises(RequestError, match="both ends"):
            post.notifications.save_clock(post.school.teacher.id, UserClock("UTC", time(21, 0), None))


class TestApprise:
    """The services that Apprise reaches."""

    def test_an_email_carries_a_link_and_no_name(self, post: Post) -> None:
        with mailbox() as (port, mails):
            channel, key = post.channel(
                f"mailto://127.0.0.1:{port}?smtp=127.0.0.1&from=engage@a.example&to=teacher@b.example"
            )
            post.tell()
            post.send()
        assert key is None and channel.shown == "e-mail, t…@b.example"
        (mail,) = [message_from_string(mail) for mail in mails]
        text = str(mail.get_payload(decode=True) or mail.get_payload())
        assert mail["Subject"] == "Engage: a new alert in a running session"
        assert f"https://engage.school.example/sessions/{post.school.session.id}" in text
        assert not any(word in text for word in ("Ada", "Ben", "Chi", "Physics"))

    def test_a_service_over_http(self, post: Post, receiver: Hook) -> None:
        post.channel(f"gotify://127.0.0.1:{receiver.port}/secret-token")
        post.tell()
        post.send()
        assert len(receiver.requests) == 1
        assert "secret" not in post.shown().shown
        receiver.status = 500
        post.tell("alert:2")
        post.send()
        assert post.shown().error == "Gotify did not take the message; check the address."


class TestAddresses:
    """Where channels may lead."""

    @pytest.mark.parametrize(
        "host",
        ["127.0.0.1", "10.0.0.8", "192.168.1.1", "169.254.169.254", "::1", "fe80::1", "fd00::1", "0.0.0.0",
         "::ffff:127.0.0.1", "64:ff9b::7f00:1", "localhost", "2130706433", "224.0.0.1"],
    )  # fmt: skip
    def test_machines_behind_the_firewall_are_refused(self, host: str) -> None:
        with pytest.raises(DeliveryRefused, match="not on the public internet"):
            addresses_of(host, 443, allow_private=False)

    @pytest.mark.parametrize("scheme", ["https", "http", "gotify"])
    def test_a_channel_to_this_machine_is_given_up_at_once(self, post: Post, receiver: Hook, scheme: str) -> None:
        post.allow_private = False
        post.restart()
        post.channel(f"{scheme}://127.0.0.1:{receiver.port}/hook")
        post.tell()
        post.send()
        assert receiver.requests == []
        assert post.shown().waiting == 0
        assert "public internet" in (post.shown().error or "") or "https://" in (post.shown().error or "")

    def test_a_redirect_is_not_followed(self, post: Post, receiver: Hook) -> None:
        with hook() as inside:
            receiver.status, receiver.headers = 307, {"Location": inside.url()}
            post.channel(receiver.url())
            post.channel(f"gotify://127.0.0.1:{receiver.port}/token?redirect=yes")
            post.tell()
            post.send()
            assert len(receiver.requests) == 2
            assert inside.requests == []

    def test_a_redirect_within_a_host_is_not_followed_either(self, post: Post, receiver: Hook) -> None:
        receiver.status, receiver.headers = 307, {"Location": "/elsewhere"}
        post.channel(receiver.url())
        post.channel(f"gotify://127.0.0.1:{receiver.port}/token?redirect=yes")
        post.tell()
        post.send()
        assert len(receiver.requests) == 2
        assert "/elsewhere" not in [path for path, _, _ in receiver.requests]

    @pytest.mark.parametrize(
        "address",
        ["ftp://a.example", "json://a.example", "file:///etc/passwd", "dbus://", "exec://rm", "https://", "hello",
         "https://user:password@a.example/hook"],
    )  # fmt: skip
    def test_an_address_of_another_kind_is_refused_in_words(self, post: Post, address: str) -> None:
        with pytest.raises(RequestError, match="Give a"):
            post.channel(address)


def test_channels_are_their_owners_alone(post: Post, receiver: Hook) -> None:
    channel, _ = post.channel(receiver.url())
    other = post.school.other_teacher.id
    for attempt in (
        lambda: post.notifications.test(other, channel.id),
        lambda: post.notifications.remove_channel(other, channel.id),
        lambda: post.notifications.change_channel(other, channel.id, ALL, False, True),
    ):
        with pytest.raises(RequestError, match="no such channel"):
            attempt()
    post.tell()
    post.notifications.remove_channel(post.school.teacher.id, channel.id)
    assert post.send() == 0


def test_what_is_long_sent_is_forgotten(post: Post, receiver: Hook) -> None:
    post.channel(receiver.url())
    post.tell()
    post.send()
    assert post.notifications.forget(post.clock.now()) == 0
    assert post.notifications.forget(post.clock.now() + timedelta(days=1)) == 1

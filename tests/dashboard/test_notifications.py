"""The page of notifications: channels, what they are told, quiet hours; and what is never shown."""

from __future__ import annotations

import re
from datetime import time
from typing import Any

import pytest
from sqlalchemy import select

from engage.core.notices import NoticeKind
from engage.storage.database import Database
from engage.storage.notifications import Notifications
from engage.storage.tables import NotificationChannel, OutboxEntry

HOOK = "https://hooks.example.org/in?token=top-secret"


@pytest.fixture
def mine(database: Database) -> Notifications:
    return Notifications(database)


def test_a_webhooks_key_is_shown_once_and_its_address_never(
    school: Any, browser: Any, send: Any, mine: Notifications, database: Database
) -> None:
    client = browser("teacher")
    added = send(client, "/notifications/channels", address=HOOK, kinds="risk_flag")
    assert added.status_code == 201
    key = re.search(r"<code>([0-9a-f]{64})</code>", added.text)
    assert key is not None
    again = client.get("/notifications").text
    assert "hooks.example.org" in again
    assert "top-secret" not in added.text + again and key[1] not in again
    (channel,) = mine.channels(school.teacher)
    assert channel.kinds == (NoticeKind.RISK_FLAG,) and not channel.digest
    with database.read() as session:
        assert session.scalars(select(NotificationChannel.address)).one() == HOOK


@pytest.mark.parametrize(
    "address",
    ["", "http://hooks.example.org/", "https://127.0.0.1/", "https://[::1]/", "https://localhost/", "json://a.example",
     "mailto://", "slack://", "javascript:alert(1)"],
)  # fmt: skip
def test_an_address_that_can_never_work_is_refused(
    school: Any, browser: Any, send: Any, mine: Notifications, address: str
) -> None:
    answer = send(browser("teacher"), "/notifications/channels", address=address)
    assert answer.status_code == 422 and "Nothing was saved" in answer.text
    assert mine.channels(school.teacher) == []


def test_a_channel_is_changed_tested_and_removed(
    school: Any, browser: Any, send: Any, mine: Notifications, database: Database
) -> None:
    client = browser("teacher")
    send(client, "/notifications/channels", address="mailtos://me:pass@mail.example?to=teacher@school.example")
    (channel,) = mine.channels(school.teacher)
    assert channel.shown == "e-mail, t…@school.example"
    send(client, f"/notifications/channels/{channel.id}", kinds="report", digest="yes", enabled="on")
    (changed,) = mine.channels(school.teacher)
    assert (changed.kinds, changed.digest, changed.enabled) == ((NoticeKind.REPORT,), True, True)
    send(client, f"/notifications/channels/{channel.id}/test")
    with database.read() as session:
        assert session.scalars(select(OutboxEntry.kind)).all() == ["test"]
    assert "1 waiting" in client.get("/notifications").text
    assert send(browser("colleague"), f"/notifications/channels/{channel.id}/remove").status_code == 400
    send(client, f"/notifications/channels/{channel.id}/remove")
    assert mine.channels(school.teacher) == []


def test_quiet_hours_are_kept_by_the_users_own_clock(school: Any, browser: Any, send: Any, mine: Notifications) -> None:
    client = browser("teacher")
    night = {"zone": "Europe/Paris", "quiet_from": "21:00", "quiet_until": "06:30", "digest_at": "17:15"}
    assert send(client, "/notifications/clock", **night).status_code == 302
    clock = mine.clock(school.teacher)
    assert (clock.zone, clock.quiet_from, clock.quiet_until) == ("Europe/Paris", time(21), time(6, 30))
    assert 'value="21:00"' in client.get("/notifications").text
    for wrong in ({"zone": "Paris"}, {"quiet_until": ""}, {"quiet_from": "late"}):
        assert send(client, "/notifications/clock", **{**night, **wrong}).status_code == 422
    assert mine.clock(school.teacher) == clock

"""A course's schedule by the pages: times by hand and from a calendar file, skipped, prolonged, and trouble told."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from engage.storage.timetable import Timetable
from tests.dashboard.conftest import send_form, token_for
from tests.databases import SetClock
from tests.storage.test_lesson_calendar import calendar

TOMORROW = datetime.now(UTC).date() + timedelta(days=1)
FORM = {"day": TOMORROW.isoformat(), "at": "09:00", "length": "45", "weekly": "y", "title": "Waves"}


def test_a_weekly_lesson_is_added_skipped_and_removed(school: Any, browser: Any, send: Any) -> None:
    client, path = browser("teacher"), f"/courses/{school.course}/schedule"
    assert send(client, path, **FORM).location == path
    page = client.get(path).text
    assert page.count("· Waves") == 3 and "09:00" in page  # the time and the two weeks to come
    lesson = re.findall(r"schedule/(\d+)/remove", page)
    assert len(lesson) == 1
    send(client, f"{path}/{lesson[0]}/skip", day=TOMORROW.isoformat(), skipped="yes")
    assert "does not take place" in client.get(path).text
    assert send(client, f"{path}/{lesson[0]}/skip", day="soon").status_code == 400
    other = browser("colleague")
    assert send(other, f"/courses/{school.other_course}/schedule/{lesson[0]}/remove").status_code == 400
    send(client, f"{path}/{lesson[0]}/remove")
    assert "started by hand" in client.get(path).text
    for wrong in ({"day": ""}, {"at": "25:00"}, {"length": "4"}, {"last_day": "2020-01-01"}):
        assert send(client, path, **{**FORM, **wrong}).status_code == 422


def test_what_the_schedule_did_stands_on_the_course_page(school: Any, database: Any, browser: Any, send: Any) -> None:
    client, course = browser("teacher"), f"/courses/{school.course}"
    clock = SetClock(datetime.now(UTC).replace(second=0, microsecond=0))
    book = Timetable(database, None, clock)
    local = clock.time.astimezone()
    at = f"{local.hour:02d}:{local.minute:02d}"
    send(client, f"{course}/schedule", **{**FORM, "day": local.date().isoformat(), "at": at})
    assert book.start_due(True) == []  # the fixture's session runs
    page = client.get(course).text
    assert "did not start" in page and "running already" in page
    send(client, f"/sessions/{school.session}/stop")
    clock.advance(7 * 24 * 3600)
    if len(started := book.start_due(True)) == 1:  # unless the clocks change in this week
        assert "Started by the schedule." in client.get(course).text
        answer = client.get(f"/api/v1/sessions/{started[0]}").json
        assert answer["by_schedule"] is True and answer["ends_at"] == (clock.time + timedelta(minutes=45)).timestamp()
        send(client, f"{course}/schedule/prolong", minutes="10")
        longer = client.get(f"/api/v1/sessions/{started[0]}").json["ends_at"]
        assert longer - answer["ends_at"] == 600
        send(client, f"{course}/schedule/prolong", minutes="never")
        assert "ends when somebody ends it" in client.get(course).text


def test_a_calendar_file_is_seen_before_it_is_saved(school: Any, browser: Any) -> None:
    client, path = browser("teacher"), f"/courses/{school.course}/schedule"
    day = f"{TOMORROW:%Y%m%d}"
    data = calendar(
        f"SUMMARY:Optics\nDTSTART:{day}T100000\nDTEND:{day}T104500\nRRULE:FREQ=WEEKLY;COUNT=2",
        f"SUMMARY:Trip\nDTSTART;VALUE=DATE:{day}",
    )

    def upload(content: bytes) -> Any:
        form = {"file": FileStorage(io.BytesIO(content), "lessons.ics"), "csrf_token": token_for(client)}
        boundary, body = encode_multipart(form)
        return client.post(f"{path}/file", data=body, content_type=f"multipart/form-data; boundary={boundary}")

    page = upload(data).text
    assert "Save 2 lessons" in page and "Trip: It lasts the whole day" in page
    assert "Optics" not in client.get(path).text
    found = re.search(r'name="carried" value="([^"]+)"', page)
    assert found
    send_form(client, f"{path}/file/save", carried=found[1])
    assert "Optics" in client.get(path).text
    assert "nothing to save" in upload(data).text
    assert send_form(browser("admin"), f"{path}/file/save", carried=found[1]).status_code == 400
    assert "no calendar file" in upload(b"PK").text

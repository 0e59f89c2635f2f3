"""Role by route by event: every route is in the table, or the test fails."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

# Endpoint, method, address (of the teacher's course), and the answer for nobody, a student, a colleague with another
# course, the teacher, the administrator. 302 at nobody is the way to sign in. Rows that change something come last.
TABLE = [
    ("home.index", "GET", "/", 302, 403, 200, 200, 200),
    ("people.sign_in", "GET", "/sign-in", 200, 302, 302, 302, 302),
    ("people.setup", "GET", "/setup/wrong", 410, 410, 410, 410, 410),
    ("invitations.welcome", "GET", "/welcome/wrong", 410, 410, 410, 410, 410),
    ("invitations.forgotten", "GET", "/forgotten-password", 200, 200, 200, 200, 200),
    ("invitations.reset", "GET", "/reset/wrong", 410, 410, 410, 410, 410),
    ("oidc.begin", "GET", "/sign-in/with/unknown", 404, 404, 404, 404, 404),
    ("oidc.callback", "GET", "/sign-in/with/unknown/callback", 404, 404, 404, 404, 404),
    ("accounts.index", "GET", "/accounts", 302, 403, 403, 403, 200),
    ("accounts.invite", "POST", "/accounts/invitations", 401, 403, 403, 403, 422),
    ("accounts.renew", "POST", "/accounts/invitations/999/link", 401, 403, 403, 403, 400),
    ("accounts.withdraw", "POST", "/accounts/invitations/999/withdraw", 401, 403, 403, 403, 400),
    ("accounts.show", "GET", "/accounts/1", 302, 403, 403, 403, 200),
    ("accounts.change_role", "POST", "/accounts/999/role", 401, 403, 403, 403, 400),
    ("accounts.switch", "POST", "/accounts/999/active", 401, 403, 403, 403, 400),
    ("accounts.password_link", "POST", "/accounts/999/password-link", 401, 403, 403, 403, 400),
    ("my_account.show", "GET", "/account", 302, 200, 200, 200, 200),
    ("my_account.rename", "POST", "/account/name", 401, 422, 422, 422, 422),
    ("my_account.change_password", "POST", "/account/password", 401, 422, 422, 422, 422),
    ("staff.add", "POST", "/courses/{course}/staff", 401, 403, 404, 400, 400),
    ("staff.remove", "POST", "/courses/{course}/staff/999/remove", 401, 403, 404, 400, 400),
    ("languages.words", "GET", "/words/de.json", 200, 200, 200, 200, 200),
    ("languages.choose", "POST", "/language", 400, 400, 400, 400, 400),
    ("school.where", "GET", "/school", 302, 403, 403, 403, 200),
    ("school.what", "GET", "/school/mode?jurisdiction=uk", 302, 403, 403, 403, 200),
    ("notices.download", "GET", "/school/notices/dpia.md", 302, 403, 403, 403, 200),
    ("school.doors", "GET", "/start", 302, 403, 200, 200, 200),
    ("courses.create", "GET", "/courses/new", 302, 403, 200, 200, 200),
    ("courses.show", "GET", "/courses/{course}", 302, 403, 404, 200, 200),
    ("courses.add_student", "POST", "/courses/{course}/students", 401, 403, 404, 422, 422),
    ("courses.student", "GET", "/courses/{course}/students/{student}", 302, 403, 404, 200, 200),
    ("courses.set_camera", "POST", "/courses/{course}/students/{student}/camera", 401, 403, 404, 422, 422),
    ("courses.record_consent", "POST", "/courses/{course}/students/{student}/consent", 401, 403, 404, 422, 422),
    ("courses.archived", "GET", "/courses/archived", 302, 403, 200, 200, 200),
    ("courses.rename", "POST", "/courses/{course}/rename", 401, 403, 404, 302, 302),
    ("courses.bring_back", "POST", "/courses/{course}/bring-back", 401, 403, 404, 302, 302),
    ("courses.change_student", "POST", "/courses/{course}/students/{student}/details", 401, 403, 404, 422, 422),
    ("courses.archive", "POST", "/courses/{course}/archive", 401, 403, 404, 400, 400),
    ("roster_files.choose", "GET", "/courses/{course}/students/file", 302, 403, 404, 200, 200),
    ("roster_files.look", "POST", "/courses/{course}/students/file", 401, 403, 404, 422, 422),
    ("roster_files.look_at_classes", "POST", "/courses/{course}/students/file/classes", 401, 403, 404, 400, 400),
    ("roster_files.save", "POST", "/courses/{course}/students/file/save", 401, 403, 404, 400, 400),
    ("roster_files.download", "GET", "/courses/{course}/students.csv", 302, 403, 404, 200, 200),
    ("schedule.show", "GET", "/courses/{course}/schedule", 302, 403, 404, 200, 200),
    ("schedule.add", "POST", "/courses/{course}/schedule", 401, 403, 404, 422, 422),
    ("schedule.remove", "POST", "/courses/{course}/schedule/999/remove", 401, 403, 404, 400, 400),
    ("schedule.skip", "POST", "/courses/{course}/schedule/999/skip", 401, 403, 404, 400, 400),
    ("schedule.prolong", "POST", "/courses/{course}/schedule/prolong", 401, 403, 404, 400, 400),
    ("schedule.look", "POST", "/courses/{course}/schedule/file", 401, 403, 404, 422, 422),
    ("schedule.save", "POST", "/courses/{course}/schedule/file/save", 401, 403, 404, 400, 400),
    ("seating.show", "GET", "/courses/{course}/seating", 302, 403, 404, 200, 200),
    ("seating_api.read", "GET", "/api/v1/courses/{course}/seating", 401, 403, 404, 200, 200),
    ("seating_api.change", "POST", "/api/v1/courses/{course}/seating", 401, 403, 404, 400, 400),
    ("sessions.demo", "POST", "/demo", 401, 403, 400, 400, 400),
    ("sessions.start", "POST", "/courses/{course}/sessions", 401, 403, 404, 302, 302),
    ("sessions.show", "GET", "/sessions/{session}", 302, 403, 404, 200, 200),
    ("reports.show", "GET", "/sessions/{session}/report", 302, 403, 404, 200, 200),
    ("reports.download", "GET", "/sessions/{session}/report.csv", 302, 403, 404, 200, 200),
    ("reports.stylesheet", "GET", "/report.css", 200, 200, 200, 200, 200),
    ("calendar.show", "GET", "/calendar", 302, 403, 200, 200, 200),
    ("calendar.issue", "POST", "/calendar", 401, 403, 200, 200, 200),
    ("calendar.revoke", "POST", "/calendar/revoke", 401, 403, 302, 302, 302),
    ("calendar.read", "GET", "/calendar/1.wrong.ics", 404, 404, 404, 404, 404),
    ("openapi.document_json", "GET", "/api/v1/openapi.json", 200, 200, 200, 200, 200),
    ("openapi.page", "GET", "/api/v1/", 200, 200, 200, 200, 200),
    ("api_courses.me", "GET", "/api/v1/me", 401, 403, 200, 200, 200),
    ("api_courses.listed", "GET", "/api/v1/courses", 401, 403, 200, 200, 200),
    ("api_courses.create", "POST", "/api/v1/courses", 401, 403, 400, 400, 400),
    ("api_courses.show", "GET", "/api/v1/courses/{course}", 401, 403, 404, 200, 200),
    ("api_courses.sessions", "GET", "/api/v1/courses/{course}/sessions", 401, 403, 404, 200, 200),
    ("api_courses.add_student", "POST", "/api/v1/courses/{course}/students", 401, 403, 404, 400, 400),
    ("api_courses.consent", "POST", "/api/v1/courses/{course}/students/{student}/consent", 401, 403, 404, 400, 400),
    ("api_courses.archive_student", "POST", "/api/v1/courses/{course}/students/999/archive", 401, 403, 404, 404, 404),
    ("api_courses.archive", "POST", "/api/v1/courses/{course}/archive", 401, 403, 404, 400, 400),
    ("api_courses.report", "GET", "/api/v1/sessions/{session}/report", 401, 403, 404, 200, 200),
    ("api.session", "GET", "/api/v1/sessions/{session}", 401, 403, 404, 200, 200),
    ("api.roster", "GET", "/api/v1/sessions/{session}/roster", 401, 403, 404, 200, 200),
    ("api.samples", "GET", "/api/v1/sessions/{session}/samples?since=0", 401, 403, 404, 200, 200),
    ("api.timeline", "GET", "/api/v1/sessions/{session}/timeline", 401, 403, 404, 200, 200),
    ("api.start", "POST", "/api/v1/courses/{course}/sessions", 401, 403, 404, 400, 400),
    ("api.pause", "POST", "/api/v1/sessions/{session}/pause", 401, 403, 404, 400, 400),
    ("api.add_marker", "POST", "/api/v1/sessions/{session}/markers", 401, 403, 404, 400, 400),
    ("api.calibrate", "POST", "/api/v1/sessions/{session}/calibration", 401, 403, 404, 201, 201),
    ("student_timeline.show", "GET", "/api/v1/sessions/{session}/students/{student}/timeline", 401, 403, 404, 200, 200),
    ("alerts.rules", "GET", "/courses/{course}/alerts", 302, 403, 404, 200, 200),
    ("alerts_api.listed", "GET", "/api/v1/sessions/{session}/alerts", 401, 403, 404, 200, 200),
    ("alerts_api.acknowledge", "POST", "/api/v1/sessions/{session}/alerts/999/acknowledge", 401, 403, 404, 400, 400),
    ("alerts_api.snooze", "POST", "/api/v1/sessions/{session}/alerts/999/snooze", 401, 403, 404, 400, 400),
    (
        "feedback.explanation",
        "GET",
        "/api/v1/sessions/{session}/students/{student}/explanation",
        401,
        403,
        404,
        404,
        404,
    ),
    ("feedback.corrections", "GET", "/api/v1/sessions/{session}/corrections", 401, 403, 404, 200, 200),
    ("feedback.correct", "POST", "/api/v1/sessions/{session}/students/{student}/corrections", 401, 403, 404, 400, 403),
    ("feedback.withdraw", "DELETE", "/api/v1/sessions/{session}/corrections/999", 401, 403, 404, 400, 403),
    ("feedback.check_ins", "GET", "/api/v1/sessions/{session}/check-ins", 401, 404, 403, 403, 403),
    ("feedback.check_in", "POST", "/api/v1/sessions/{session}/check-ins", 401, 404, 403, 403, 403),
    ("meeting.page", "GET", "/sessions/{session}/meeting", 302, 403, 404, 200, 200),
    ("meeting.camera_page", "GET", "/sessions/{session}/classroom-camera", 302, 403, 404, 200, 200),
    ("meeting.set_camera", "POST", "/sessions/{session}/classroom-camera", 401, 403, 404, 302, 302),
    ("meeting_api.read", "GET", "/api/v1/sessions/{session}/shared", 401, 403, 404, 200, 200),
    ("meeting_api.begin", "POST", "/api/v1/sessions/{session}/shared", 401, 403, 404, 400, 400),
    ("meeting_api.name", "POST", "/api/v1/sessions/{session}/shared/999/names", 401, 403, 404, 400, 400),
    ("notifications.index", "GET", "/notifications", 302, 403, 200, 200, 200),
    ("notifications.add", "POST", "/notifications/channels", 401, 403, 422, 422, 422),
    ("notifications.change", "POST", "/notifications/channels/999", 401, 403, 400, 400, 400),
    ("notifications.test", "POST", "/notifications/channels/999/test", 401, 403, 400, 400, 400),
    ("notifications.remove", "POST", "/notifications/channels/999/remove", 401, 403, 400, 400, 400),
    ("notifications.save_clock", "POST", "/notifications/clock", 401, 403, 422, 422, 422),
    ("risk.show", "GET", "/courses/{course}/risk", 302, 403, 404, 200, 200),
    ("risk.decide", "POST", "/courses/{course}/risk/999", 401, 403, 404, 302, 302),
    ("risk.attendance", "GET", "/sessions/{session}/attendance", 302, 403, 404, 200, 200),
    ("risk.attendance", "POST", "/sessions/{session}/attendance", 401, 403, 404, 302, 302),
    ("risk_api.read", "GET", "/api/v1/courses/{course}/risk", 401, 403, 404, 200, 200),
    ("risk_api.decide_json", "POST", "/api/v1/courses/{course}/risk/999/decision", 401, 403, 404, 400, 400),
    ("risk_api.attendance_read", "GET", "/api/v1/sessions/{session}/attendance", 401, 403, 404, 200, 200),
    ("risk_api.attendance_mark", "POST", "/api/v1/sessions/{session}/attendance", 401, 403, 404, 400, 400),
    ("students.show", "GET", "/students/{student}", 302, 404, 404, 200, 200),
    ("students.export", "GET", "/students/{student}/export.zip", 302, 404, 404, 403, 200),
    ("students.erase", "GET", "/students/{student}/erase", 302, 404, 404, 403, 200),
    ("students.erase", "POST", "/students/{student}/erase", 401, 404, 404, 403, 422),
    ("students_api.read", "GET", "/api/v1/students/{student}", 401, 404, 404, 200, 200),
    ("students_api.export_file", "GET", "/api/v1/students/{student}/export", 401, 404, 404, 403, 200),
    ("students_api.remove", "DELETE", "/api/v1/students/{student}", 401, 404, 404, 403, 400),
    ("try_it.menu", "GET", "/try", 302, 403, 200, 200, 200),
    ("try_it.ask", "GET", "/try/image/ask", 302, 403, 200, 200, 200),
    ("try_it.ask", "POST", "/try/image/ask", 401, 403, 302, 302, 302),
    ("try_it.image", "GET", "/try/image", 302, 403, 302, 302, 302),
    ("try_it.live", "GET", "/try/live", 302, 403, 302, 302, 302),
    ("try_looks.look", "POST", "/try/look", 401, 403, 403, 403, 403),
    ("try_looks.drawn", "POST", "/try/drawn", 401, 403, 400, 400, 400),
    ("supported.show", "GET", "/supported", 200, 200, 200, 200, 200),
    ("supported.trust", "GET", "/trust", 404, 404, 404, 404, 404),
    ("supported.certificate", "GET", "/trust/engage-ca.crt", 404, 404, 404, 404, 404),
    ("join.enter", "GET", "/join", 200, 200, 200, 200, 200),
    ("join.pin", "GET", "/join/class/wrong", 404, 404, 404, 404, 404),
    ("join.link", "GET", "/join/me/wrong", 404, 404, 404, 404, 404),
    ("join.show", "GET", "/join/now", 302, 302, 302, 302, 302),  # no account opens it: tests/dashboard/test_join.py
    ("join.answer", "POST", "/join/answer", 401, 401, 401, 401, 401),
    ("join.take_over", "POST", "/join/take-over", 401, 401, 401, 401, 401),
    ("join.stop", "POST", "/join/stop", 401, 401, 401, 401, 401),
    ("join_api.state", "GET", "/join/api/state", 401, 401, 401, 401, 401),
    ("join_api.ticket", "POST", "/join/api/ticket", 401, 401, 401, 401, 401),
    ("join_api.pause", "POST", "/join/api/pause", 401, 401, 401, 401, 401),
    ("join_api.check_in", "POST", "/join/api/check-ins", 401, 401, 401, 401, 401),
    ("join_api.look", "POST", "/join/api/look", 401, 401, 401, 401, 401),
    ("join_staff.code", "GET", "/sessions/{session}/join.svg", 302, 403, 404, 200, 200),
    ("join_staff.keys", "GET", "/courses/{course}/join", 302, 403, 404, 200, 200),
    ("join_staff.make", "POST", "/courses/{course}/join", 401, 403, 404, 200, 200),
    ("join_staff.revoke", "POST", "/courses/{course}/join/revoke", 401, 403, 404, 302, 302),
    ("vendor.library", "GET", "/vendor/unknown.js", 404, 404, 404, 404, 404),
    ("metrics.show", "GET", "/metrics", 200, 200, 200, 200, 200),  # from this machine
    ("health.alive", "GET", "/healthz", 200, 200, 200, 200, 200),
    ("static", "GET", "/static/css/base.css", 200, 200, 200, 200, 200),
    ("health.ready", "GET", "/readyz", None, None, None, None, None),  # 503 where the libraries are not installed
    ("sessions.stop", "POST", "/sessions/{session}/stop", 401, 403, 404, 302, 302),
    ("api.stop", "POST", "/api/v1/sessions/{session}/stop", 401, 403, 404, 200, 200),
    ("courses.remove_student", "POST", "/courses/{course}/students/{student}/remove", 401, 403, 404, 302, 302),
    ("courses.bring_back_student", "POST", "/courses/{course}/students/{student}/bring-back", 401, 403, 404, 302, 302),
    ("people.sign_out", "POST", "/sign-out", 401, 302, 302, 302, 302),
    ("my_account.sign_out_everywhere", "POST", "/account/sign-out-everywhere", 401, 401, 401, 401, 401),
]
WHO = (None, "student", "colleague", "teacher", "admin")
EVENTS = {"connect", "watch", "share", "follow_shared"}


def test_every_route_is_in_the_table(app: Flask) -> None:
    listed = {(endpoint, method) for endpoint, method, *_ in TABLE}
    posts = {("join.enter", "POST"), ("join.pin", "POST"),
             ("people.sign_in", "POST"), ("people.setup", "POST"), ("school.where", "POST"), ("school.what", "POST"),
             ("courses.create", "POST"), ("alerts.rules", "POST"), ("invitations.welcome", "POST"),
             ("invitations.forgotten", "POST"), ("invitations.reset", "POST")}  # fmt: skip
    # the same rule as their GET; tested where forms are
    routes = {
        (rule.endpoint, method) for rule in app.url_map.iter_rules() for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    assert routes == listed | posts


def test_every_event_is_in_the_table(app: Flask) -> None:
    handlers = app.extensions["socketio"].server.handlers["/"]
    assert set(handlers) - {"disconnect"} == EVENTS
    joiners = app.extensions["socketio"].server.handlers["/join"]
    assert set(joiners) - {"disconnect"} == {"connect", "frame"}


def test_every_view_names_its_rule(app: Flask) -> None:
    from dashboard.access import rule_of

    with app.app_context():
        assert [name for name in app.view_functions if rule_of(name) is None] == []


@pytest.mark.parametrize("who", WHO)
def test_role_by_route(who: str | None, school: Any, browser: Any, call: Any) -> None:
    client = browser(who)
    wrong = {}
    for endpoint, method, address, *answers in TABLE:
        expected = answers[WHO.index(who)]
        path = address.format(course=school.course, session=school.session, student=school.student)
        answer = client.get(path) if method == "GET" else call(client, path, {}, method)
        if expected is not None and answer.status_code != expected:
            wrong[endpoint] = (answer.status_code, expected)
        answer.close()
    assert wrong == {}


def test_a_view_without_a_rule_is_refused(app: Flask, school: Any, browser: Any) -> None:
    app.add_url_rule("/forgotten", "forgotten", lambda: "open")
    assert browser("admin").get("/forgotten").status_code == 403


def test_an_account_that_is_switched_off_is_signed_out(app: Flask, school: Any, browser: Any, database: Any) -> None:
    from sqlalchemy import text

    client = browser("teacher")
    assert client.get("/courses/new").status_code == 200
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE users SET active = 0 WHERE id = :id"), {"id": school.teacher})
    assert client.get("/courses/new").status_code == 302


class TestSockets:
    """Connecting and watching."""

    @pytest.mark.parametrize(("who", "connects"), [(None, False), ("student", False), ("teacher", True)])
    def test_connect(self, app: Flask, school: Any, browser: Any, who: str | None, connects: bool) -> None:
        socket = app.extensions["socketio"].test_client(app, flask_test_client=browser(who))
        assert socket.is_connected() is connects

    @pytest.mark.parametrize(("who", "joins"), [("colleague", False), ("teacher", True), ("admin", True)])
    def test_watch(self, app: Flask, school: Any, browser: Any, who: str, joins: bool) -> None:
        socket = app.extensions["socketio"].test_client(app, flask_test_client=browser(who))
        assert socket.emit("watch", {"session": school.session}, callback=True)["ok"] is joins

    @pytest.mark.parametrize("message", [None, {}, {"session": "1"}, {"session": True}, [1], {"session": 999}])
    def test_a_strange_watch_is_refused(self, app: Flask, school: Any, browser: Any, message: object) -> None:
        socket = app.extensions["socketio"].test_client(app, flask_test_client=browser("teacher"))
        assert socket.emit("watch", message, callback=True)["ok"] is False
        assert socket.is_connected()

    @pytest.mark.parametrize(("origin", "status"), [("http://localhost", 200), ("https://elsewhere.example", 400)])
    def test_other_sites_cannot_open_a_socket(self, browser: Any, school: Any, origin: str, status: int) -> None:
        path = "/socket.io/?EIO=4&transport=polling"
        assert browser("teacher").get(path, headers={"Origin": origin}).status_code == status

    def test_signing_out_closes_the_sockets(self, app: Flask, school: Any, browser: Any, send: Any) -> None:
        client = browser("teacher")
        socket = app.extensions["socketio"].test_client(app, flask_test_client=client)
        send(client, "/sign-out")
        assert not socket.is_connected()

"""Signing in, the first account, headers, tokens and limits."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from dashboard.access import local_path
from dashboard.security import secret_key
from engage.errors import StorageError
from engage.storage.accounts import Accounts
from engage.storage.database import Database


def test_before_the_first_account_every_way_leads_to_the_terminal(browser: Any) -> None:
    page = browser(None).get("/")
    assert page.status_code == 200
    assert "terminal" in page.text


def test_the_link_makes_one_administrator_once(database: Database, browser: Any, send: Any) -> None:
    token = Accounts(database).issue_setup_token(60)
    form = {"name": "Ada", "email": "Ada@School.example", "password": "long enough words", "again": "long enough words"}
    first, second = browser(None), browser(None)
    assert send(first, f"/setup/{token}", **form).location == "/school"
    assert first.get("/school").status_code == 200
    again = send(second, f"/setup/{token}", **{**form, "email": "eve@school.example"})
    assert again.status_code == 410
    assert Accounts(database).count_users() == 1
    user = Accounts(database).user_by_email("ada@school.example")
    assert user is not None
    assert (Accounts(database).password_hash(user.id) or "").startswith("$argon2id$")


@pytest.mark.parametrize(
    "change",
    [{"password": "short", "again": "short"}, {"again": "another one here"}, {"email": "nobody"}, {"name": " "}],
)
def test_a_poor_form_makes_nobody_and_spends_nothing(
    database: Database, browser: Any, send: Any, change: dict[str, str]
) -> None:
    token = Accounts(database).issue_setup_token(60)
    form = {"name": "Ada", "email": "ada@school.example", "password": "long enough words", "again": "long enough words"}
    answer = send(browser(None), f"/setup/{token}", **{**form, **change})
    assert answer.status_code == 422
    assert "aria-invalid" in answer.text
    assert Accounts(database).count_users() == 0
    assert Accounts(database).setup_token_valid(token)


def test_a_database_that_is_away_is_said_on_a_page_that_needs_none(
    school: Any, browser: Any, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = browser("teacher")

    def away(*_: object) -> Any:
        raise StorageError("The database cannot be reached.")

    monkeypatch.setattr(database.engine, "connect", away)
    answer = client.get("/")
    assert answer.status_code == 503
    assert "The database cannot be reached. Nothing was changed" in answer.text


def test_wrong_password_and_unknown_address_answer_alike(school: Any, browser: Any, send: Any) -> None:
    client = browser(None)
    wrong = send(client, "/sign-in", email="teacher@school.example", password="no")
    unknown = send(client, "/sign-in", email="nobody@school.example", password="no")
    assert wrong.status_code == unknown.status_code == 401
    assert "do not belong together" in wrong.text
    assert wrong.text.replace("teacher@", "nobody@").count("error") == unknown.text.count("error")


def test_sign_in_is_limited(school: Any, browser: Any, send: Any) -> None:
    client = browser(None)
    tried = [f"{name}@school.example" for name in "abcdefghijkl"]  # each once: the account's own limit is another
    answers = [send(client, "/sign-in", email=email, password="no").status_code for email in tried]
    assert answers[0] == 401
    assert answers[-1] == 429


@pytest.mark.parametrize("path", ["/", "/sign-in", "/healthz", "/none", "/static/css/base.css", "/api/v1/sessions/1"])
def test_every_answer_carries_the_headers(browser: Any, path: str) -> None:
    with browser(None).get(path) as answer:
        policy = answer.headers["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert "script-src 'self'" in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "same-origin"


def test_no_page_has_inline_script_or_style() -> None:
    templates = (Path(__file__).parents[2] / "dashboard" / "templates").glob("*.html")
    for template in templates:
        text = template.read_text("utf-8").lower()
        assert "style=" not in text, template.name
        assert "<style" not in text, template.name
        assert " onclick" not in text, template.name
        assert all("src=" in tag.split(">")[0] for tag in text.split("<script")[1:]), template.name


def test_cookies_are_closed_to_scripts_and_other_sites(school: Any, browser: Any) -> None:
    client = browser("teacher")
    cookie = client.get_cookie("engage")
    assert cookie.http_only
    assert cookie.same_site == "Lax"


def test_pages_prolong_the_session_and_the_api_leaves_its_cookie_alone(school: Any, browser: Any) -> None:
    teacher = browser("teacher")
    assert "Set-Cookie" in teacher.get("/").headers
    answer = teacher.get("/api/v1/me")
    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers


def test_forms_and_api_need_the_token(school: Any, browser: Any) -> None:
    client = browser("teacher")
    assert client.post("/courses/new", data={"title": "Maths"}).status_code == 400
    assert client.post(f"/api/v1/sessions/{school.session}/stop", json={}).status_code == 400
    assert school.queries.session(school.session).ended_at is None


def test_signing_in_leads_only_to_this_server(school: Any, browser: Any, send: Any) -> None:
    form = {"email": "teacher@school.example", "password": "a quiet morning"}
    assert (
        send(browser(None), f"/sign-in?next=/courses/{school.course}", **form).location == f"/courses/{school.course}"
    )
    assert send(browser(None), "/sign-in?next=https://elsewhere.example/", **form).location == "/"


@pytest.mark.parametrize("target", ["//evil.example", "/\\evil.example", "https://evil.example", "evil", "", None])
def test_other_servers_are_no_local_path(target: str | None) -> None:
    assert local_path(target) is None


def test_the_key_is_made_once_and_closed_to_others(tmp_path: Path) -> None:
    file = tmp_path / "var" / "secret.key"
    key = secret_key(file)
    assert secret_key(file) == key
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(file.parent.iterdir()) == [file]
    file.write_bytes(b"short")
    with pytest.raises(StorageError, match="damaged"):
        secret_key(file)


def test_errors_are_one_line_in_the_api_and_a_page_elsewhere(app: Flask, browser: Any) -> None:
    assert browser(None).get("/api/v1/sessions/1").json == {"error": "You need to sign in for this."}
    assert "no such page" in browser(None).get("/nowhere").text

"""Which language a request gets, and its words in pages, scripts, dates and numbers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask

from dashboard import create_app
from dashboard.languages import LANGUAGES, catalogue, clock_time, day, number, script_words, translations


def language_of(client: Any, path: str = "/sign-in", **headers: str) -> str:
    page = client.get(path, headers=headers, follow_redirects=True).text
    return page.split('<html lang="')[1].split('"')[0]


def test_english_where_nothing_is_said(browser: Any, school: Any) -> None:
    assert language_of(browser(None)) == "en"


@pytest.mark.parametrize(
    ("header", "language"),
    [("de", "de"), ("de-AT,de;q=0.9,en;q=0.5", "de"), ("fr, en;q=0.4", "en"), ("fr", "en"), ("*", "en")],
)
def test_the_browser_may_ask(browser: Any, school: Any, header: str, language: str) -> None:
    assert language_of(browser(None), **{"Accept-Language": header}) == language


def test_the_address_beats_the_browser_and_is_remembered(browser: Any, school: Any) -> None:
    client = browser(None)
    assert language_of(client, "/sign-in?lang=de", **{"Accept-Language": "en"}) == "de"
    assert language_of(client, **{"Accept-Language": "en"}) == "de"
    assert language_of(client, "/sign-in?lang=xx") == "de"


def test_the_accounts_choice_follows_it_to_another_browser(browser: Any, school: Any, send: Any) -> None:
    first = browser("teacher")
    answer = send(first, "/language", language="de", next="/courses/new")
    assert (answer.status_code, answer.location) == (302, "/courses/new")
    other = browser("teacher")
    assert language_of(other, "/courses/new?lang=en", **{"Accept-Language": "en"}) == "de"
    assert language_of(browser("colleague"), "/courses/new") == "en"
    send(other, "/language", language="en")
    assert language_of(first, "/courses/new") == "en"


def test_the_school_may_name_a_language(settings: Any, database: Any) -> None:
    german = settings.model_copy(update={"school": settings.school.model_copy(update={"language": "de"})})
    client = create_app(german, database).test_client()
    assert language_of(client, "/") == "de"
    assert language_of(client, "/", **{"Accept-Language": "en-GB"}) == "en"


@pytest.mark.parametrize("target", ["https://elsewhere.example/", "//elsewhere.example", "/\\elsewhere.example"])
def test_a_choice_leads_nowhere_else(browser: Any, school: Any, send: Any, target: str) -> None:
    assert send(browser(None), "/language", language="de", next=target).location == "/"


def test_an_unknown_language_is_refused_in_one_line(browser: Any, school: Any, send: Any) -> None:
    answer = send(browser(None), "/language", language="klingon")
    assert answer.status_code == 400
    assert "no language" in answer.text


def test_the_way_back_keeps_the_query_and_drops_the_language(browser: Any, school: Any) -> None:
    page = browser(None).get("/sign-in?next=/courses/new&lang=de&_external=1").text
    assert 'name="next" value="/sign-in?next=%2Fcourses%2Fnew&amp;_external=1"' in page


def test_scripts_get_their_words_and_are_asked_whether_they_have_them(browser: Any) -> None:
    client = browser(None)
    first = client.get("/words/de.json")
    assert first.status_code == 200
    assert first.json == script_words("de")
    assert first.headers["Cache-Control"] == "no-cache"
    again = client.get("/words/de.json", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert client.get("/words/xx.json").status_code == 404
    assert client.get("/words/en.json").json == {}


def test_only_other_languages_fetch_words(browser: Any, school: Any) -> None:
    client = browser(None)
    assert "data-words" not in client.get("/sign-in").text
    assert 'data-words="/words/de.json"' in client.get("/sign-in?lang=de").text


def test_dates_and_numbers_follow_the_language_and_the_schools_zone(settings: Any, database: Any) -> None:
    london = settings.model_copy(update={"school": settings.school.model_copy(update={"time_zone": "Europe/London"})})
    app: Flask = create_app(london, database)
    moment = datetime(2026, 7, 3, 23, 30, tzinfo=UTC)
    for language, shown in [("en", ("00:30", "4 Jul 2026", "6.5")), ("de", ("00:30", "4. Juli 2026", "6,5"))]:
        with app.test_request_context(f"/?lang={language}"):
            assert (clock_time(moment), day(moment), number(6.5)) == shown
            assert number(6.5, 0) in ("6", "7")


def test_every_language_has_a_catalogue_with_its_plurals() -> None:
    for code in LANGUAGES:
        assert catalogue(code).num_plurals == 2
        assert translations(code).ngettext("%(n)s thing", "%(n)s things", 1) == "%(n)s thing"

"""The languages of the pages: which one a request gets, its words for Python, templates and scripts, dates and numbers.

English is written in the sources; every other language is a ``.po`` file in ``translations``, read into memory when it
is first needed. So there is nothing to compile, and nothing compiled that could be out of date.
"""

from __future__ import annotations

import json
from datetime import date, datetime
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from babel import Locale, dates, numbers
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import Blueprint, Flask, Response, abort, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import Babel, Domain, get_locale
from flask_login import current_user

from dashboard.access import Access, allow, local_path
from dashboard.services import services
from dashboard.spoken import said
from engage.errors import StorageError
from engage.reports.language import Language
from engage.storage.languages import Languages

blueprint = Blueprint("languages", __name__)

SOURCE = "en"
LANGUAGES = {SOURCE: "English", "de": "Deutsch"}
"""Each by its own name, as its speakers look for it."""
FOLDER = Path(__file__).with_name("translations")
COOKIE = "engage_language"
COOKIE_S = 365 * 24 * 3600
FORMATS = {SOURCE: "en_GB"}
"""Where numbers and dates follow a country: day before month, which every reader of English understands."""


class _Catalogues(Domain):  # type: ignore[misc] # Flask-Babel publishes no types
    """Flask-Babel's words, taken from the ``.po`` files."""

    def get_translations(self) -> NullTranslations:
        """Return the words of the language of this request; of no request, those of the sources."""
        return translations(str(get_locale() or SOURCE))


def attach(app: Flask) -> None:
    """Give the application its languages: ``_`` in templates, the locale of each request, filters, the chooser."""
    babel = Babel(app, locale_selector=chosen)
    babel.domain_instance = _Catalogues()
    app.register_blueprint(blueprint)
    app.after_request(_remember)
    app.add_template_filter(clock_time, "clock")
    app.add_template_filter(day, "day")
    app.add_template_filter(number, "number")
    app.add_template_global(said, "said")
    app.context_processor(_page_words)


def chosen() -> str:
    """Return the request's language: the account's, else the one asked for, else the browser's, else the school's.

    Asked for is ``?lang=de``, or the choice that an earlier page left in a cookie.
    """
    for asked in (_of_account(), request.args.get("lang"), request.cookies.get(COOKIE)):
        if asked in LANGUAGES:
            return asked
    school = services().settings.school.language
    return request.accept_languages.best_match([school, *LANGUAGES]) or school


def _of_account() -> str | None:
    """Return what the signed-in account chose; without the database, which the page is about to say, None."""
    try:
        return Languages(services().database).of(current_user.record.id) if current_user.is_authenticated else None
    except StorageError:
        return None


@cache
def catalogue(code: str) -> Catalog:
    """Return a language's messages as they stand in its file; of English there are none."""
    if code == SOURCE:
        return Catalog(locale=code)
    with (FOLDER / code / "LC_MESSAGES" / "messages.po").open("rb") as stream:
        return read_po(stream, locale=code)


@cache
def translations(code: str) -> NullTranslations:
    """Return a language's words as gettext serves them."""
    if code == SOURCE:
        return NullTranslations()
    compiled = BytesIO()
    write_mo(compiled, catalogue(code))
    compiled.seek(0)
    return Translations(compiled)


@cache
def written_in(code: str) -> Language:
    """Return a language as reports are written in."""
    return Language(code, FORMATS.get(code, code), translations(code))


def of_reader() -> Language:
    """Return the language of this request, for a report that it shows or sends."""
    return written_in(str(get_locale() or SOURCE))


@cache
def script_words(code: str) -> dict[str, str | dict[str, str]]:
    """Return what scripts write, and what the API says, by its English: a text, or one for each plural category."""
    found: dict[str, str | dict[str, str]] = {}
    for message in catalogue(code):
        if not message.id or not any(place.endswith((".js", "/spoken.py")) for place, _ in message.locations):
            continue
        if isinstance(message.string, str) and message.string:
            found[str(message.id)] = message.string
        elif isinstance(message.string, tuple) and all(message.string):
            found[message.id[0]] = _by_category(code, message.string)
    return found


def _by_category(code: str, forms: tuple[str, ...]) -> dict[str, str]:
    """Return plural forms, numbered in the file, by CLDR's names: small counts show which number is which name."""
    category, words = Locale.parse(code).plural_form, translations(code)
    index: Any = words.plural
    return {category(n): forms[index(n)] for n in range(201)}


@blueprint.get("/words/<code>.json")
@allow(Access.PUBLIC)
def words(code: str) -> ResponseReturnValue:
    """Send the words of the scripts; browsers ask each time whether they changed."""
    if code not in LANGUAGES:
        abort(404)
    body = json.dumps(script_words(code), ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    response = Response(body, mimetype="application/json", headers={"Cache-Control": "no-cache"})
    response.add_etag()
    return response.make_conditional(request)


@blueprint.post("/language")
@allow(Access.PUBLIC)
def choose() -> ResponseReturnValue:
    """Take a choice: for the account of who is signed in, else for this browser; then back to the page."""
    code = request.form.get("language", "")
    if code not in LANGUAGES:
        abort(400, f"There is no language '{code[:20]}' here; choose one of {', '.join(LANGUAGES)}.")
    if current_user.is_authenticated:
        Languages(services().database, services().clock).choose(current_user.record.id, code)
    response = redirect(local_path(request.form.get("next")) or url_for("home.index"))
    _set_cookie(response, code)  # type: ignore[arg-type] # Werkzeug's response has the same cookies
    return response


def clock_time(moment: datetime) -> str:
    """Return a time of day in the school's zone, such as 10:14."""
    return f"{_local(moment):%H:%M}"


def day(moment: datetime) -> str:
    """Return a day in the school's zone, such as 3 Mar 2026."""
    return dates.format_skeleton("yMMMd", _local(moment), locale=_formats())


def weekday(day: date) -> str:
    """Return a day with its name, such as Mon, 23 Nov 2026."""
    return dates.format_skeleton("yMMMEd", day, locale=_formats())


def number(value: float, digits: int = 1) -> str:
    """Return a number with so many decimals, by the language's decimal sign."""
    return numbers.format_decimal(value, format=f"0.{'0' * digits}" if digits else "0", locale=_formats())


def _local(moment: datetime) -> datetime:
    return moment.astimezone(services().settings.zone)


def _formats() -> str:
    code = str(get_locale() or SOURCE)
    return FORMATS.get(code, code)


def _remember(response: Response) -> Response:
    asked = request.args.get("lang")
    if asked in LANGUAGES and request.cookies.get(COOKIE) != asked:
        _set_cookie(response, asked)
    return response


def _set_cookie(response: Response, code: str) -> None:
    secure = services().settings.web.https
    response.set_cookie(COOKIE, code, max_age=COOKIE_S, secure=secure, httponly=True, samesite="Lax")


def _page_words() -> dict[str, Any]:
    locale = get_locale() or Locale(SOURCE)
    return {"locale": locale, "languages": LANGUAGES, "source_language": SOURCE, "this_page": _this_page}


def _this_page() -> str:
    """Return this page's address without ``lang``, for the way back after a choice; of a form, the front page."""
    if request.method != "GET" or request.endpoint is None:
        return url_for("home.index")
    query = urlencode([(name, value) for name, value in request.args.items(multi=True) if name != "lang"])
    return f"{request.script_root}{request.path}{'?' if query else ''}{query}"

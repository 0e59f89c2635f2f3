"""Signing in by another service, against a real one on the loopback interface."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from dashboard import create_app
from dashboard.oidc import verified_address
from engage.config import Settings, load
from engage.errors import SettingsError
from engage.sign_in_settings import GOOGLE, OidcProvider
from engage.storage.database import Database
from engage.storage.invitations import Invitations, NewInvitation
from engage.storage.records import Role
from tests.dashboard.oidc_provider import CLIENT_ID, CLIENT_SECRET, Provider, running

BASE = "http://localhost:8000"


@pytest.fixture
def provider() -> Iterator[Provider]:
    with running() as provider:
        yield provider


@pytest.fixture
def app(settings: Settings, database: Database, provider: Provider) -> Flask:
    """Return the application with one service, called My School."""
    service = {
        "name": "My School", "issuer": provider.issuer, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET,
        "allowed_domains": ["school.example"],
    }  # fmt: skip
    sign_in = settings.sign_in.model_validate({"oidc": [service]})
    return create_app(settings.model_copy(update={"sign_in": sign_in}), database)


class NoFollowing(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def at_service(address: str) -> str:
    """Return where the service sends the browser back to."""
    opener = urllib.request.build_opener(NoFollowing, urllib.request.ProxyHandler({}))
    try:
        opener.open(address, timeout=20)
    except urllib.error.HTTPError as answer:
        with answer:
            assert answer.code == 302, answer.code
            return str(answer.headers["Location"])
    raise AssertionError("the service did not send the browser back")


def leave(client: FlaskClient, query: str = "") -> str:
    """Return where the browser is sent back to after it went to the service."""
    answer = client.get(f"/sign-in/with/my-school{query}")
    assert answer.status_code == 302, answer.text
    back = at_service(answer.location)
    assert back.startswith(f"{BASE}/sign-in/with/my-school/callback?")
    return back.removeprefix(BASE)


def sign_in(client: FlaskClient, query: str = "") -> TestResponse:
    return client.get(leave(client, query))


def refused(client: FlaskClient, answer: TestResponse) -> str:
    """Return what the sign-in page says to somebody who was not let in."""
    assert answer.location == "/sign-in"
    assert client.get("/account").status_code == 302
    return client.get("/sign-in").text


def test_an_account_is_opened_by_its_verified_address(app: Flask, school: Any, provider: Provider) -> None:
    client = app.test_client()
    assert "Sign in with My School" in client.get("/sign-in").text
    assert sign_in(client, f"?next=/courses/{school.course}").location == f"/courses/{school.course}"
    assert "teacher@school.example" in client.get("/account").text
    assert provider.asked[0]["nonce"] and provider.asked[0]["code_challenge"]
    provider.claims = {"email": "renamed@elsewhere.example", "email_verified": False}
    assert sign_in(app.test_client()).location == "/", "known by its subject from now on"


def test_strangers_get_no_account_and_the_invited_one_does(
    app: Flask, school: Any, provider: Provider, database: Database
) -> None:
    provider.claims = {"email": "ada@school.example", "name": "Ada Lovelace"}
    client, before = app.test_client(), school.accounts.count_users()
    assert "Ask to be invited" in refused(client, sign_in(client))
    assert school.accounts.count_users() == before
    Invitations(database).invite(NewInvitation("ada@school.example", Role.TEACHER), school.admin, mail=False)
    assert sign_in(client).location == "/"
    made = school.accounts.user_by_email("ada@school.example")
    assert (made.name, made.role) == ("Ada Lovelace", Role.TEACHER)


@pytest.mark.parametrize(
    "claims",
    [{"email_verified": False}, {"email_verified": None}, {"email": None}, {"email": "teacher@elsewhere.example"}],
)
def test_an_address_that_is_not_vouched_for_opens_nothing(
    app: Flask, school: Any, provider: Provider, claims: dict[str, Any]
) -> None:
    provider.claims, client = claims, app.test_client()
    assert "no account here" in refused(client, sign_in(client))


@pytest.mark.parametrize(
    "wrong",
    [{"claims": {"nonce": "another"}}, {"claims": {"iss": "https://evil.example"}}, {"claims": {"aud": "another"}},
     {"claims": {"aud": "another", "azp": CLIENT_ID}}, {"claims": {"exp": 1}}, {"claims": {"sub": None}},
     {"signed_with": "none"}, {"signed_with": "HS256"}, {"foreign_key": True}, {"without_id_token": True},
     {"denies": True}],
    ids=str,
)  # fmt: skip
def test_a_token_that_is_not_for_us_is_refused(
    app: Flask, school: Any, provider: Provider, wrong: dict[str, Any]
) -> None:
    for name, value in wrong.items():
        setattr(provider, name, value)
    client = app.test_client()
    assert "did not work" in refused(client, sign_in(client))


def test_an_answer_opens_only_the_browser_that_asked_and_once(app: Flask, school: Any, provider: Provider) -> None:
    asker, victim = app.test_client(), app.test_client()
    back = leave(asker)
    assert "did not work" in refused(victim, victim.get(back)), "login CSRF: the state is another browser's"
    assert asker.get(back).location == "/"
    again = app.test_client()
    leave(again)
    assert "did not work" in refused(again, again.get(back))
    assert "did not work" in refused(victim, victim.get("/sign-in/with/my-school/callback"))


def test_another_issuers_discovery_document_is_refused(app: Flask, school: Any, provider: Provider) -> None:
    provider.named_issuer, client = "https://evil.example", app.test_client()
    assert "did not work" in refused(client, client.get("/sign-in/with/my-school"))
    provider.named_issuer = None
    assert sign_in(client).location == "/", "and read again once it is right"


def test_an_account_that_is_switched_off_stays_out(app: Flask, school: Any, provider: Provider) -> None:
    sign_in(app.test_client())
    school.accounts.set_active(school.teacher, False, school.admin)
    client = app.test_client()
    assert "no account here" in refused(client, sign_in(client))


def test_claims_may_come_from_the_user_info(app: Flask, school: Any, provider: Provider) -> None:
    provider.claims = {"email": None, "email_verified": None}
    provider.userinfo = {"sub": "another", "email": "teacher@school.example", "email_verified": True}
    client = app.test_client()
    assert "did not work" in refused(client, sign_in(client))
    provider.userinfo["sub"] = "subject-1"
    assert sign_in(client).location == "/"


def test_nothing_planted_survives_and_no_other_server_is_led_to(app: Flask, school: Any, provider: Provider) -> None:
    client = app.test_client()
    back = leave(client, "?next=https://evil.example/")
    with client.session_transaction() as session:
        session["planted"] = "yes"
    assert client.get(back).location == "/"
    with client.session_transaction() as session:
        assert "planted" not in session and not [key for key in session if key.startswith("_state_")]


def test_the_redirect_address_is_not_taken_from_the_host(app: Flask, school: Any, provider: Provider) -> None:
    leave(app.test_client())
    redirect = urlsplit(provider.asked[-1]["redirect_uri"])
    assert f"{redirect.scheme}://{redirect.netloc}" == BASE


class TestVerifiedAddress:
    """Pitfalls of services as they are."""

    @staticmethod
    def service(issuer: str, **more: Any) -> OidcProvider:
        return OidcProvider.model_validate(
            {"name": "S", "issuer": issuer, "client_id": "c", "client_secret": "s", **more}
        )

    def test_google_answers_for_its_own_mail_and_hosted_domains_only(self) -> None:
        google = self.service(GOOGLE)
        said = {"email_verified": True}
        assert verified_address(google, {**said, "email": "a@gmail.com"}) == "a@gmail.com"
        assert verified_address(google, {**said, "email": "a@school.org", "hd": "school.org"}) == "a@school.org"
        assert verified_address(google, {**said, "email": "a@school.org"}) is None
        assert verified_address(google, {**said, "email": "a@school.org", "hd": "other.org"}) is None

    def test_a_microsoft_tenants_address_counts_where_its_domain_is_verified_or_a_setting_says_so(self) -> None:
        issuer = "https://login.microsoftonline.com/0f4c0000-0000-0000-0000-000000000000/v2.0"
        assert verified_address(self.service(issuer), {"email": "a@school.org"}) is None
        assert verified_address(self.service(issuer), {"email": "a@school.org", "xms_edov": True}) == "a@school.org"
        assert verified_address(self.service(issuer, addresses_verified=True), {"email": "a@school.org"}) is not None

    @pytest.mark.parametrize("email", [None, 7, "", "nobody", "a@b@school.org"])
    def test_what_is_no_address_is_none(self, email: object) -> None:
        assert verified_address(self.service("https://s.example"), {"email": email, "email_verified": True}) is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"issuer": "https://login.microsoftonline.com/common/v2.0"}, "your own tenant"),
        ({"issuer": "http://issuer.example"}, "https://"),
        ({"issuer": "issuer"}, "issuer's address"),
        ({"allowed_domains": ["@school.org"]}, "domains"),
        ({"name": "a/b"}, "pattern"),
    ],
)
def test_settings_that_would_let_strangers_in_are_refused(change: dict[str, Any], words: str) -> None:
    service = {"name": "S", "issuer": "https://s.example", "client_id": "c", "client_secret": "hush", **change}
    with pytest.raises(SettingsError, match=words) as caught:
        load(flags={"sign_in": {"oidc": [service]}}, environment={})
    assert "hush" not in str(caught.value)

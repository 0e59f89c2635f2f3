"""Accounts and the one-time token."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from engage.errors import RequestError
from engage.storage.accounts import Accounts
from engage.storage.database import Database
from engage.storage.records import Role, UserRecord

if TYPE_CHECKING:
    from tests.databases import SetClock


@pytest.fixture
def accounts(database: Database, clock: SetClock) -> Accounts:
    return Accounts(database, clock)


def test_an_account_is_found_by_its_address_in_any_case(accounts: Accounts) -> None:
    made = accounts.create_user(" Ann.Lee@Example.ORG ", " Ann ", "hash", Role.TEACHER)
    assert made == UserRecord(made.id, "ann.lee@example.org", "Ann", Role.TEACHER, None, True)
    assert accounts.user_by_email("ANN.LEE@example.org") == made == accounts.user(made.id)
    assert accounts.password_hash(made.id) == "hash"
    assert accounts.count_users() == 1
    assert "hash" not in repr(made)


def test_who_is_not_there_is_none(accounts: Accounts) -> None:
    assert accounts.user(7) is None
    assert accounts.user_by_email("nobody@example.org") is None
    assert accounts.password_hash(7) is None
    for text in ("", "\x00@example.org", "\ud800", "a@" + "b" * 1000):
        assert accounts.user_by_email(text) is None
        assert not accounts.setup_token_valid(text)


@pytest.mark.parametrize("email", ["ann@example.org", "ANN@EXAMPLE.ORG"])
def test_an_address_is_given_once(accounts: Accounts, email: str) -> None:
    accounts.create_user("ann@example.org", "Ann", "hash", Role.TEACHER)
    with pytest.raises(RequestError, match="already"):
        accounts.create_user(email, "Another", "hash", Role.TEACHER)
    assert accounts.count_users() == 1


def test_what_cannot_be_an_account_is_refused(accounts: Accounts) -> None:
    for email in ("", "ann", "@example.org", "ann@", "a b@example.org", "a@" + "b" * 400):
        with pytest.raises(RequestError):
            accounts.create_user(email, "Ann", "hash", Role.TEACHER)
    for name in ("  ", "x" * 201, "A\x00nn", "\ud800"):
        with pytest.raises(RequestError):
            accounts.create_user("ann@example.org", name, "hash", Role.TEACHER)
    assert accounts.count_users() == 0


def test_a_token_makes_one_administrator(accounts: Accounts) -> None:
    token = accounts.issue_setup_token(60.0)
    assert accounts.setup_token_valid(token)
    admin = accounts.redeem_setup_token(token, "admin@example.org", "Admin", "hash")
    assert admin.role is Role.ADMIN
    assert not accounts.setup_token_valid(token)
    with pytest.raises(RequestError, match="used or has expired"):
        accounts.redeem_setup_token(token, "second@example.org", "Second", "hash")
    assert accounts.count_users() == 1


def test_a_token_sent_twice_at_once_makes_one_administrator(accounts: Accounts) -> None:
    token = accounts.issue_setup_token(60.0)
    start = threading.Barrier(5)
    results: list[Any] = []

    def redeem(number: int) -> None:
        start.wait()
        try:
            results.append(accounts.redeem_setup_token(token, f"admin{number}@example.org", "Admin", "hash"))
        except RequestError as error:
            results.append(error)

    threads = [threading.Thread(target=redeem, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(isinstance(result, UserRecord) for result in results) == 1
    assert accounts.count_users() == 1


def test_a_token_is_not_spent_by_a_form_with_mistakes(accounts: Accounts) -> None:
    token = accounts.issue_setup_token(60.0)
    with pytest.raises(RequestError, match="e-mail"):
        accounts.redeem_setup_token(token, "no address", "Admin", "hash")
    assert accounts.setup_token_valid(token)


def test_a_token_expires(accounts: Accounts, clock: SetClock) -> None:
    token = accounts.issue_setup_token(60.0)
    clock.advance(60.0)
    assert not accounts.setup_token_valid(token)
    with pytest.raises(RequestError):
        accounts.redeem_setup_token(token, "admin@example.org", "Admin", "hash")


def test_a_new_token_ends_the_one_before(accounts: Accounts) -> None:
    first, second = accounts.issue_setup_token(60.0), accounts.issue_setup_token(60.0)
    assert first != second
    assert not accounts.setup_token_valid(first)
    assert accounts.setup_token_valid(second)
    assert not accounts.setup_token_valid("")


def test_the_database_does_not_hold_the_token(accounts: Accounts, database: Database) -> None:
    token = accounts.issue_setup_token(60.0)
    with database.read() as session:
        rows = session.connection().exec_driver_sql("SELECT * FROM setup_tokens").all()
    assert len(rows) == 1
    assert token not in str(rows)

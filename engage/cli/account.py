"""``engage account``: the way back in for somebody who is locked out, on the machine itself."""

from __future__ import annotations

import click

from engage.config import Settings
from engage.errors import RequestError
from engage.storage.accounts import Accounts
from engage.storage.database import Database
from engage.storage.links import PATHS
from engage.storage.resets import Resets
from engage.storage.tables import LinkKind


@click.group()
def account() -> None:
    """Look after accounts."""


@account.command("link")
@click.argument("email")
@click.pass_obj
def link(settings: Settings, email: str) -> None:
    """Print a link that gives the account of EMAIL a new password. It works once, for an hour."""
    database = Database.of(settings)
    try:
        database.verify()
        user = Accounts(database).user_by_email(email)
        if user is None:
            raise RequestError(f"There is no account with the address {email}.")
        token = Resets(database).issue(user.id, None)
    finally:
        database.close()
    click.echo(f"{settings.address}{PATHS[LinkKind.RESET]}/{token}")

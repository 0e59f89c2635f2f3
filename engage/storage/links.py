"""One-time links: what invitations and password resets share."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime

from sqlalchemy import ColumnElement, and_, select, update
from sqlalchemy.orm import Session

from engage.storage.tables import AccountLink, LinkKind

TOKEN_BYTES = 32
PATHS = {LinkKind.INVITATION: "/welcome", LinkKind.RESET: "/reset"}
"""Where the pages of the two kinds lie; the token follows."""


def new_token() -> tuple[str, str]:
    """Return a new token, URL-safe, and the hash to be stored of it."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    return token, digest(token)


def digest(token: str) -> str:
    """Return the SHA-256 of a token, in hexadecimal; a token of 256 random bits needs no slow hash."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def usable(now: datetime) -> ColumnElement[bool]:
    """Return the condition that a link was neither used nor revoked, and has not expired."""
    return and_(AccountLink.used_at.is_(None), AccountLink.revoked_at.is_(None), AccountLink.expires_at > now)


def find(session: Session, kind: LinkKind, token: str, now: datetime) -> AccountLink | None:
    """Return the link that ``token`` opens now."""
    mine = AccountLink.kind == kind.value, AccountLink.token_hash == digest(token)
    return session.scalar(select(AccountLink).where(*mine, usable(now)))


def spend(session: Session, kind: LinkKind, token: str, now: datetime) -> AccountLink | None:
    """Return the link that ``token`` opens, used up from now on; of two who send it at once, one gets it."""
    mine = AccountLink.kind == kind.value, AccountLink.token_hash == digest(token), usable(now)
    link_id = session.scalar(update(AccountLink).where(*mine).values(used_at=now).returning(AccountLink.id))
    return None if link_id is None else session.get_one(AccountLink, link_id, populate_existing=True)


def revoke(session: Session, now: datetime, *which: ColumnElement[bool]) -> list[int]:
    """Make the links that ``which`` describes stop working, and return their ids."""
    return list(
        session.scalars(update(AccountLink).where(*which, usable(now)).values(revoked_at=now).returning(AccountLink.id))
    )

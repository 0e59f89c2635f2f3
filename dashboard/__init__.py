"""The web pages: what a teacher sees and touches. Reads and writes by ``engage.storage``, never touches a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from engage.config import Settings
    from engage.storage.database import Database


def create_app(settings: Settings, database: Database) -> Flask:
    """Return the application on an open ``database`` whose tables are current.

    Imported here, not at the top, so that ``python -m dashboard.install`` starts at once.
    """
    from dashboard.application import build

    return build(settings, database)

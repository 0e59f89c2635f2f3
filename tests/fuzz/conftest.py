"""The application of the dashboard's tests, for inputs that come by the web."""

from tests.dashboard.conftest import app, browser, call, database, empty_tables, school, send, settings

__all__ = ["app", "browser", "call", "database", "empty_tables", "school", "send", "settings"]

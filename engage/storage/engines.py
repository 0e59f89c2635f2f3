"""SQLAlchemy's engines as this program needs them, on SQLite and on PostgreSQL."""

from __future__ import annotations

from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event

CONNECT_S = 5.0


def sqlite_engine(url: URL, busy_timeout_s: float, foreign_keys: bool, pool: dict[str, Any]) -> Engine:
    """Return an engine on a SQLite file that waits up to ``busy_timeout_s`` for other writers."""
    engine = create_engine(url, connect_args={"timeout": busy_timeout_s}, **pool)

    @event.listens_for(engine, "connect")
    def set_up(raw: Any, _record: Any) -> None:
        raw.isolation_level = None  # the module's own BEGIN comes too late to hold a read and a write together
        cursor = raw.cursor()
        cursor.execute(f"PRAGMA foreign_keys = {int(foreign_keys)}")
        cursor.execute("PRAGMA synchronous = NORMAL")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        write = connection.get_execution_options().get("engage_write", False)
        # IMMEDIATE takes the lock at once: a deferred transaction that read first could not wait for it.
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine


def postgres_engine(url: URL, busy_timeout_s: float, answer_s: float | None, pool: dict[str, Any]) -> Engine:
    """Return an engine on PostgreSQL whose connections give up on a server that says nothing for ``answer_s``."""
    options = f"-c lock_timeout={int(busy_timeout_s * 1000)} -c timezone=UTC"
    connect_s = max(2, int(min(CONNECT_S, answer_s or CONNECT_S)))
    engine = create_engine(
        url, connect_args={"connect_timeout": connect_s, "options": options}, pool_pre_ping=True, **pool
    )
    if answer_s is not None:
        from engage.storage.patience import impatient  # psycopg is there only where PostgreSQL is used

        kind = impatient(answer_s)

        @event.listens_for(engine, "do_connect")
        def connect(_dialect: Any, _record: Any, arguments: list[Any], words: dict[str, Any]) -> Any:
            return kind.connect(*arguments, **words)

    return engine

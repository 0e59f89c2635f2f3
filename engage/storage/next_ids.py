"""Which id a table gave last, be its row still there or not: no id is given twice."""

from __future__ import annotations

from sqlalchemy import Connection, Table, func, select


def last_given(connection: Connection, table: Table) -> int:
    """Return the last id that ``table`` gave, 0 where it gave none or does not count."""
    column = table.autoincrement_column
    if column is None:
        return 0
    if connection.dialect.name == "postgresql":
        sequence = _sequence(connection, table)
        if not sequence:
            return 0
        last, given = connection.exec_driver_sql(f"SELECT last_value, is_called FROM {sequence}").one()  # noqa: S608
        return int(last) if given else 0
    found = connection.exec_driver_sql("SELECT seq FROM sqlite_sequence WHERE name = ?", (table.name,)).scalar()
    return int(found or 0)


def follow(connection: Connection, table: Table, last: int) -> None:
    """Let the next id of ``table`` come after ``last``, and after the highest that is there."""
    column = table.autoincrement_column
    if column is None:
        return
    last = max(last, connection.execute(select(func.max(column))).scalar() or 0)
    if last == 0:
        return
    if connection.dialect.name == "postgresql":
        sequence = _sequence(connection, table)
        if sequence:
            connection.exec_driver_sql("SELECT setval(%s, %s)", (sequence, last))
    elif table.dialect_options["sqlite"]["autoincrement"]:
        connection.exec_driver_sql("DELETE FROM sqlite_sequence WHERE name = ?", (table.name,))
        connection.exec_driver_sql("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (table.name, last))


def _sequence(connection: Connection, table: Table) -> str | None:
    names = table.name, table.autoincrement_column.name if table.autoincrement_column is not None else ""
    found = connection.exec_driver_sql("SELECT pg_get_serial_sequence(%s, %s)", names).scalar()
    return None if found is None else str(found)

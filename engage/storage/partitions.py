"""Samples and scores by month, on PostgreSQL: partitions made ahead, filled up, and dropped whole.

What falls into no month's partition lands in the one called "rest", so that nothing is ever refused. SQLite has no
partitions; there all of this does nothing.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection

from engage.storage.database import Database

TABLES = ("samples", "scores")
"""Scores refer to their samples: they come last where partitions are made and first where they go."""
AHEAD = 2
"""Months made beside the present one."""
BOUNDS = re.compile(r"FROM \((?:'?(-?\d+)'?|MINVALUE)\) TO \('?(-?\d+)'?\)")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Month:
    """A month of UTC."""

    year: int
    number: int

    @classmethod
    def of(cls, moment: datetime) -> Month:
        """Return the month that ``moment``, aware, lies in."""
        at = moment.astimezone(UTC)
        return cls(at.year, at.month)

    def next(self) -> Month:
        """Return the month after."""
        return Month(self.year + self.number // 12, self.number % 12 + 1)

    @property
    def starts(self) -> int:
        """Return its first second."""
        return int(datetime(self.year, self.number, 1, tzinfo=UTC).timestamp())

    @property
    def suffix(self) -> str:
        """Return what the names of its partitions end in."""
        return f"{self.year}_{self.number:02}"


class Partitions:
    """The partitions of a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def make_ahead(self, now: datetime) -> list[str]:
        """Make the partitions of this month and the next, and of months that "rest" holds samples of; return all new.

        What is in "rest" moves to where it belongs. Whoever writes or reads meanwhile waits, for as long as that takes.
        """
        if self._database.sqlite:
            return []
        month, wanted = Month.of(now), []
        for _ in range(1 + AHEAD):
            wanted.append(month)
            month = month.next()
        made: list[str] = []
        with self._database.write() as session:
            connection = session.connection()
            covered = _bounds(connection, "samples")
            for each in dict.fromkeys([*_months_in_rest(connection), *wanted]):
                if not any(since < each.next().starts and each.starts < until for since, until in covered.values()):
                    made += _make(connection, each)
        if made:
            logger.info("event=partitions_made names=%s", ",".join(made))
        return made

    def drop_before(self, moment: datetime, spared: Collection[int] = ()) -> list[str]:
        """Drop whole the partitions in which all samples are older than ``moment``; return their names.

        One that holds a sample of a ``spared`` session stays. With it go its scores; gestures, counted minutes and
        reports are tables of their own and stay. Nothing is left behind that deleting rows would leave.
        """
        if self._database.sqlite:
            return []
        dropped: list[str] = []
        with self._database.write() as session:
            connection = session.connection()
            for name, (_, until) in sorted(_bounds(connection, "samples").items()):
                if until <= moment.timestamp() and not _holds(connection, name, spared):
                    dropped += _drop(connection, name.removeprefix("samples_"))
        if dropped:
            logger.info("event=partitions_dropped names=%s", ",".join(dropped))
        return dropped

    def names(self) -> list[str]:
        """Return the partitions of samples that have bounds, oldest first."""
        if self._database.sqlite:
            return []
        with self._database.read() as session:
            bounds = _bounds(session.connection(), "samples")
        return sorted(bounds, key=lambda name: bounds[name])


def _bounds(connection: Connection, table: str) -> dict[str, tuple[float, int]]:
    """Return first second and end of each partition but "rest"."""
    found = connection.exec_driver_sql(
        "SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) FROM pg_class c JOIN pg_inherits i ON i.inhrelid = c.oid "
        "WHERE i.inhparent = CAST(%s AS regclass)",
        (table,),
    )
    parsed = {name: BOUNDS.search(bound) for name, bound in found}
    return {
        name: (float("-inf") if match[1] is None else int(match[1]), int(match[2]))
        for name, match in parsed.items()
        if match
    }


def _months_in_rest(connection: Connection) -> list[Month]:
    found = connection.exec_driver_sql(
        "SELECT DISTINCT date_trunc('month', to_timestamp(second) AT TIME ZONE 'UTC') FROM samples_rest ORDER BY 1"
    )
    return [Month(month.year, month.month) for (month,) in found]


def _make(connection: Connection, month: Month) -> list[str]:
    """Make a month's partitions and move there what "rest" has of it; deleting samples takes their scores along."""
    within = f"second >= {month.starts} AND second < {month.next().starts}"
    names = [f"{table}_{month.suffix}" for table in TABLES]
    connection.exec_driver_sql("LOCK TABLE samples_rest, scores_rest IN ACCESS EXCLUSIVE MODE")
    for table, name in zip(TABLES, names, strict=True):
        connection.exec_driver_sql(f"CREATE TABLE {name} (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)")
        connection.exec_driver_sql(f"INSERT INTO {name} SELECT * FROM {table}_rest WHERE {within}")  # noqa: S608
    connection.exec_driver_sql(f"DELETE FROM samples_rest WHERE {within}")  # noqa: S608 (numbers)
    for table, name in zip(TABLES, names, strict=True):
        connection.exec_driver_sql(
            f"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ({month.starts}) TO ({month.next().starts})"
        )
    return names


def _holds(connection: Connection, name: str, sessions: Collection[int]) -> bool:
    if not sessions:
        return False
    ids = ", ".join(str(int(each)) for each in sessions)
    found = connection.exec_driver_sql(f"SELECT 1 FROM {name} WHERE session_id IN ({ids}) LIMIT 1")  # noqa: S608
    return found.first() is not None


def _drop(connection: Connection, suffix: str) -> list[str]:
    names = [f"{table}_{suffix}" for table in reversed(TABLES)]
    for table, name in zip(reversed(TABLES), names, strict=True):
        connection.exec_driver_sql(f"ALTER TABLE {table} DETACH PARTITION {name}")
        connection.exec_driver_sql(f"DROP TABLE {name}")
    return names

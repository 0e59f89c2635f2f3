"""What all tables share: naming of constraints, times in UTC, JSON, columns of an enumeration."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    DateTime,
    Dialect,
    Double,
    ForeignKey,
    MetaData,
    String,
    TypeDecorator,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, mapped_column

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


ROUNDING = "0.000001"
"""How far a computed share or score may lie outside its range: a sample must not be lost to the last bit of a sum."""

OWN_IDS = {"sqlite_autoincrement": True}
"""Table option: no id is used twice (PostgreSQL: never is), so that audit log and erasures keep their meaning."""

DOCUMENT = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


class UtcDateTime(TypeDecorator[datetime]):
    """A time with microseconds, aware UTC on both sides; SQLite keeps it as text that sorts by time."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the time in UTC; ValueError for a time without zone, whose meaning nobody knows."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone; pass aware times")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the stored time, aware UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """The base of all tables."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {  # noqa: RUF012 (SQLAlchemy's own way)
        datetime: UtcDateTime,
        float: Double,
        dict[str, Any]: DOCUMENT,
        list[Any]: DOCUMENT,
    }


Id = Annotated[int, mapped_column(primary_key=True)]
CourseId = Annotated[int, mapped_column(ForeignKey("courses.id", ondelete="CASCADE"))]
StudentId = Annotated[int, mapped_column(ForeignKey("students.id", ondelete="CASCADE"))]
SessionId = Annotated[int, mapped_column(ForeignKey("class_sessions.id", ondelete="CASCADE"))]
UserId = Annotated[int, mapped_column(ForeignKey("users.id", ondelete="SET NULL"))]
"""Who did something: the row outlives the account."""
Word = Annotated[str, mapped_column(String(32))]
"""A value of an enumeration, or a name of our own making."""


def one_of(column: str, values: type[StrEnum] | Iterable[str]) -> CheckConstraint:
    """Return the constraint that ``column`` holds one of ``values`` (or null where it may)."""
    names = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({names})", name=f"{column}_known")


def share(column: str) -> CheckConstraint:
    """Return the constraint that ``column`` lies in 0-1; time-weighted means may overshoot by rounding."""
    return CheckConstraint(f"{column} >= -{ROUNDING} AND {column} <= 1 + {ROUNDING}", name=f"{column}_range")


def not_blank(column: str) -> CheckConstraint:
    """Return the constraint that ``column`` is not the empty string."""
    return CheckConstraint(f"{column} <> ''", name=f"{column}_given")

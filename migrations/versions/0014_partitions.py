"""On PostgreSQL samples and their scores are divided by time; SQLite has nothing of the kind.

Going up copies nothing: what is there becomes the first partition as it is. Going down copies all of it.
"""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

TABLES = ("samples", "scores")
"""Scores come second: each refers to its sample."""
PLACE = "session_id, student_id, second"
KEYS = {"samples": PLACE, "scores": f"{PLACE}, scoring_version_id"}
INDEXES = {
    "ix_samples_session_id_captured_at": "samples (session_id, captured_at)",
    "ix_samples_student_id_second": "samples (student_id, second)",
}
FOREIGN = {
    "samples": {
        "fk_samples_session_id": "(session_id) REFERENCES class_sessions (id) ON DELETE CASCADE",
        "fk_samples_student_id": "(student_id) REFERENCES students (id) ON DELETE CASCADE",
    },
    "scores": {
        "fk_scores_scoring_version_id": "(scoring_version_id) REFERENCES scoring_versions (id) ON DELETE RESTRICT",
        "fk_scores_session_id_student_id_second": f"({PLACE}) REFERENCES samples ({PLACE}) ON DELETE CASCADE",
    },
}


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    first = _first_bound()
    for table in TABLES:
        _step_aside(table)
    for table in TABLES:
        op.execute(f"CREATE TABLE {table} (LIKE {table}_first INCLUDING DEFAULTS INCLUDING CONSTRAINTS) "
                   "PARTITION BY RANGE (second)")  # fmt: skip
        _complete(table)
        if first is None:
            op.execute(f"DROP TABLE {table}_first CASCADE")
        else:
            op.execute(f"ALTER TABLE {table} ATTACH PARTITION {table}_first FOR VALUES FROM (MINVALUE) TO ({first})")
        op.execute(f"CREATE TABLE {table}_rest PARTITION OF {table} DEFAULT")


def downgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    for table in reversed(TABLES):
        op.execute(f"ALTER TABLE {table} RENAME TO {table}_divided")
    for table in TABLES:
        op.execute(f"CREATE TABLE {table} (LIKE {table}_divided INCLUDING DEFAULTS INCLUDING CONSTRAINTS)")
        op.execute(f"INSERT INTO {table} SELECT * FROM {table}_divided")  # noqa: S608 (our names)
    for table in reversed(TABLES):
        op.execute(f"DROP TABLE {table}_divided CASCADE")
    for table in TABLES:
        _complete(table)


def _first_bound() -> int | None:
    """Return the first second of the month after all samples, and after now; None where there are no samples."""
    last = op.get_bind().execute(sa.text("SELECT max(second) FROM samples")).scalar()
    if last is None:
        return None
    month = datetime.fromtimestamp(max(last, datetime.now(UTC).timestamp()), UTC)
    after = datetime(month.year + month.month // 12, month.month % 12 + 1, 1, tzinfo=UTC)
    return int(after.timestamp())


def _step_aside(table: str) -> None:
    """Give the plain table and its indexes other names, and take from scores what refers to the plain samples."""
    op.execute(f"ALTER TABLE {table} RENAME TO {table}_first")
    if table == "samples":
        op.execute("ALTER TABLE scores DROP CONSTRAINT fk_scores_session_id_student_id_second")
    for name in (f"pk_{table}", *(name for name, on in INDEXES.items() if on.startswith(table))):
        op.execute(f"ALTER INDEX {name} RENAME TO {name}_first")


def _complete(table: str) -> None:
    op.execute(f"ALTER TABLE {table} ADD CONSTRAINT pk_{table} PRIMARY KEY ({KEYS[table]})")
    for name, on in INDEXES.items():
        if on.startswith(table):
            op.execute(f"CREATE INDEX {name} ON {on}")
    for name, reference in FOREIGN[table].items():
        op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY {reference}")

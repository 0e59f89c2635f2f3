"""Minutes, baselines and risk across sessions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

AT = sa.DateTime(timezone=True)
DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
SUMS = (
    *("observed_s", "face_s", "scored_s", "score_sum", "square_sum", "confidence_sum"),
    *("attentive_s", "away_s", "drowsy_s"),
    *("neutral_s", "happiness_s", "surprise_s", "sadness_s", "anger_s", "disgust_s", "fear_s", "contempt_s"),
)
MEAN_RANGE = "scored_s >= 0 AND score_sum >= -0.000001 * scored_s AND score_sum <= (10 + 0.000001) * scored_s"


def upgrade() -> None:
    minute = sa.Column("minute", sa.BigInteger(), autoincrement=False, nullable=False)
    rolled_up("minute_rollups", minute)
    rolled_up("session_rollups")
    op.create_table(
        "rollup_marks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("session_id", sa.Integer(), nullable=False),
        sa.Column("minute", sa.BigInteger(), nullable=True),
        of_session("rollup_marks"),
        sa.PrimaryKeyConstraint("id", name="pk_rollup_marks"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_rollup_marks_session_id", "rollup_marks", ["session_id"])
    op.execute("INSERT INTO rollup_marks (session_id) SELECT id FROM class_sessions")  # what there is, is counted once
    op.create_table(
        "attendance",
        sa.Column("session_id", sa.Integer(), nullable=False),
        sa.Column("student_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("marked_by", sa.Integer(), nullable=True),
        sa.Column("marked_at", AT, nullable=False),
        sa.CheckConstraint("state IN ('present', 'absent', 'excused')", name=op.f("ck_attendance_state_known")),
        of_session("attendance"),
        of_student("attendance"),
        sa.ForeignKeyConstraint(["marked_by"], ["users.id"], name="fk_attendance_marked_by", ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("session_id", "student_id", name="pk_attendance"),
    )
    op.create_index("ix_attendance_student_id", "attendance", ["student_id"])
    op.create_table(
        "leases",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("holder", sa.String(length=64), nullable=True),
        sa.Column("held_until", AT, nullable=True),
        sa.Column("done_period", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("name", name="pk_leases"),
    )
    is_open = sa.text("state = 'open'")
    op.create_index(
        "uq_risk_flags_open",
        "risk_flags",
        ["student_id", "course_id"],
        unique=True,
        sqlite_where=is_open,
        postgresql_where=is_open,
    )


def rolled_up(table: str, *more_key: sa.Column[int]) -> None:
    """Make a table of sums per session, student and ``more_key``."""
    op.create_table(
        table,
        sa.Column("session_id", sa.Integer(), nullable=False),
        sa.Column("student_id", sa.Integer(), nullable=False),
        *more_key,
        sa.Column("samples", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.Double(), nullable=False) for name in SUMS),
        sa.Column("gestures", DOCUMENT, nullable=False),
        sa.CheckConstraint(MEAN_RANGE, name=op.f(f"ck_{table}_mean_range")),
        of_session(table),
        of_student(table),
        sa.PrimaryKeyConstraint("session_id", "student_id", *(column.name for column in more_key), name=f"pk_{table}"),
    )
    op.create_index(f"ix_{table}_student_id", table, ["student_id"])


def of_session(table: str) -> sa.ForeignKeyConstraint:
    """Return the reference to the session, which takes its rows along."""
    name = f"fk_{table}_session_id"
    return sa.ForeignKeyConstraint(["session_id"], ["class_sessions.id"], name=name, ondelete="CASCADE")


def of_student(table: str) -> sa.ForeignKeyConstraint:
    """Return the reference to the student, who takes their rows along."""
    name = f"fk_{table}_student_id"
    return sa.ForeignKeyConstraint(["student_id"], ["students.id"], name=name, ondelete="CASCADE")


def downgrade() -> None:
    op.drop_index("uq_risk_flags_open", "risk_flags")
    for table in ("leases", "attendance", "rollup_marks", "session_rollups", "minute_rollups"):
        op.drop_table(table)

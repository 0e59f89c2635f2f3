"""Seating plans, lesson times and what became of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

AT = sa.DateTime(timezone=True)
STATES = "state IN ('started', 'failed', 'missed', 'skipped')"


def upgrade() -> None:
    op.create_table(
        "seating_plans",
        sa.Column("course_id", sa.Integer(), nullable=False),
        sa.Column("n_rows", sa.Integer(), nullable=False),
        sa.Column("n_columns", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("n_rows > 0 AND n_columns > 0", name=op.f("ck_seating_plans_size_possible")),
        sa.ForeignKeyConstraint(["course_id"], ["courses.id"], name="fk_seating_plans_course_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("course_id", name="pk_seating_plans"),
    )
    op.create_table(
        "lesson_times",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("course_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("minute", sa.Integer(), nullable=False),
        sa.Column("length_min", sa.Integer(), nullable=False),
        sa.Column("weekly", sa.Boolean(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=True),
        sa.Column("title", sa.String(length=200), nullable=True),
        sa.Column("created_at", AT, nullable=False),
        sa.Column("removed_at", AT, nullable=True),
        sa.CheckConstraint("minute >= 0 AND minute < 1440", name=op.f("ck_lesson_times_minute_range")),
        sa.CheckConstraint("length_min > 0", name=op.f("ck_lesson_times_length_given")),
        sa.ForeignKeyConstraint(["course_id"], ["courses.id"], name="fk_lesson_times_course_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_lesson_times"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_lesson_times_course_id", "lesson_times", ["course_id"])
    op.create_table(
        "lesson_runs",
        sa.Column("lesson_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("session_id", sa.Integer(), nullable=True),
        sa.Column("ends_at", AT, nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("at", AT, nullable=False),
        sa.CheckConstraint(STATES, name=op.f("ck_lesson_runs_state_known")),
        sa.ForeignKeyConstraint(
            ["lesson_id"], ["lesson_times.id"], name="fk_lesson_runs_lesson_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["session_id"], ["class_sessions.id"], name="fk_lesson_runs_session_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("lesson_id", "day", name="pk_lesson_runs"),
        sa.UniqueConstraint("session_id", name="uq_lesson_runs_session_id"),
    )


def downgrade() -> None:
    op.drop_table("lesson_runs")
    op.drop_table("lesson_times")
    op.drop_table("seating_plans")

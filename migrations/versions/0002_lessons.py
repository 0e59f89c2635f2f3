"""Courses, who is in them, sessions and sources."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "courses",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("demo", sa.Boolean(), nullable=False),
        sa.Column("created_at", AT, nullable=False),
        sa.Column("archived_at", AT, nullable=True),
        sa.CheckConstraint("title <> ''", name=op.f("ck_courses_title_given")),
        sa.PrimaryKeyConstraint("id", name="pk_courses"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "course_staff",
        sa.Column("course_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.CheckConstraint("role IN ('teacher', 'co_teacher')", name=op.f("ck_course_staff_role_known")),
        sa.ForeignKeyConstraint(["course_id"], ["courses.id"], name="fk_course_staff_course_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_course_staff_user_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("course_id", "user_id", name="pk_course_staff"),
    )
    op.create_index("ix_course_staff_user_id", "course_staff", ["user_id"])
    op.create_table(
        "enrolments",
        sa.Column("course_id", sa.Integer(), nullable=False),
        sa.Column("student_id", sa.Integer(), nullable=False),
        sa.Column("seat", sa.String(length=32), nullable=True),
        sa.Column("enrolled_at", AT, nullable=False),
        sa.Column("ended_at", AT, nullable=True),
        sa.ForeignKeyConstraint(["course_id"], ["courses.id"], name="fk_enrolments_course_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["student_id"], ["students.id"], name="fk_enrolments_student_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("course_id", "student_id", name="pk_enrolments"),
    )
    op.create_index("ix_enrolments_student_id", "enrolments", ["student_id"])
    op.create_table(
        "class_sessions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("course_id", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("started_at", AT, nullable=False),
        sa.Column("ended_at", AT, nullable=True),
        sa.Column("started_by", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.CheckConstraint("(state = 'ended') = (ended_at IS NOT NULL)", name=op.f("ck_class_sessions_ended_when")),
        sa.CheckConstraint("state IN ('running', 'ended')", name=op.f("ck_class_sessions_state_known")),
        sa.ForeignKeyConstraint(["course_id"], ["courses.id"], name="fk_class_sessions_course_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["started_by"], ["users.id"], name="fk_class_sessions_started_by", ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name="pk_class_sessions"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_class_sessions_course_id_started_at", "class_sessions", ["course_id", "started_at"])
    op.create_index(
        "uq_class_sessions_running",
        "class_sessions",
        ["course_id"],
        unique=True,
        sqlite_where=sa.text("state = 'running'"),
        postgresql_where=sa.text("state = 'running'"),
    )
    op.create_table(
        "pauses",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("session_id", sa.Integer(), nullable=False),
        sa.Column("student_id", sa.Integer(), nullable=True),
        sa.Column("paused_at", AT, nullable=False),
        sa.Column("resumed_at", AT, nullable=True),
        sa.Column("paused_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["paused_by"], ["users.id"], name="fk_pauses_paused_by", ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["session_id"], ["class_sessions.id"], name="fk_pauses_session_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["student_id"], ["students.id"], name="fk_pauses_student_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_pauses"),
    )
    op.create_index("ix_pauses_session_id", "pauses", ["session_id"])
    op.create_index(
        "uq_pauses_open_class",
        "pauses",
        ["session_id"],
        unique=True,
        sqlite_where=sa.text("resumed_at IS NULL AND student_id IS NULL"),
        postgresql_where=sa.text("resumed_at IS NULL AND student_id IS NULL"),
    )
    op.create_index(
        "uq_pauses_open_student",
        "pauses",
        ["session_id", "student_id"],
        unique=True,
        sqlite_where=sa.text("resumed_at IS NULL AND student_id IS NOT NULL"),
        postgresql_where=sa.text("resumed_at IS NULL AND student_id IS NOT NULL"),
    )
    op.create_table(
        "sources",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("student_id", sa.Integer(), nullable=True),
        sa.Column("course_id", sa.Integer(), nullable=True),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("credentials", sa.Text(), nullable=True),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("created_at", AT, nullable=False),
        sa.CheckConstraint("address <> ''", name=op.f("ck_sources_address_given")),
        sa.CheckConstraint(
            "kind IN ('camera', 'stream', 'file', 'virtual', 'browser', 'window')", name=op.f("ck_sources_kind_known")
        ),
        sa.CheckConstraint("(student_id IS NULL) <> (course_id IS NULL)", name=op.f("ck_sources_one_owner")),
        sa.ForeignKeyConstraint(["course_id"], ["courses.id"], name="fk_sources_course_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["student_id"], ["students.id"], name="fk_sources_student_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_sources"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_sources_course_id", "sources", ["course_id"])
    op.create_index("ix_sources_student_id", "sources", ["student_id"])
    op.create_index(
        "uq_sources_enabled_student",
        "sources",
        ["student_id"],
        unique=True,
        sqlite_where=sa.text("enabled"),
        postgresql_where=sa.text("enabled"),
    )
    op.create_table(
        "source_events",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("session_id", sa.Integer(), nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("student_id", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("at", AT, nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.CheckConstraint("state IN ('live', 'lost', 'paused', 'ended')", name=op.f("ck_source_events_state_known")),
        sa.ForeignKeyConstraint(
            ["session_id"], ["class_sessions.id"], name="fk_source_events_session_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["student_id"], ["students.id"], name="fk_source_events_student_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_source_events"),
        sa.UniqueConstraint(
            "session_id",
            "source_id",
            "student_id",
            "at",
            "state",
            name="uq_source_events_session_id_source_id_student_id_at_state",
        ),
    )


def downgrade() -> None:
    for table in ("source_events", "sources", "pauses", "class_sessions", "enrolments", "course_staff", "courses"):
        op.drop_table(table)

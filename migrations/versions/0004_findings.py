"""What people and rules say about what was seen."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

AT = sa.DateTime(timezone=True)
DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "markers",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("session_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("at", AT, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.CheckConstraint("text <> ''", name=op.f("ck_markers_text_given")),
        sa.ForeignKeyConstraint(
            ["session_id"], ["class_sessions.id"], name="fk_markers_session_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_markers_user_id", ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name="pk_markers"),
    )
    op.create_index("ix_markers_session_id_at", "markers", ["session_id", "at"])
    op.create_table(
        "alerts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("session_id", sa.Integer(), nullable=False),
        sa.Column("student_id", sa.Integer(), nullable=True),
        sa.Column("rule", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("started_at", AT, nullable=False),
        sa.Column("ended_at", AT, nullable=True),
        sa.Column("acknowledged_at", AT, nullable=True),
        sa.Column("acknowledged_by", sa.Integer(), nullable=True),
        sa.Column("snoozed_until", AT, nullable=True),
        sa.Column("details", DOCUMENT, nullable=False),
        sa.CheckConstraint("(state = 'resolved') = (ended_at IS NOT NULL)", name=op.f("ck_alerts_resolved_when")),
        sa.CheckConstraint("rule <> ''", name=op.f("ck_alerts_rule_given")),
        sa.CheckConstraint("state IN ('firing', 'resolved')", name=op.f("ck_alerts_state_known")),
        sa.ForeignKeyConstraint(
            ["acknowledged_by"], ["users.id"], name="fk_alerts_acknowledged_by", ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["session_id"], ["class_sessions.id"], name="fk_alerts_session_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["student_id"], ["students.id"], name="fk_alerts_student_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_alerts"),
    )
    op.create_index("ix_alerts_session_id_started_at", "alerts", ["session_id", "started_at"])
    op.create_index("ix_alerts_student_id", "alerts", ["student_id"])
    op.create_table(
        "risk_flags",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("student_id", sa.Integer(), nullable=False),
        sa.Column("course_id", sa.Integer(), nullable=True),
        sa.Column("level", sa.String(length=32), nullable=False),
        sa.Column("reasons", DOCUMENT, nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("raised_at", AT, nullable=False),
        sa.Column("decided_at", AT, nullable=True),
        sa.Column("decided_by", sa.Integer(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.CheckConstraint("(state = 'open') = (decided_at IS NULL)", name=op.f("ck_risk_flags_decided_when")),
        sa.CheckConstraint("level <> ''", name=op.f("ck_risk_flags_level_given")),
        sa.CheckConstraint("state IN ('open', 'confirmed', 'dismissed')", name=op.f("ck_risk_flags_state_known")),
        sa.ForeignKeyConstraint(["course_id"], ["courses.id"], name="fk_risk_flags_course_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["decided_by"], ["users.id"], name="fk_risk_flags_decided_by", ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["student_id"], ["students.id"], name="fk_risk_flags_student_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_risk_flags"),
    )
    op.create_index("ix_risk_flags_course_id", "risk_flags", ["course_id"])
    op.create_index("ix_risk_flags_student_id_raised_at", "risk_flags", ["student_id", "raised_at"])
    op.create_table(
        "feedback",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("session_id", sa.Integer(), nullable=False),
        sa.Column("student_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("value", sa.Integer(), nullable=False),
        sa.Column("from_at", AT, nullable=False),
        sa.Column("until_at", AT, nullable=False),
        sa.Column("created_at", AT, nullable=False),
        sa.CheckConstraint(
            "(kind = 'check_in' AND value BETWEEN 1 AND 5) OR (kind = 'correction' AND value BETWEEN 0 AND 1)",
            name=op.f("ck_feedback_value_range"),
        ),
        sa.CheckConstraint("kind IN ('check_in', 'correction')", name=op.f("ck_feedback_kind_known")),
        sa.CheckConstraint("until_at >= from_at", name=op.f("ck_feedback_in_order")),
        sa.ForeignKeyConstraint(
            ["session_id"], ["class_sessions.id"], name="fk_feedback_session_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["student_id"], ["students.id"], name="fk_feedback_student_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_feedback_user_id", ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name="pk_feedback"),
    )
    op.create_index("ix_feedback_session_id_student_id", "feedback", ["session_id", "student_id"])
    op.create_index("ix_feedback_student_id", "feedback", ["student_id"])


def downgrade() -> None:
    for table in ("feedback", "risk_flags", "alerts", "markers"):
        op.drop_table(table)

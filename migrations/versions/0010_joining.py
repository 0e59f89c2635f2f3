"""Join links, PINs and devices."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

AT = sa.DateTime(timezone=True)
OPEN = sa.text("ended_at IS NULL")


def upgrade() -> None:
    op.create_table(
        "join_keys",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("course_id", sa.Integer(), nullable=False),
        sa.Column("student_id", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("pin_hash", sa.String(length=64), nullable=False),
        sa.Column("made_by", sa.Integer(), nullable=True),
        sa.Column("created_at", AT, nullable=False),
        sa.ForeignKeyConstraint(["course_id"], ["courses.id"], name="fk_join_keys_course_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["student_id"], ["students.id"], name="fk_join_keys_student_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["made_by"], ["users.id"], name="fk_join_keys_made_by", ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name="pk_join_keys"),
        sa.UniqueConstraint("token_hash", name="uq_join_keys_token_hash"),
        sa.UniqueConstraint("course_id", "student_id", name="uq_join_keys_course_id_student_id"),
        sa.UniqueConstraint("course_id", "pin_hash", name="uq_join_keys_course_id_pin_hash"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_join_keys_student_id", "join_keys", ["student_id"])
    op.create_table(
        "join_devices",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key_id", sa.Integer(), nullable=False),
        sa.Column("session_id", sa.Integer(), nullable=False),
        sa.Column("student_id", sa.Integer(), nullable=False),
        sa.Column("device_hash", sa.String(length=64), nullable=False),
        sa.Column("ticket_hash", sa.String(length=64), nullable=True),
        sa.Column("ticket_until", AT, nullable=True),
        sa.Column("joined_at", AT, nullable=False),
        sa.Column("ended_at", AT, nullable=True),
        sa.CheckConstraint("(ticket_hash IS NULL) = (ticket_until IS NULL)", name=op.f("ck_join_devices_ticket_whole")),
        sa.ForeignKeyConstraint(["key_id"], ["join_keys.id"], name="fk_join_devices_key_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["session_id"], ["class_sessions.id"], name="fk_join_devices_session_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["student_id"], ["students.id"], name="fk_join_devices_student_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_join_devices"),
        sa.UniqueConstraint("ticket_hash", name="uq_join_devices_ticket_hash"),
        sqlite_autoincrement=True,
    )
    for column in ("key_id", "session_id", "student_id"):
        op.create_index(f"ix_join_devices_{column}", "join_devices", [column])
    op.create_index(
        "uq_join_devices_open",
        "join_devices",
        ["session_id", "student_id"],
        unique=True,
        sqlite_where=OPEN,
        postgresql_where=OPEN,
    )


def downgrade() -> None:
    op.drop_table("join_devices")
    op.drop_table("join_keys")

"""What alert rules and notifications need."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

AT = sa.DateTime(timezone=True)
DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
OPEN = sa.text("sent_at IS NULL AND given_up_at IS NULL")
KINDS = "'student_alert', 'class_alert', 'camera_alert', 'risk_flag', 'report', 'test'"


def upgrade() -> None:
    one_firing("uq_alerts_student_firing", ["session_id", "student_id", "rule", "started_at"], "student_id IS NOT NULL")
    one_firing("uq_alerts_class_firing", ["session_id", "rule", "started_at"], "student_id IS NULL")
    op.create_table(
        "alert_rules",
        sa.Column("course_id", sa.Integer(), nullable=False),
        sa.Column("rules", DOCUMENT, nullable=False),
        sa.Column("updated_at", AT, nullable=False),
        sa.Column("updated_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["course_id"], ["courses.id"], name="fk_alert_rules_course_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["updated_by"], ["users.id"], name="fk_alert_rules_updated_by", ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("course_id", name="pk_alert_rules"),
    )
    op.create_table(
        "notification_preferences",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column("quiet_from", sa.Integer(), nullable=True),
        sa.Column("quiet_until", sa.Integer(), nullable=True),
        sa.Column("digest_at", sa.Integer(), nullable=False),
        sa.CheckConstraint("time_zone <> ''", name=op.f("ck_notification_preferences_time_zone_given")),
        sa.CheckConstraint(
            "(quiet_from IS NULL) = (quiet_until IS NULL)", name=op.f("ck_notification_preferences_quiet_whole")
        ),
        sa.CheckConstraint(
            "quiet_from BETWEEN 0 AND 1439 AND quiet_until BETWEEN 0 AND 1439 AND digest_at BETWEEN 0 AND 1439",
            name=op.f("ck_notification_preferences_minutes_range"),
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_notification_preferences_user_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", name="pk_notification_preferences"),
    )
    op.create_table(
        "notification_channels",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("service", sa.String(length=32), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("shown", sa.String(length=200), nullable=False),
        sa.Column("signing_key", sa.String(length=64), nullable=True),
        sa.Column("kinds", DOCUMENT, nullable=False),
        sa.Column("digest", sa.Boolean(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("created_at", AT, nullable=False),
        sa.CheckConstraint("service IN ('apprise', 'webhook')", name=op.f("ck_notification_channels_service_known")),
        sa.CheckConstraint("address <> ''", name=op.f("ck_notification_channels_address_given")),
        sa.CheckConstraint("shown <> ''", name=op.f("ck_notification_channels_shown_given")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_notification_channels_user_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_notification_channels"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_notification_channels_user_id", "notification_channels", ["user_id"])
    create_outbox()


def create_outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("channel_id", sa.Integer(), nullable=False),
        sa.Column("course_id", sa.Integer(), nullable=True),
        sa.Column("key", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("link", sa.String(length=500), nullable=False),
        sa.Column("created_at", AT, nullable=False),
        sa.Column("due_at", AT, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease_until", AT, nullable=True),
        sa.Column("lease_token", sa.String(length=32), nullable=True),
        sa.Column("sent_at", AT, nullable=True),
        sa.Column("given_up_at", AT, nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.CheckConstraint(f"kind IN ({KINDS})", name=op.f("ck_outbox_kind_known")),
        sa.CheckConstraint("sent_at IS NULL OR given_up_at IS NULL", name=op.f("ck_outbox_one_end")),
        sa.CheckConstraint("(lease_until IS NULL) = (lease_token IS NULL)", name=op.f("ck_outbox_lease_whole")),
        sa.ForeignKeyConstraint(
            ["channel_id"], ["notification_channels.id"], name="fk_outbox_channel_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["course_id"], ["courses.id"], name="fk_outbox_course_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
        sa.UniqueConstraint("channel_id", "key", name="uq_outbox_channel_id_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_outbox_course_id", "outbox", ["course_id"])
    op.create_index("ix_outbox_open", "outbox", ["due_at"], sqlite_where=OPEN, postgresql_where=OPEN)


def one_firing(name: str, columns: list[str], where: str) -> None:
    op.create_index(name, "alerts", columns, unique=True, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


def downgrade() -> None:
    for table in ("outbox", "notification_channels", "notification_preferences", "alert_rules"):
        op.drop_table(table)
    for index in ("uq_alerts_class_firing", "uq_alerts_student_firing"):
        op.drop_index(index, "alerts")

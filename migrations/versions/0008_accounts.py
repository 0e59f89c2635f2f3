"""Invitations, password resets, and accounts of other sign-in services."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

OWN_IDS = {"sqlite_autoincrement": True}
AT = sa.DateTime(timezone=True)
OLD_KINDS = "'student_alert', 'class_alert', 'camera_alert', 'risk_flag', 'report', 'test'"
KINDS = f"{OLD_KINDS}, 'invitation', 'password_reset'"
KIND_KNOWN = "ck_outbox_kind_known"


def upgrade() -> None:
    op.add_column("users", sa.Column("session_stamp", sa.String(length=32), nullable=True))
    op.add_column("users", sa.Column("signed_in_at", AT, nullable=True))
    create_account_links()
    op.create_table(
        "reset_requests",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("asked_at", AT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_reset_requests"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "identities",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("created_at", AT, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_identities_user_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_identities"),
        sa.UniqueConstraint("issuer", "subject", name="uq_identities_issuer_subject"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_identities_user_id", "identities", ["user_id"])
    op.create_table(
        "sign_in_trials",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_at", AT, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_sign_in_trials"),
    )
    with op.batch_alter_table("outbox", table_kwargs=OWN_IDS) as outbox:
        outbox.drop_constraint(op.f(KIND_KNOWN), type_="check")
        outbox.create_check_constraint(op.f(KIND_KNOWN), f"kind IN ({KINDS})")
        outbox.alter_column("channel_id", existing_type=sa.Integer(), nullable=True)
        outbox.add_column(sa.Column("account_link_id", sa.Integer(), nullable=True))
        outbox.create_foreign_key(
            "fk_outbox_account_link_id", "account_links", ["account_link_id"], ["id"], ondelete="CASCADE"
        )
        outbox.create_check_constraint(
            op.f("ck_outbox_one_receiver"), "(channel_id IS NULL) <> (account_link_id IS NULL)"
        )
    op.create_index("ix_outbox_account_link_id", "outbox", ["account_link_id"])


def create_account_links() -> None:
    op.create_table(
        "account_links",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=True),
        sa.Column("email", sa.String(length=320), nullable=True),
        sa.Column("role", sa.String(length=32), nullable=True),
        sa.Column("student_id", sa.Integer(), nullable=True),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("made_by", sa.Integer(), nullable=True),
        sa.Column("created_at", AT, nullable=False),
        sa.Column("expires_at", AT, nullable=False),
        sa.Column("used_at", AT, nullable=True),
        sa.Column("revoked_at", AT, nullable=True),
        sa.CheckConstraint("kind IN ('invitation', 'reset')", name=op.f("ck_account_links_kind_known")),
        sa.CheckConstraint("role IN ('admin', 'teacher', 'student')", name=op.f("ck_account_links_role_known")),
        sa.CheckConstraint("email = lower(email)", name=op.f("ck_account_links_email_lower")),
        sa.CheckConstraint(
            "(kind = 'invitation' AND email IS NOT NULL AND role IS NOT NULL)"
            " OR (kind = 'reset' AND user_id IS NOT NULL AND email IS NULL AND role IS NULL)",
            name=op.f("ck_account_links_whom"),
        ),
        sa.CheckConstraint(
            "(role = 'student') = (student_id IS NOT NULL)", name=op.f("ck_account_links_student_given")
        ),
        sa.ForeignKeyConstraint(
            ["student_id"], ["students.id"], name="fk_account_links_student_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_account_links_user_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["made_by"], ["users.id"], name="fk_account_links_made_by", ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name="pk_account_links"),
        sa.UniqueConstraint("token_hash", name="uq_account_links_token_hash"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_account_links_student_id", "account_links", ["student_id"])
    op.create_index("ix_account_links_user_id", "account_links", ["user_id"])


def downgrade() -> None:
    op.execute("DELETE FROM outbox WHERE channel_id IS NULL")
    op.drop_index("ix_outbox_account_link_id", "outbox")
    with op.batch_alter_table("outbox", table_kwargs=OWN_IDS) as outbox:
        outbox.drop_constraint(op.f("ck_outbox_one_receiver"), type_="check")
        outbox.drop_constraint("fk_outbox_account_link_id", type_="foreignkey")
        outbox.drop_column("account_link_id")
        outbox.alter_column("channel_id", existing_type=sa.Integer(), nullable=False)
        outbox.drop_constraint(op.f(KIND_KNOWN), type_="check")
        outbox.create_check_constraint(op.f(KIND_KNOWN), f"kind IN ({OLD_KINDS})")
    for table in ("sign_in_trials", "identities", "reset_requests", "account_links"):
        op.drop_table(table)
    with op.batch_alter_table("users", table_kwargs=OWN_IDS) as users:
        users.drop_column("signed_in_at")
        users.drop_column("session_stamp")

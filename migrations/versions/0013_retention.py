"""Legal holds, and when a session's seconds were reduced to minutes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

AT = sa.DateTime(timezone=True)
ONE_OBJECT = (
    "(CASE WHEN course_id IS NULL THEN 0 ELSE 1 END) + (CASE WHEN session_id IS NULL THEN 0 ELSE 1 END)"
    " + (CASE WHEN student_id IS NULL THEN 0 ELSE 1 END) = 1"
)
HELD = {"course_id": "courses", "session_id": "class_sessions", "student_id": "students"}


def upgrade() -> None:
    op.add_column("class_sessions", sa.Column("reduced_at", AT, nullable=True))
    op.create_table(
        "holds",
        sa.Column("id", sa.Integer(), nullable=False),
        *(sa.Column(column, sa.Integer(), nullable=True) for column in HELD),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("ask", sa.Text(), nullable=False),
        sa.Column("placed_at", AT, nullable=False),
        sa.Column("placed_by", sa.Integer(), nullable=True),
        sa.Column("released_at", AT, nullable=True),
        sa.Column("released_by", sa.Integer(), nullable=True),
        sa.CheckConstraint(ONE_OBJECT, name=op.f("ck_holds_one_object")),
        sa.CheckConstraint("reason <> ''", name=op.f("ck_holds_reason_given")),
        sa.CheckConstraint("ask <> ''", name=op.f("ck_holds_ask_given")),
        *(
            sa.ForeignKeyConstraint([column], [f"{table}.id"], name=f"fk_holds_{column}", ondelete="RESTRICT")
            for column, table in HELD.items()
        ),
        *(
            sa.ForeignKeyConstraint([column], ["users.id"], name=f"fk_holds_{column}", ondelete="SET NULL")
            for column in ("placed_by", "released_by")
        ),
        sa.PrimaryKeyConstraint("id", name="pk_holds"),
        sqlite_autoincrement=True,
    )
    for column in HELD:
        op.create_index(f"ix_holds_{column}", "holds", [column])


def downgrade() -> None:
    op.drop_table("holds")
    op.drop_column("class_sessions", "reduced_at")

"""How far the eyes are open, for the score."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

RANGE = "ck_samples_eyes_open_range"


def upgrade() -> None:
    with op.batch_alter_table("samples") as samples:
        samples.add_column(sa.Column("eyes_open", sa.Double(), nullable=True))
        samples.create_check_constraint(op.f(RANGE), "eyes_open >= -0.000001 AND eyes_open <= 1 + 0.000001")


def downgrade() -> None:
    with op.batch_alter_table("samples") as samples:
        samples.drop_constraint(op.f(RANGE), type_="check")
        samples.drop_column("eyes_open")

"""Samples, scores and gestures."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

AT = sa.DateTime(timezone=True)
DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "samples",
        sa.Column("session_id", sa.Integer(), nullable=False),
        sa.Column("student_id", sa.Integer(), nullable=False),
        sa.Column("second", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("captured_at", AT, nullable=False),
        sa.Column("frames", sa.Integer(), nullable=False),
        sa.Column("duration_s", sa.Double(), nullable=False),
        sa.Column("face_share", sa.Double(), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=True),
        sa.Column("brightness", sa.Double(), nullable=False),
        sa.Column("p_neutral", sa.Double(), nullable=True),
        sa.Column("p_happiness", sa.Double(), nullable=True),
        sa.Column("p_surprise", sa.Double(), nullable=True),
        sa.Column("p_sadness", sa.Double(), nullable=True),
        sa.Column("p_anger", sa.Double(), nullable=True),
        sa.Column("p_disgust", sa.Double(), nullable=True),
        sa.Column("p_fear", sa.Double(), nullable=True),
        sa.Column("p_contempt", sa.Double(), nullable=True),
        sa.Column("yaw_deg", sa.Double(), nullable=True),
        sa.Column("yaw_spread_deg", sa.Double(), nullable=True),
        sa.Column("pitch_deg", sa.Double(), nullable=True),
        sa.Column("pitch_spread_deg", sa.Double(), nullable=True),
        sa.Column("roll_deg", sa.Double(), nullable=True),
        sa.Column("gaze_x", sa.Double(), nullable=True),
        sa.Column("gaze_x_spread", sa.Double(), nullable=True),
        sa.Column("gaze_y", sa.Double(), nullable=True),
        sa.Column("gaze_y_spread", sa.Double(), nullable=True),
        sa.Column("lids_closed_share", sa.Double(), nullable=True),
        sa.Column("mouth_open_share", sa.Double(), nullable=True),
        sa.Column("mode", sa.String(length=32), nullable=False),
        sa.CheckConstraint("mode = 'full' OR p_neutral IS NULL", name=op.f("ck_samples_expression_allowed")),
        sa.CheckConstraint("mode IN ('full', 'attention', 'presence')", name=op.f("ck_samples_mode_known")),
        sa.CheckConstraint(
            "COALESCE(p_neutral, p_happiness, p_surprise, p_sadness, p_anger, p_disgust, p_fear, p_contempt) IS NULL "
            "OR (p_neutral + p_happiness + p_surprise + p_sadness + p_anger + p_disgust + p_fear + p_contempt) "
            "IS NOT NULL",
            name=op.f("ck_samples_expression_whole"),
        ),
        sa.CheckConstraint(
            "brightness >= -0.000001 AND brightness <= 1 + 0.000001", name=op.f("ck_samples_brightness_range")
        ),
        sa.CheckConstraint(
            "confidence >= -0.000001 AND confidence <= 1 + 0.000001", name=op.f("ck_samples_confidence_range")
        ),
        sa.CheckConstraint(
            "face_share >= -0.000001 AND face_share <= 1 + 0.000001", name=op.f("ck_samples_face_share_range")
        ),
        sa.CheckConstraint("frames >= 0 AND duration_s >= 0", name=op.f("ck_samples_not_negative")),
        sa.CheckConstraint(
            "lids_closed_share >= -0.000001 AND lids_closed_share <= 1 + 0.000001",
            name=op.f("ck_samples_lids_closed_share_range"),
        ),
        sa.CheckConstraint(
            "mouth_open_share >= -0.000001 AND mouth_open_share <= 1 + 0.000001",
            name=op.f("ck_samples_mouth_open_share_range"),
        ),
        sa.ForeignKeyConstraint(
            ["session_id"], ["class_sessions.id"], name="fk_samples_session_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["student_id"], ["students.id"], name="fk_samples_student_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("session_id", "student_id", "second", name="pk_samples"),
    )
    op.create_index("ix_samples_session_id_captured_at", "samples", ["session_id", "captured_at"])
    op.create_index("ix_samples_student_id_second", "samples", ["student_id", "second"])
    op.create_table(
        "scoring_versions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("settings", DOCUMENT, nullable=True),
        sa.Column("created_at", AT, nullable=False),
        sa.CheckConstraint("name <> ''", name=op.f("ck_scoring_versions_name_given")),
        sa.PrimaryKeyConstraint("id", name="pk_scoring_versions"),
        sa.UniqueConstraint("name", name="uq_scoring_versions_name"),
    )
    op.create_table(
        "scores",
        sa.Column("session_id", sa.Integer(), nullable=False),
        sa.Column("student_id", sa.Integer(), nullable=False),
        sa.Column("second", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("scoring_version_id", sa.Integer(), nullable=False),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=True),
        sa.Column("terms", DOCUMENT, nullable=False),
        sa.CheckConstraint(
            "reason IN ('away', 'no camera', 'too dark', 'paused', 'no consent', 'unsure', 'presence only')",
            name=op.f("ck_scores_reason_known"),
        ),
        sa.CheckConstraint(
            "confidence >= -0.000001 AND confidence <= 1 + 0.000001", name=op.f("ck_scores_confidence_range")
        ),
        sa.CheckConstraint("value >= -0.000001 AND value <= 10 + 0.000001", name=op.f("ck_scores_value_range")),
        sa.CheckConstraint("value IS NOT NULL OR reason IS NOT NULL", name=op.f("ck_scores_explained")),
        sa.ForeignKeyConstraint(
            ["scoring_version_id"], ["scoring_versions.id"], name="fk_scores_scoring_version_id", ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["session_id", "student_id", "second"],
            ["samples.session_id", "samples.student_id", "samples.second"],
            name="fk_scores_session_id_student_id_second",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("session_id", "student_id", "second", "scoring_version_id", name="pk_scores"),
    )
    op.create_table(
        "gestures",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("session_id", sa.Integer(), nullable=False),
        sa.Column("student_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("started_at", AT, nullable=False),
        sa.Column("ended_at", AT, nullable=False),
        sa.Column("strength", sa.Double(), nullable=False),
        sa.CheckConstraint("kind <> ''", name=op.f("ck_gestures_kind_given")),
        sa.CheckConstraint("ended_at >= started_at", name=op.f("ck_gestures_in_order")),
        sa.CheckConstraint(
            "strength >= -0.000001 AND strength <= 1 + 0.000001", name=op.f("ck_gestures_strength_range")
        ),
        sa.ForeignKeyConstraint(
            ["session_id"], ["class_sessions.id"], name="fk_gestures_session_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["student_id"], ["students.id"], name="fk_gestures_student_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_gestures"),
        sa.UniqueConstraint(
            "session_id", "student_id", "kind", "started_at", name="uq_gestures_session_id_student_id_kind_started_at"
        ),
    )
    op.create_index("ix_gestures_student_id", "gestures", ["student_id"])


def downgrade() -> None:
    for table in ("gestures", "scores", "scoring_versions", "samples"):
        op.drop_table(table)

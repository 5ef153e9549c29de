"""Voices of tenants' own: the recording that each is learnt from, and the consent of who speaks in it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "Voice",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("tenantId", sa.String(128), sa.ForeignKey("Tenant.id", ondelete="CASCADE"), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("language", sa.String(20)),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("bytes", sa.Integer, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("sentSha256", sa.String(64), nullable=False),
        sa.Column("consent", sa.Text, nullable=False),
        sa.Column("consentBy", sa.String(200), nullable=False),
        sa.Column("consentAt", sa.DateTime(timezone=True), nullable=False),
        sa.Column("createdBy", sa.String(300), nullable=False),
        sa.Column("createdAt", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    )
    op.create_index("Voice_tenantId_name_key", "Voice", ["tenantId", "name"], unique=True)


def downgrade() -> None:
    op.drop_table("Voice")

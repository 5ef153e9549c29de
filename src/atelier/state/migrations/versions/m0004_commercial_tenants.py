"""Tenants that use what they get commercially: no model whose licence forbids that serves them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("Tenant", sa.Column("commercial", sa.Boolean, nullable=False, server_default=sa.false()))


def downgrade() -> None:
    with op.batch_alter_table("Tenant") as altered:
        altered.drop_column("commercial")

"""LoRAs that a tenant may use, instead of those of its plan and of the settings."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("Tenant", sa.Column("loras", sa.Text))


def downgrade() -> None:
    with op.batch_alter_table("Tenant") as altered:
        altered.drop_column("loras")

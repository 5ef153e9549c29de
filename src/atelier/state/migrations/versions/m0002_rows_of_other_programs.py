"""Rows that other programs write may leave out what has a default; a file may have more than 2 GB."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

NUMBERS: dict[str, type[sa.Integer] | type[sa.Float[float]]] = {
    "tokens": sa.Integer,
    "units": sa.Float,
    "megapixels": sa.Float,
    "steps": sa.Integer,
    "audioSeconds": sa.Float,
    "characters": sa.Integer,
    "computeMs": sa.Float,
    "cost": sa.Float,
}
TABLES = ("Tenant", "ApiKey", "AIUsage", "Artifact")


def upgrade() -> None:
    _alter(zero=sa.text("0"), moment=sa.func.now(), was=sa.Integer, size=sa.BigInteger)


def downgrade() -> None:
    _alter(zero=None, moment=None, was=sa.BigInteger, size=sa.Integer)


def _alter(
    *,
    zero: sa.TextClause | None,
    moment: sa.ColumnElement[datetime] | None,
    was: type[sa.Integer],
    size: type[sa.Integer],
) -> None:
    for name in TABLES:
        with op.batch_alter_table(name) as table:
            table.alter_column("createdAt", existing_type=sa.DateTime(timezone=True), server_default=moment)
            if name == "AIUsage":
                for column, kind in NUMBERS.items():
                    table.alter_column(column, existing_type=kind(), existing_nullable=False, server_default=zero)
            if name == "Artifact":
                table.alter_column("bytes", existing_type=was(), type_=size(), existing_nullable=False)

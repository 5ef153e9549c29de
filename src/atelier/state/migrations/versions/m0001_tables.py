"""The tables as Atelier 0.1.0 made them, before it had migrations."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def _tenant() -> sa.Column[str]:
    return sa.Column("tenantId", sa.String(128), sa.ForeignKey("Tenant.id", ondelete="CASCADE"), nullable=False)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _number(name: str, kind: type[sa.Integer] | type[sa.Float[float]]) -> sa.Column[int] | sa.Column[float]:
    return sa.Column(name, kind, nullable=False)


def upgrade() -> None:
    op.create_table(
        "Tenant",
        sa.Column("id", sa.String(128), primary_key=True),
        sa.Column("name", sa.String(200), nullable=False),
        _moment("createdAt"),
    )
    op.create_table(
        "ApiKey",
        sa.Column("id", sa.String(32), primary_key=True),
        _tenant(),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("admin", sa.Boolean, nullable=False, server_default=sa.false()),
        _moment("createdAt"),
        _moment("revokedAt", nullable=True),
    )
    op.create_index("ix_ApiKey_tenantId", "ApiKey", ["tenantId"])
    op.create_table(
        "AIUsage",
        sa.Column("id", sa.String(36), primary_key=True),
        _tenant(),
        sa.Column("service", sa.String(40), nullable=False),
        sa.Column("requestType", sa.String(40), nullable=False),
        sa.Column("modelUsed", sa.String(200)),
        _number("tokens", sa.Integer),
        _number("duration", sa.Integer),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("error", sa.String(40)),
        _number("units", sa.Float),
        sa.Column("unit", sa.String(20), nullable=False),
        _number("megapixels", sa.Float),
        _number("steps", sa.Integer),
        _number("audioSeconds", sa.Float),
        _number("characters", sa.Integer),
        _number("computeMs", sa.Float),
        _number("cost", sa.Float),
        sa.Column("upstream", sa.String(200)),
        sa.Column("userId", sa.String(200)),
        _moment("createdAt"),
    )
    op.create_index("AIUsage_tenantId_createdAt_idx", "AIUsage", ["tenantId", "createdAt"])
    op.create_index("AIUsage_tenantId_service_createdAt_idx", "AIUsage", ["tenantId", "service", "createdAt"])
    op.create_table(
        "Artifact",
        sa.Column("id", sa.String(36), primary_key=True),
        _tenant(),
        sa.Column("requestId", sa.String(36), nullable=False),
        sa.Column("mediaType", sa.String(100), nullable=False),
        sa.Column("bytes", sa.Integer, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        _moment("createdAt"),
    )
    op.create_index("Artifact_tenantId_createdAt_idx", "Artifact", ["tenantId", "createdAt"])


def downgrade() -> None:
    for table in ("Artifact", "AIUsage", "ApiKey", "Tenant"):
        op.drop_table(table)

"""The tables. Names are camelCase and quoted, as users of Prisma expect them."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    false,
)

metadata = MetaData()


def now() -> datetime:
    return datetime.now(UTC)


tenants = Table(
    "Tenant",
    metadata,
    Column("id", String(128), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("createdAt", DateTime(timezone=True), nullable=False, default=now),
)

api_keys = Table(
    "ApiKey",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("tenantId", ForeignKey("Tenant.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("name", String(200), nullable=False),
    Column("hash", String(64), nullable=False),
    Column("admin", Boolean, nullable=False, server_default=false()),
    Column("createdAt", DateTime(timezone=True), nullable=False, default=now),
    Column("revokedAt", DateTime(timezone=True)),
)

usage = Table(
    "AIUsage",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("tenantId", ForeignKey("Tenant.id", ondelete="CASCADE"), nullable=False),
    Column("service", String(40), nullable=False),
    Column("requestType", String(40), nullable=False),
    Column("modelUsed", String(200)),
    Column("tokens", Integer, nullable=False, default=0),
    Column("duration", Integer, nullable=False),  # milliseconds from admission to the end
    Column("status", String(20), nullable=False),  # succeeded, failed or cancelled
    Column("error", String(40)),  # the code of what failed it
    Column("units", Float, nullable=False, default=0),
    Column("unit", String(20), nullable=False),
    Column("megapixels", Float, nullable=False, default=0),
    Column("steps", Integer, nullable=False, default=0),
    Column("audioSeconds", Float, nullable=False, default=0),
    Column("characters", Integer, nullable=False, default=0),
    Column("computeMs", Float, nullable=False, default=0),
    Column("cost", Float, nullable=False, default=0),
    Column("upstream", String(200)),
    Column("userId", String(200)),
    Column("createdAt", DateTime(timezone=True), nullable=False, default=now),
    Index("AIUsage_tenantId_createdAt_idx", "tenantId", "createdAt"),
    Index("AIUsage_tenantId_service_createdAt_idx", "tenantId", "service", "createdAt"),
)

artifacts = Table(
    "Artifact",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("tenantId", ForeignKey("Tenant.id", ondelete="CASCADE"), nullable=False),
    Column("requestId", String(36), nullable=False),
    Column("mediaType", String(100), nullable=False),
    Column("bytes", Integer, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("createdAt", DateTime(timezone=True), nullable=False, default=now),
    Index("Artifact_tenantId_createdAt_idx", "tenantId", "createdAt"),
)

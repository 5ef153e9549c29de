"""The tables. Names are camelCase and quoted, as users of Prisma expect them."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    false,
    func,
    text,
)

metadata = MetaData()


def now() -> datetime:
    return datetime.now(UTC)


class Moment(TypeDecorator[datetime]):
    """A moment with its zone, always UTC. SQLite keeps none, so it is put on again."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


def _created() -> Column[datetime]:
    return Column("createdAt", Moment, nullable=False, default=now, server_default=func.now())


def _count(name: str, kind: type[Integer] | type[Float[float]]) -> Column[int] | Column[float]:
    """Nothing until something was counted, also where another program writes the row."""
    return Column(name, kind, nullable=False, default=0, server_default=text("0"))


tenants = Table(
    "Tenant",
    metadata,
    Column("id", String(128), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("plan", String(60)),  # none: the limits that every tenant has
    Column("suspendedAt", Moment),
    Column("commercial", Boolean, nullable=False, server_default=false()),  # no model whose licence forbids that
    Column("loras", Text),  # names that it may use, with commas between; empty: none; null: as its plan says
    _created(),
)

tenant_limits = Table(
    "TenantLimit",
    metadata,
    Column("tenantId", ForeignKey("Tenant.id", ondelete="CASCADE"), primary_key=True),
    Column("service", String(40), primary_key=True),  # * is every one
    Column("measure", String(20), primary_key=True),  # requests, units, cost or concurrent
    Column("per", String(10), primary_key=True),  # empty for concurrent
    Column("allowed", Float, nullable=False),
    _created(),
)

api_keys = Table(
    "ApiKey",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("tenantId", ForeignKey("Tenant.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("name", String(200), nullable=False),
    Column("hash", String(64), nullable=False),
    Column("admin", Boolean, nullable=False, server_default=false()),
    Column("services", String(400)),  # the names of those that it is for, with commas between; none: every one
    Column("expiresAt", Moment),
    Column("lastUsedAt", Moment),
    _created(),
    Column("revokedAt", Moment),
)

usage = Table(
    "AIUsage",
    metadata,
    Column("id", String(36), primary_key=True),  # the request's id, a UUIDv7
    Column("tenantId", ForeignKey("Tenant.id", ondelete="CASCADE"), nullable=False),
    Column("service", String(40), nullable=False),
    Column("requestType", String(40), nullable=False),
    Column("modelUsed", String(200)),
    _count("tokens", Integer),
    Column("duration", Integer, nullable=False),  # milliseconds from admission to the end
    Column("status", String(20), nullable=False),  # succeeded, failed or cancelled
    Column("error", String(40)),  # the code of what failed it
    _count("units", Float),
    Column("unit", String(20), nullable=False),
    _count("megapixels", Float),
    _count("steps", Integer),
    _count("audioSeconds", Float),
    _count("characters", Integer),
    _count("computeMs", Float),
    _count("cost", Float),
    Column("upstream", String(200)),
    Column("fallback", Boolean, nullable=False, default=False, server_default=false()),
    Column("cached", Boolean, nullable=False, default=False, server_default=false()),
    Column("userId", String(200)),
    _created(),
    Index("AIUsage_tenantId_createdAt_idx", "tenantId", "createdAt"),
    Index("AIUsage_tenantId_service_createdAt_idx", "tenantId", "service", "createdAt"),
    Index("AIUsage_createdAt_idx", "createdAt"),
)

artifacts = Table(
    "Artifact",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("tenantId", ForeignKey("Tenant.id", ondelete="CASCADE"), nullable=False),
    Column("requestId", String(36), nullable=False),
    Column("mediaType", String(100), nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("object", String(200)),  # where the bytes are in the store; none: under the id, as Atelier 0.1.0 kept them
    Column("expiresAt", Moment),
    _created(),
    Index("Artifact_tenantId_createdAt_idx", "tenantId", "createdAt"),
    Index("Artifact_tenantId_sha256_idx", "tenantId", "sha256"),
    Index("Artifact_expiresAt_idx", "expiresAt"),
)

voices = Table(
    "Voice",
    metadata,
    Column("id", String(36), primary_key=True),  # a UUIDv7
    Column("tenantId", ForeignKey("Tenant.id", ondelete="CASCADE"), nullable=False),
    Column("name", String(100), nullable=False),
    Column("language", String(20)),  # what it speaks where a request does not say
    Column("seconds", Float, nullable=False),  # of the recording that it is learnt from
    Column("bytes", Integer, nullable=False),
    Column("sha256", String(64), nullable=False),  # of that recording as it is kept
    Column("sentSha256", String(64), nullable=False),  # and as it was sent
    Column("consent", Text, nullable=False),  # the statement, word for word
    Column("consentBy", String(200), nullable=False),  # who speaks in the recording, and agreed
    Column("consentAt", Moment, nullable=False),
    Column("createdBy", String(300), nullable=False),  # tenant and user of the request that recorded it
    _created(),
    Index("Voice_tenantId_name_key", "tenantId", "name", unique=True),
)

audit = Table(
    "AuditEntry",
    metadata,
    Column("id", String(36), primary_key=True),  # a UUIDv7
    Column("actor", String(300), nullable=False),  # tenant and user of a request, or the command line's user
    Column("action", String(60), nullable=False),  # such as tenant.suspend
    Column("target", String(300), nullable=False),
    Column("tenantId", String(128)),  # not a reference: the entry outlives the tenant
    Column("details", Text, nullable=False, server_default=text("'{}'")),  # JSON
    Column("requestId", String(36)),
    _created(),
    Index("AuditEntry_createdAt_idx", "createdAt"),
    Index("AuditEntry_tenantId_createdAt_idx", "tenantId", "createdAt"),
)

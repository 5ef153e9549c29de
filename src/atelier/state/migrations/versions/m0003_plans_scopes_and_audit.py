"""Plans, suspension and limits of a tenant; keys with services and an end; where artifacts lie; the audit log."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def _added() -> dict[str, tuple[sa.Column[Any], ...]]:
    """Made anew for each use: a column belongs to one table object."""
    return {
        "Tenant": (sa.Column("plan", sa.String(60)), _moment("suspendedAt")),
        "ApiKey": (sa.Column("services", sa.String(400)), _moment("expiresAt"), _moment("lastUsedAt")),
        "AIUsage": (_flag("fallback"), _flag("cached")),
        "Artifact": (sa.Column("object", sa.String(200)), _moment("expiresAt")),
    }


def _moment(name: str) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(timezone=True))


def _flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean, nullable=False, server_default=sa.false())


INDEXES = (
    ("AIUsage_createdAt_idx", "AIUsage", ["createdAt"]),
    ("Artifact_tenantId_sha256_idx", "Artifact", ["tenantId", "sha256"]),
    ("Artifact_expiresAt_idx", "Artifact", ["expiresAt"]),
)


REFUSAL = "entries of the audit log are never changed or deleted"
SQLITE_TRIGGERS = {
    "AuditEntry_no_update": 'BEFORE UPDATE ON "AuditEntry"',
    "AuditEntry_no_delete": 'BEFORE DELETE ON "AuditEntry"',
    # INSERT OR REPLACE deletes the row that is in its way without asking the trigger above.
    "AuditEntry_no_replace": 'BEFORE INSERT ON "AuditEntry" WHEN EXISTS (SELECT 1 FROM "AuditEntry" WHERE id = NEW.id)',
}


def _close_the_log() -> None:
    """The database itself refuses to change what administrators did; a batch alteration would have to do this anew."""
    if op.get_bind().dialect.name == "sqlite":
        for name, moment in SQLITE_TRIGGERS.items():
            op.execute(f"CREATE TRIGGER \"{name}\" {moment} BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END")
        return
    op.execute(
        'CREATE FUNCTION "AuditEntry_refuse"() RETURNS trigger LANGUAGE plpgsql AS '
        f"$$ BEGIN RAISE EXCEPTION '{REFUSAL}'; END $$"
    )
    for name, moment, each in (("change", "UPDATE OR DELETE", "ROW"), ("truncate", "TRUNCATE", "STATEMENT")):
        op.execute(
            f'CREATE TRIGGER "AuditEntry_no_{name}" BEFORE {moment} ON "AuditEntry" '
            f'FOR EACH {each} EXECUTE FUNCTION "AuditEntry_refuse"()'
        )


def _created() -> sa.Column[datetime]:
    return sa.Column("createdAt", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now())


def upgrade() -> None:
    for table, columns in _added().items():
        for column in columns:
            op.add_column(table, column)
    for name, table, fields in INDEXES:
        op.create_index(name, table, fields)
    op.create_table(
        "TenantLimit",
        sa.Column("tenantId", sa.String(128), sa.ForeignKey("Tenant.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("service", sa.String(40), primary_key=True),
        sa.Column("measure", sa.String(20), primary_key=True),
        sa.Column("per", sa.String(10), primary_key=True),
        sa.Column("allowed", sa.Float, nullable=False),
        _created(),
    )
    op.create_table(
        "AuditEntry",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("actor", sa.String(300), nullable=False),
        sa.Column("action", sa.String(60), nullable=False),
        sa.Column("target", sa.String(300), nullable=False),
        sa.Column("tenantId", sa.String(128)),
        sa.Column("details", sa.Text, nullable=False, server_default=sa.text("'{}'")),
        sa.Column("requestId", sa.String(36)),
        _created(),
    )
    op.create_index("AuditEntry_createdAt_idx", "AuditEntry", ["createdAt"])
    op.create_index("AuditEntry_tenantId_createdAt_idx", "AuditEntry", ["tenantId", "createdAt"])
    _close_the_log()


def downgrade() -> None:
    op.drop_table("AuditEntry")
    if op.get_bind().dialect.name == "postgresql":
        op.execute('DROP FUNCTION "AuditEntry_refuse"()')
    op.drop_table("TenantLimit")
    for name, table, _ in INDEXES:
        op.drop_index(name, table)
    for table, columns in _added().items():
        with op.batch_alter_table(table) as altered:
            for column in columns:
                altered.drop_column(column.name)

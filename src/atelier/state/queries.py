"""What may be asked of tenants, keys, usage and the audit log: by a query's fields, or by a command's options."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from atelier.state.audit import Action, AuditFilter
from atelier.state.records import Instant, ServiceName, TenantName, printable
from atelier.state.usage_export import Format, UsageFilter

First = Annotated[Instant | None, Field(alias="from", description="From this moment on; without a zone UTC.")]
Before = Annotated[Instant | None, Field(alias="to", description="Before this moment; without a zone UTC.")]
Words = Annotated[str, AfterValidator(printable)]


class Query(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Page(Query):
    limit: Annotated[int, Field(ge=1, le=500, description="How many at most.")] = 50
    after: Annotated[Words | None, Field(max_length=128, description="`next` of the page before.")] = None


class TenantsQuery(Page):
    search: Annotated[
        Words | None, Field(min_length=1, max_length=100, description="Part of an id or a name, in any case.")
    ] = None


class DeleteQuery(Query):
    purge: Annotated[bool, Field(description="Delete its usage records, artifacts and voices too.")] = False


class KeysQuery(Page):
    tenant: TenantName | None = None


class UsageQuery(Query):
    tenant: TenantName | None = None
    service: ServiceName | None = None
    first: First = None
    before: Before = None

    def wanted(self) -> UsageFilter:
        """Raises InvalidRequest for a time that ends before it begins."""
        return UsageFilter(self.tenant, self.service, self.first, self.before)


class ExportQuery(UsageQuery):
    format: Annotated[Format, Field(description="csv, with a header line, or ndjson: one JSON object a line.")] = "csv"


class SumQuery(UsageQuery, Page):
    """limit: of tenants; each has a sum for each service."""


class AuditQuery(Page):
    tenant: TenantName | None = None
    actor: Annotated[Words | None, Field(max_length=300, description="Who acted: tenant/user, or cli:name.")] = None
    action: Action | None = None
    target: Annotated[Words | None, Field(max_length=300, description="The id of a tenant or a key.")] = None
    first: First = None
    before: Before = None

    def wanted(self) -> AuditFilter:
        return AuditFilter(self.tenant, self.actor, self.action, self.target, self.first, self.before)

"""A request's usage record while it is served, and the line of JSON as which it travels to the database."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pydantic_core import from_json, to_json

from atelier.catalog import Service
from atelier.contracts.base import Usage
from atelier.gateway.auth import Caller
from atelier.rules import FREE, Price
from atelier.state.rows import storable

_NOTHING = Usage()

_COLUMNS = {
    "units": "units",
    "megapixels": "megapixels",
    "steps": "steps",
    "audio_seconds": "audioSeconds",
    "characters": "characters",
    "tokens": "tokens",
    "compute_ms": "computeMs",
}
"""Of what was used."""


@dataclass(slots=True, eq=False)
class UsageRecord:
    """A request's row while it is served. `delivered` grows with what the client has had; a failure counts nothing.

    price: of its service. fallback: an upstream of a later tier served it. cached: a kept answer was given again.
    """

    id: str
    caller: Caller
    service: Service
    request_type: str
    price: Price = FREE
    started: float = field(default_factory=time.monotonic)
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    status: str = "cancelled"  # until something else is known
    error: str | None = None
    model: str | None = None
    upstream: str | None = None
    fallback: bool = False
    cached: bool = False
    delivered: Usage = _NOTHING
    settled: bool = False

    def name_upstream(self, url: str, fallback: bool = False) -> None:
        self.upstream, self.fallback = url[:200], fallback

    @property
    def counted(self) -> Usage:
        """What the row says: nothing of a failure, and no time on a device for a kept answer."""
        if self.status == "failed":
            return _NOTHING
        if self.cached and self.delivered.compute_ms:
            return self.delivered.model_copy(update={"compute_ms": 0.0})
        return self.delivered

    @property
    def cost(self) -> float:
        """In the currency of the prices."""
        if self.price is FREE or self.status == "failed":
            return 0.0
        return round(self.price.of(self.counted), 9)  # no digits that only come of adding

    def row(self) -> dict[str, Any]:
        """The values of AIUsage's columns, but for those that are empty, zero or false: their defaults."""
        row: dict[str, Any] = {
            "id": self.id,
            "tenantId": self.caller.tenant,
            "service": self.service.name,
            "requestType": self.request_type,
            "duration": round((time.monotonic() - self.started) * 1000),
            "status": self.status,
            "unit": self.service.unit,
            "createdAt": self.created,
        }
        for name, used in self.counted.__dict__.items():
            if used:
                row[_COLUMNS[name]] = used
        if self.caller.user:
            row["userId"] = storable(self.caller.user, 200)
        if self.model:
            row["modelUsed"] = storable(self.model, 200)
        if self.error:
            row["error"] = self.error
        if self.upstream:
            row["upstream"] = self.upstream
        if cost := self.cost:
            row["cost"] = cost
        if self.fallback:
            row["fallback"] = True
        if self.cached:
            row["cached"] = True
        return row

    def line(self) -> bytes:
        """The row as one line of JSON."""
        return to_json(self.row()) + b"\n"


def settled_at(line: bytes) -> float:
    """When the record of a line was settled, in seconds since 1970. Raises ValueError for what is no such line."""
    try:
        row = from_json(line)
        return datetime.fromisoformat(row["createdAt"]).timestamp() + float(row["duration"]) / 1000
    except (KeyError, TypeError):
        raise ValueError("not a usage record") from None

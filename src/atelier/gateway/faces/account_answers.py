"""What the account's routes and /health answer, for the reference and the clients whose types are made from it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from atelier.rules import Measure, Per

ServiceName = Literal["text-to-image", "text-to-speech", "speech-to-text", "image-to-image", "image-to-text"]


class ServiceUsage(BaseModel):
    """units: what the limits count, in `unit`. cost: in the currency of the prices."""

    requests: int
    succeeded: int
    failed: int
    cancelled: int
    cached: int
    fallback: int
    units: float
    tokens: int
    megapixels: float
    audio_seconds: float
    characters: int
    compute_ms: float
    cost: float
    unit: str


class UsageMonth(BaseModel):
    """usage: requests of every service. services: the sums of those that had any."""

    month: str
    usage: dict[str, int]
    total: int
    services: dict[str, ServiceUsage]


class UsageDay(BaseModel):
    """One service and model on one day, in UTC. model: empty where none answered."""

    day: str
    service: ServiceName
    model: str
    unit: str
    requests: int
    failed: int
    units: float
    cost: float


class UsageDays(BaseModel):
    month: str
    days: list[UsageDay]


class CallerAnswer(BaseModel):
    """services: what the credentials are for; null is every one."""

    tenant: str
    user: str | None
    services: list[str] | None


class LimitAnswer(BaseModel):
    """service: `*` where it is one sum over all. per: null for concurrent requests. resets_in: seconds."""

    service: str
    measure: Measure
    unit: str
    allowed: float
    left: float
    per: Per | None
    window_seconds: int
    resets_in: float


class LimitList(BaseModel):
    limits: list[LimitAnswer]


class ModelEntry(BaseModel):
    """A model that is ready, with more than is named here where there is more to tell. loras: those that the caller may
    use."""

    model_config = ConfigDict(extra="allow")

    id: str
    object: Literal["model"]
    created: int
    owned_by: str
    service: ServiceName
    services: list[ServiceName]
    note: str | None = None
    voices: list[str] | None = None
    clones: bool | None = None
    languages: list[str] | None = None
    loras: list[str] | None = None


class ModelList(BaseModel):
    object: Literal["list"]
    data: list[ModelEntry]


class Queue(BaseModel):
    waiting: int
    running: int


class ServiceHealth(BaseModel):
    """As the last probe found it. response_time: milliseconds. circuit: whether requests are let through."""

    status: Literal["healthy", "starting", "degraded", "unhealthy"]
    response_time: float | None
    model: str | None
    models: list[dict[str, Any]]
    queue: Queue | None
    upstreams: int
    circuit: str
    process: Annotated[dict[str, Any] | None, Field(description="Of its worker, under `atelier serve`")] = None


class HealthReport(BaseModel):
    status: Literal["healthy", "degraded", "unhealthy"]
    services: dict[str, ServiceHealth]
    state: dict[str, Any]
    timestamp: datetime

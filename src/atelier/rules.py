"""The tables of atelier.toml: limits, plans, prices and upstreams, each row checked when it is read."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    field_validator,
    model_validator,
)
from yarl import URL

from atelier.catalog import SERVICES, Amounts
from atelier.contracts.images import LORA_NAME

Measure = Literal["requests", "units", "cost", "concurrent"]
Per = Literal["second", "minute", "hour", "day", "month"]

WINDOWS: dict[Measure, tuple[Per, ...]] = {
    "requests": ("second", "minute", "hour", "day"),
    "units": ("day", "month"),
    "cost": ("day", "month"),
    "concurrent": (),
}
"""What each measure can be limited per: sliding windows for requests, calendar days and months (UTC) for the others."""

_DEFAULT_WINDOW: dict[Measure, Per | None] = {"requests": "hour", "units": "month", "cost": "month", "concurrent": None}


MOST_COUNTED = 10**15
MOST_AMOUNT = 9 * 10**9
"""Above 2^53 the numbers of Lua, and of a column of the database, are not exact; units and money are counted in
millionths."""

MOST_PRICE = 10**6
"""So dear that no request comes to more than Redis can add up."""

EVERY = "*"
"""In a list of LoRAs: each that there is."""


def _each_once(names: list[str]) -> list[str]:
    return sorted(set(names))


LoraNames = Annotated[
    list[Annotated[str, StringConstraints(pattern=rf"^({LORA_NAME}|\{EVERY})$")]],
    Field(max_length=100),
    AfterValidator(_each_once),
]
"""What a plan or a tenant may use of LoRAs, by name, without strengths; empty: none."""


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class LimitRule(_Row):
    """One limit: so many `requests`, `units` of the service, or so much money (`cost`) per window; or so many
    `concurrent` requests.

    service, tenant: `*` is every one. Each service is counted by itself, but for `cost`: its `*` is one sum over all.
    """

    requests: Annotated[int | None, Field(ge=0, le=MOST_COUNTED)] = None
    units: Annotated[float | None, Field(ge=0, le=MOST_AMOUNT)] = None
    cost: Annotated[float | None, Field(ge=0, le=MOST_AMOUNT)] = None
    concurrent: Annotated[int | None, Field(ge=0, le=MOST_COUNTED)] = None
    per: Per | None = None
    service: str = "*"
    tenant: str = "*"

    @field_validator("service")
    @classmethod
    def _known(cls, service: str) -> str:
        if service != "*" and service not in SERVICES:
            raise ValueError(f"no service {service!r}; there are {', '.join(SERVICES)}, and * for all")
        return service

    @model_validator(mode="after")
    def _one_measure(self) -> Self:
        given = [measure for measure in WINDOWS if getattr(self, measure) is not None]
        if len(given) != 1:
            raise ValueError(f"a limit names exactly one of {', '.join(WINDOWS)}")
        possible = WINDOWS[given[0]]
        if self.per is not None and self.per not in possible:
            raise ValueError(f"{given[0]} can be limited per {', '.join(possible)}" if possible else "leave out per")
        return self

    @property
    def measure(self) -> Measure:
        return next(measure for measure in WINDOWS if getattr(self, measure) is not None)

    @property
    def allowed(self) -> float:
        value: float = getattr(self, self.measure)
        return value

    @property
    def window(self) -> Per | None:
        """None for concurrent requests, which have no window."""
        return self.per or _DEFAULT_WINDOW[self.measure]


class Plan(_Row):
    """What tenants of one plan may do. cache: answers that cannot differ are kept and given again.

    retention_days: for so long their artifacts are kept; none: as the setting of that name says. loras: what they may
    use of these; none: as the table of that name says.
    """

    limits: tuple[LimitRule, ...] = ()
    cache: bool = False
    retention_days: Annotated[float | None, Field(gt=0)] = None
    loras: LoraNames | None = None

    @model_validator(mode="after")
    def _no_tenants(self) -> Self:
        if any(rule.tenant != "*" for rule in self.limits):
            raise ValueError("a plan's limits name no tenant: the tenant names its plan")
        return self


_PAID_BY = {
    "units": "unit",
    "megapixels": "megapixel",
    "steps": "step",
    "audio_seconds": "audio_second",
    "characters": "character",
    "tokens": "token",
    "compute_ms": "compute_second",
}


class Price(_Row):
    """What one request of a service costs: the sum of these, each times what was used. One currency for all."""

    request: Annotated[float, Field(ge=0, le=MOST_PRICE)] = 0.0
    unit: Annotated[float, Field(ge=0, le=MOST_PRICE)] = 0.0
    megapixel: Annotated[float, Field(ge=0, le=MOST_PRICE)] = 0.0
    step: Annotated[float, Field(ge=0, le=MOST_PRICE)] = 0.0
    audio_second: Annotated[float, Field(ge=0, le=MOST_PRICE)] = 0.0
    character: Annotated[float, Field(ge=0, le=MOST_PRICE)] = 0.0
    token: Annotated[float, Field(ge=0, le=MOST_PRICE)] = 0.0
    compute_second: Annotated[float, Field(ge=0, le=MOST_PRICE)] = 0.0

    def of(self, usage: Amounts) -> float:
        return (
            self.request
            + self.unit * usage.units
            + self.megapixel * usage.megapixels
            + self.step * usage.steps
            + self.audio_second * usage.audio_seconds
            + self.character * usage.characters
            + self.token * usage.tokens
            + self.compute_second * usage.compute_ms / 1000
        )

    def asks_for(self, amounts: frozenset[str]) -> bool:
        """Whether any of these, named as Usage names them, is paid for."""
        return any(getattr(self, _PAID_BY[name]) for name in amounts)


FREE = Price()
"""Of a service that has no price."""


class UpstreamRule(_Row):
    """One address that serves a service: a worker of ours, or any server that speaks the OpenAI-compatible API.

    tier: a higher one is used while none of the lower can serve. weight: its share within the tier.
    key, key_variable: the bearer key that it wants, or the environment variable that holds it.
    model: what to ask it for, whatever the caller named. most_in_flight: more than that at once are not sent to it.
    name: what metrics and traces call it; none: tier-0, tier-1, … by its tier.
    dns: its host is a name with as many addresses as there are replicas, and each address counts as an upstream.
    """

    url: str
    tier: Annotated[int, Field(ge=0, le=99)] = 0
    weight: Annotated[float, Field(gt=0)] = 1.0
    key: SecretStr | None = None
    key_variable: str | None = None
    model: str | None = None
    most_in_flight: Annotated[int | None, Field(ge=1)] = None
    name: Annotated[str | None, Field(pattern=r"^[A-Za-z0-9._-]{1,40}$")] = None
    dns: bool = False

    @model_validator(mode="before")
    @classmethod
    def _address_alone(cls, given: object) -> object:
        return {"url": given} if isinstance(given, str) else given

    @field_validator("url")
    @classmethod
    def _address(cls, address: str) -> str:
        url = URL(address)
        if url.scheme not in {"http", "https"} or not url.host or url.user or url.password or url.query_string:
            raise ValueError("must look like http://gpu-1:7860 (keys go into key or key_variable)")
        return address.rstrip("/").removesuffix("/v1")

    @model_validator(mode="after")
    def _one_key(self) -> Self:
        if self.key is not None and self.key_variable is not None:
            raise ValueError("give key or key_variable, not both")
        return self

    @model_validator(mode="after")
    def _a_name_in_the_clear(self) -> Self:
        if self.dns and URL(self.url).scheme != "http":  # a certificate is for the name, not for its addresses
            raise ValueError("dns is for addresses that begin with http://")
        return self

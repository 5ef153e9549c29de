"""What administration reads and writes: tenants, keys, audit entries, and changes; each field is checked here, once."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
)

from atelier.catalog import SERVICES
from atelier.contracts.base import Language, Text
from atelier.rules import LoraNames

MOST_TENANT_CHARACTERS = 128
MOST_DAYS = 36_500

# What every back end and every zone can hold.
_EARLIEST, _LATEST = datetime(1970, 1, 2, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)

_DATE = re.compile(r"\d{4}-\d\d-\d\d")


def is_tenant_name(tenant: str) -> bool:
    """Whether it can be a tenant's id: 1 to 128 printable characters."""
    return 1 <= len(tenant) <= MOST_TENANT_CHARACTERS and tenant.isprintable() and tenant == tenant.strip()


def _tenant_name(tenant: str) -> str:
    if not is_tenant_name(tenant):
        raise ValueError(f"must be 1 to {MOST_TENANT_CHARACTERS} printable characters, without space around them")
    return tenant


def printable(text: str) -> str:
    """Raises ValueError for what no name holds, and PostgreSQL does not take."""
    if not text.isprintable():
        raise ValueError("must be printable characters on one line")
    return text


def _service(name: str) -> str:
    if name not in SERVICES:
        raise ValueError(f"no service {name[:40]!r}; there are {', '.join(SERVICES)}")
    return name


def _each_once(names: list[str]) -> list[str]:
    """In the catalog's order."""
    return [name for name in SERVICES if name in names]


def _storable(moment: datetime) -> datetime:
    # Compared before it is moved to UTC: near the end of time that would overflow.
    if not _EARLIEST <= moment.replace(tzinfo=UTC) < _LATEST:
        raise ValueError("must be after 1970 and before 9000")
    return moment.astimezone(UTC)


def _dated(text: object) -> object:
    """Text alone, in full: a bare number would be taken for seconds."""
    if isinstance(text, str) and not _DATE.match(text):
        raise ValueError("must look like 2026-01-31 or 2026-01-31T12:00:00Z")
    return text


def _clamped(moment: datetime) -> datetime:
    """A bound of a search: before or after all that there can be is as good."""
    naive = min(max(moment.replace(tzinfo=None), _EARLIEST.replace(tzinfo=None)), _LATEST.replace(tzinfo=None))
    return naive.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)


TenantName = Annotated[
    str, AfterValidator(_tenant_name), Field(json_schema_extra={"minLength": 1, "maxLength": MOST_TENANT_CHARACTERS})
]
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), AfterValidator(printable)]
ServiceName = Annotated[str, AfterValidator(_service), Field(json_schema_extra={"enum": list(SERVICES)})]
Services = Annotated[list[ServiceName], Field(min_length=1, max_length=len(SERVICES)), AfterValidator(_each_once)]
Moment = Annotated[AwareDatetime, AfterValidator(_storable)]
Instant = Annotated[
    datetime,
    BeforeValidator(_dated),
    AfterValidator(_clamped),
    WithJsonSchema({"anyOf": [{"type": "string", "format": "date-time"}, {"type": "string", "format": "date"}]}),
]
Days = Annotated[float, Field(gt=0, le=MOST_DAYS)]


def _recent(moment: datetime) -> datetime:
    """Before it is clamped: of a statement the very time is kept, or none."""
    if moment.replace(tzinfo=UTC) < _EARLIEST:
        raise ValueError("must be after 1970")
    return moment


_LEAST_LETTERS = 10
"""Of a statement in any script."""


def _past(moment: datetime) -> datetime:
    """A clock that is ahead by a zone is no reason to refuse."""
    if moment > datetime.now(UTC) + timedelta(days=1):
        raise ValueError("is in the future")
    return moment


def _worded(statement: str) -> str:
    """Signs that nobody sees, or dots, say nothing."""
    if sum(map(str.isalpha, statement)) < _LEAST_LETTERS:
        raise ValueError("must be the statement in words")
    return statement


def _named(name: str) -> str:
    if not any(map(str.isalpha, name)):
        raise ValueError("must be a name")
    return name


ConsentTime = Annotated[
    datetime,
    BeforeValidator(_dated),
    AfterValidator(_recent),
    AfterValidator(_clamped),
    AfterValidator(_past),
    WithJsonSchema({"anyOf": [{"type": "string", "format": "date-time"}, {"type": "string", "format": "date"}]}),
]
VoiceName = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100), AfterValidator(printable)
]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, defer_build=True)


class _Change(BaseModel):
    """A field that is left out stays as it is."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, defer_build=True)


class Tenant(_Record):
    """plan: none is the limits that every tenant has. suspended_at: since when its requests are refused.

    commercial: no model whose licence forbids commercial use serves it. loras: all that it may use of these; null is
    what its plan says.
    """

    id: str
    name: str
    plan: str | None
    suspended: bool
    suspended_at: datetime | None
    commercial: bool
    loras: list[str] | None
    created_at: datetime


class NewTenant(_Change):
    """name: for people; the id where there is none. loras: as in Tenant."""

    id: TenantName
    name: Line | None = None
    plan: Line | None = None
    commercial: bool = False
    loras: LoraNames | None = None


class TenantChange(_Change):
    """plan: null takes the tenant off its plan. loras: null is what its plan says."""

    name: Line = ""
    plan: Line | None = None
    suspended: bool = False
    commercial: bool = False
    loras: LoraNames | None = None


class Key(_Record):
    """services: what the key is for; null is every service. last_used_at: to the minute."""

    id: str
    tenant: str
    name: str
    admin: bool
    services: list[str] | None
    expires_at: datetime | None
    last_used_at: datetime | None
    created_at: datetime
    revoked_at: datetime | None


class NewKey(_Change):
    """services: what the key is for; none is every service. admin: it opens /admin too. It never ends by default."""

    tenant: TenantName
    name: Line = "key"
    admin: bool = False
    services: Services | None = None
    expires_at: Moment | None = None
    expires_in_days: Days | None = None


class KeyChange(_Change):
    """services: null is every service. expires_at: null is never."""

    name: Line = ""
    services: Services | None = None
    expires_at: Moment | None = None


class Consent(_Record):
    """Of who speaks in a recording. statement: word for word. by: their name. at: when they made it."""

    statement: str
    by: str
    at: datetime


class VoiceEntry(_Record):
    """A voice of the tenant's own: `id` or `name` is what requests ask for as `voice`.

    language: what it speaks where a request does not say. seconds, bytes and sha256: of
    the recording that it is learnt from, as it is kept; sent_sha256: as it was sent. created_by: who recorded it.
    """

    id: str
    name: str
    language: str | None
    seconds: float
    bytes: int
    sha256: str
    sent_sha256: str
    consent: Consent
    created_by: str
    created_at: datetime


class Voice(VoiceEntry):
    """With whose it is."""

    tenant: str


class NewVoice(_Change):
    """name: what requests call it; no voice that is there already. language: an IETF tag, of requests that name none.

    consent: the statement of who speaks in the recording that this voice may be made and used, word for word.
    consent_by: their name. consent_at: when they made it.
    """

    name: VoiceName
    language: Language | None = None
    consent: Annotated[Text, Field(min_length=20, max_length=4_000), AfterValidator(_worded)]
    consent_by: Annotated[Line, AfterValidator(_named)]
    consent_at: ConsentTime


class AuditRecord(_Record):
    """One administrative act. details: what it changed, never a secret. request_id: of an act by the API."""

    id: str
    created_at: datetime
    actor: str
    action: str
    target: str
    tenant: str | None
    details: dict[str, Any]
    request_id: str | None


class UsageSum(_Record):
    """What one tenant used of one service. units: in `unit`. compute_ms: milliseconds on the device."""

    tenant: str
    service: str
    requests: int
    succeeded: int
    failed: int
    cancelled: int
    unit: str
    units: float
    tokens: int
    megapixels: float
    audio_seconds: float
    characters: int
    compute_ms: float
    cost: float

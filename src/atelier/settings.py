"""Settings: the environment first, then atelier.toml, then these defaults."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)
from yarl import URL

from atelier.catalog import GATEWAY_PORT, SERVICES
from atelier.openai_models import DEFAULT_ALIASES
from atelier.rules import LimitRule, Plan, Price, UpstreamRule
from atelier.setting_words import in_words, place

SHORTEST_SECRET = 32

SQLITE = "sqlite+aiosqlite:"
POSTGRES = ("postgresql", "postgres", "postgresql+asyncpg")

_NOT_SETTINGS = {
    f"ATELIER_{name}"
    for name in ("COMMAND", "CONFIG", "PROCESSES_FILE", "SUPERVISED", "TEST_DATA", "TOKEN", "TORCH", "WEB_DEMO")
}
"""Variables that something else than the settings reads."""

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")


_BUCKET = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/(?!\.)[A-Za-z0-9!_.*'()-]+)*/?")


_INSIDE = (".internal", ".local", ".localhost")
"""Endings of names that no public server has."""


def _is_inside(host: str) -> bool:
    """Whether it is a private address, a container's name or another that only this network knows."""
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return "." not in host or host.endswith(_INSIDE)


def _is_network(entry: str) -> bool:
    try:
        ipaddress.ip_network(entry, strict=True)
    except ValueError:
        return False
    return True


class SettingsProblem(Exception):
    """A setting that cannot be used, in a sentence for the person who set it."""


class Settings(BaseSettings):
    """Every field is an environment variable `ATELIER_<NAME>` unless its description names another."""

    model_config = SettingsConfigDict(
        env_prefix="ATELIER_", extra="forbid", populate_by_name=True, protected_namespaces=(), env_ignore_empty=True
    )

    home: Annotated[Path, Field(description="The one folder for data: database, artifacts, models, secrets.")] = Path(
        "data"
    )
    host: Annotated[str, Field(description="The address to listen on; 0.0.0.0 lets other machines in.")] = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535, description="The gateway's port.")] = GATEWAY_PORT
    port_offset: Annotated[
        int, Field(ge=0, le=50000, description="Added to every port, so that a second Atelier runs beside a first.")
    ] = 0
    public_url: Annotated[
        str | None, Field(description="How clients reach the gateway; links to artifacts begin with it.")
    ] = None
    jwt_secret: Annotated[
        SecretStr | None,
        Field(
            validation_alias="JWT_SECRET", description="JWT_SECRET: signs and checks tokens; at least 32 characters."
        ),
    ] = None
    jwt_secret_previous: Annotated[
        SecretStr | None,
        Field(
            validation_alias="JWT_SECRET_PREVIOUS",
            description="JWT_SECRET_PREVIOUS: tokens signed with it are still good, while JWT_SECRET replaces it.",
        ),
    ] = None
    jwt_issuer: Annotated[
        str | None, Field(description="The issuer (iss) of tokens signed with JWT_SECRET; none: not asked.")
    ] = None
    jwt_audience: Annotated[
        str | None, Field(description="The audience (aud) of tokens signed with JWT_SECRET; none: not asked.")
    ] = None
    jwt_leeway_seconds: Annotated[
        float, Field(ge=0, le=300, description="By how much the clocks of those who make tokens may differ.")
    ] = 10
    jwks_url: Annotated[
        str | None, Field(description="Where an identity provider publishes its keys; none: its tokens are not taken.")
    ] = None
    jwks_issuer: Annotated[
        str | None, Field(validate_default=True, description="The issuer (iss) that its tokens must name.")
    ] = None
    jwks_audience: Annotated[
        str | None, Field(validate_default=True, description="The audience (aud) that its tokens must be for.")
    ] = None
    jwks_tenant_claim: Annotated[
        str, Field(min_length=1, description="The claim of its tokens that names the tenant; dots lead into objects.")
    ] = "tenantId"
    jwks_roles_claim: Annotated[
        str, Field(min_length=1, description="The claim of its tokens that lists roles; dots lead into objects.")
    ] = "roles"
    jwks_fresh_seconds: Annotated[float, Field(gt=0, description="Its keys are read again when they are this old.")] = (
        300
    )
    jwks_stale_seconds: Annotated[
        float, Field(gt=0, description="For so long its keys serve while they cannot be read again.")
    ] = 3600
    jwks_again_seconds: Annotated[
        float, Field(gt=0, description="Its keys are never read more often, whatever keys tokens name.")
    ] = 10
    database_url: Annotated[
        SecretStr | None,
        Field(
            validation_alias="DATABASE_URL",
            description="DATABASE_URL: where PostgreSQL is, postgresql://user:password@host:5432/database; "
            "none keeps a SQLite file in the data folder.",
        ),
    ] = None
    database_connections: Annotated[
        int, Field(ge=1, le=1000, description="Connections to PostgreSQL that one gateway has at most.")
    ] = 10
    redis_url: Annotated[
        SecretStr | None,
        Field(
            validation_alias="REDIS_URL",
            description="REDIS_URL: where Redis is, redis://user:password@host:6379/0; several gateways share limits, "
            "slots and answers there. None keeps them in the process.",
        ),
    ] = None
    redis_prefix: Annotated[
        str, Field(pattern=r"^[A-Za-z0-9._-]{1,40}$", description="What the names of all keys in Redis begin with.")
    ] = "atelier"
    redis_away: Annotated[
        Literal["closed", "local"],
        Field(
            description="While Redis is away: closed refuses requests (503); local lets each gateway hold its share "
            "of the limits."
        ),
    ] = "closed"
    redis_wait_seconds: Annotated[
        float,
        Field(ge=0, le=3600, description="So long a gateway that starts waits for a Redis that is away (with closed)."),
    ] = 30
    gateways: Annotated[
        int,
        Field(ge=1, description="How many gateway processes there are in all: each one's share while Redis is away."),
    ] = 1
    gateway_processes: Annotated[
        int, Field(ge=1, le=64, description="Gateway processes that one `atelier gateway` runs on its port.")
    ] = 1
    lease_seconds: Annotated[
        float, Field(ge=5, le=3600, description="A concurrent slot of a gateway that was killed is free after this.")
    ] = 30
    model_name: Annotated[
        str | None,
        Field(
            validation_alias="MODEL_NAME",
            description="MODEL_NAME: what a worker serves: ids of the catalog or folders, the default first.",
        ),
    ] = None
    models: Annotated[
        dict[str, str], Field(description="The same for each service, where one machine serves several.")
    ] = {}
    upstreams: Annotated[
        dict[str, list[UpstreamRule]],
        Field(description="The addresses that serve each service; none: this machine's workers."),
    ] = {}
    connect_seconds: Annotated[float, Field(gt=0, description="How long a connection to an upstream may take.")] = 3
    first_byte_seconds: Annotated[
        float | None,
        Field(gt=0, description="How long an upstream may take to begin its answer; none: as the whole request."),
    ] = None
    most_in_flight: Annotated[
        int,
        Field(ge=1, description="Requests that one process serves at once, those still arriving apart; more get 503."),
    ] = 256
    limits: Annotated[list[LimitRule], Field(description="Limits; the most specific rules that match apply.")] = []
    plans: Annotated[dict[str, Plan], Field(description="Plans that tenants can be on, by name.")] = {}
    prices: Annotated[dict[str, Price], Field(description="What a request costs, by service; none: nothing.")] = {}
    cache_seconds: Annotated[float, Field(gt=0, description="How long an answer is kept for a plan with a cache.")] = (
        3600
    )
    idempotency_hours: Annotated[
        float, Field(gt=0, le=168, description="How long the answer to an Idempotency-Key is kept.")
    ] = 24
    answers_mb: Annotated[
        int,
        Field(
            ge=1,
            description="Megabytes of kept answers that one tenant may have in Redis, for idempotency keys and for the "
            "cache each; the oldest make room.",
        ),
    ] = 256
    aliases: Annotated[
        dict[str, str], Field(description="Model names that stand for others; an empty one is the service's default.")
    ] = DEFAULT_ALIASES
    most_body_mb: Annotated[int, Field(ge=1, le=4096, description="The largest request body, in megabytes.")] = 100
    request_seconds: Annotated[float, Field(gt=0, description="How long one request may take, waiting included.")] = 600
    most_waiting: Annotated[int, Field(ge=1, description="Requests that may wait in a worker; more get 503.")] = 64
    artifacts_url: Annotated[
        str | None,
        Field(description="Where artifacts are kept: s3://bucket/folder; none keeps them in the data folder."),
    ] = None
    s3_endpoint: Annotated[str | None, Field(description="The S3-compatible server; none: Amazon's.")] = None
    s3_public_endpoint: Annotated[
        str | None,
        Field(description="How clients reach that server: links then lead to it; none: through the gateway."),
    ] = None
    s3_region: Annotated[str, Field(description="The bucket's region.")] = "us-east-1"
    s3_access_key_id: Annotated[
        str | None, Field(description="Who asks the S3 store; none: as the machine's role says.")
    ] = None
    s3_secret_access_key: Annotated[
        SecretStr | None, Field(validate_default=True, description="The secret that belongs to it.")
    ] = None
    retention_days: Annotated[
        float | None, Field(gt=0, description="For so long artifacts are kept; none: until they are deleted.")
    ] = None
    voices_per_tenant: Annotated[
        int, Field(ge=0, le=1000, description="How many voices of its own a tenant may have; 0: none may be made.")
    ] = 20
    link_seconds: Annotated[int, Field(ge=1, description="How long a link to an artifact is good.")] = 3600
    fetch_allow: Annotated[
        list[str], Field(description="Private networks or hosts that URLs in requests may lead to all the same.")
    ] = []
    device: Annotated[str, Field(description="Where models run: auto, cpu, cuda, cuda:1, …")] = "auto"
    memory_gb: Annotated[
        float | None,
        Field(gt=0, description="Memory for the models of one worker; none: nine tenths of its device's."),
    ] = None
    pinned_models: Annotated[list[str], Field(description="Models that never leave a worker's memory.")] = []
    preload: Annotated[bool, Field(description="Load models at the start, as far as there is room.")] = True
    idle_minutes: Annotated[
        float | None, Field(gt=0, description="A model that nobody uses for so long leaves the memory; none: it stays.")
    ] = None
    verify_models: Annotated[
        Literal["bytes", "sizes"],
        Field(
            description="What of a downloaded model is compared with models.lock.json before it is loaded: each byte "
            "(once, and again where a file changed), or the sizes of its files alone."
        ),
    ] = "bytes"
    precision: Annotated[
        Literal["auto", "float32", "bfloat16", "float16"],
        Field(description="How exactly models compute; auto: half precision on a GPU, float32 on a CPU."),
    ] = "auto"
    quantization: Annotated[
        Literal["none", "int8"],
        Field(description="int8: models hold their weights in a byte each; see docs/memory.md for what it saves."),
    ] = "none"
    loras: Annotated[
        dict[str, list[str]],
        Field(
            description="Who may use which LoRA: its name → tenants; * is any other name, or every tenant. A list of a "
            "tenant's own or of its plan counts instead."
        ),
    ] = {}
    threads: Annotated[int | None, Field(ge=1, description="CPU threads of a worker; none: half the cores.")] = None
    metrics_token: Annotated[
        SecretStr | None,
        Field(
            description="What opens /metrics of gateway and workers for Prometheus, and nothing else, 32 characters or "
            "more; none: the gateway's is for administrators, and a worker's for all who reach it."
        ),
    ] = None
    log_level: Annotated[Literal["debug", "info", "warning", "error"], Field(description="How much is logged.")] = (
        "info"
    )

    @field_validator("jwt_secret", "jwt_secret_previous", "metrics_token")
    @classmethod
    def _hard_to_guess(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None and len(secret.get_secret_value()) < SHORTEST_SECRET:
            raise ValueError(
                f"has {len(secret.get_secret_value())} characters and needs {SHORTEST_SECRET}; "
                "make one with: openssl rand -hex 32"
            )
        return secret

    @field_validator("jwks_url")
    @classmethod
    def _trustworthy_address(cls, address: str | None) -> str | None:
        """Whoever can answer in its place can sign for every tenant."""
        if address is None:
            return None
        url = URL(address)
        if url.scheme not in {"http", "https"} or not url.host or url.user or url.password:
            raise ValueError("must look like https://login.example.com/keys")
        if url.scheme == "http" and not _is_inside(url.host):
            raise ValueError("must begin with https://; http:// is for servers of your own network")
        return address

    @field_validator("jwks_issuer", "jwks_audience")
    @classmethod
    def _named(cls, name: str | None, info: ValidationInfo) -> str | None:
        """A provider signs for other applications too, and often for other customers."""
        if name is None and info.data.get("jwks_url") is not None:
            raise ValueError("is not set, and must be where ATELIER_JWKS_URL is")
        return name

    @field_validator("upstreams", "prices")
    @classmethod
    def _of_services(cls, by_service: dict[str, object]) -> dict[str, object]:
        for service in by_service:
            if service not in SERVICES:
                raise ValueError(f"no service {service!r}; there are {', '.join(SERVICES)}")
        return by_service

    @field_validator("artifacts_url")
    @classmethod
    def _bucket(cls, address: str | None) -> str | None:
        if address is not None and not _BUCKET.fullmatch(address):
            raise ValueError("must look like s3://bucket or s3://bucket/folder; the keys have settings of their own")
        return address

    @field_validator("s3_endpoint", "s3_public_endpoint")
    @classmethod
    def _server(cls, address: str | None) -> str | None:
        if address is None:
            return None
        url = URL(address)
        if url.scheme not in {"http", "https"} or not url.host or url.user or url.query_string:
            raise ValueError("must look like https://s3.example.com")
        if url.scheme == "http" and not _is_inside(url.host):
            raise ValueError("must begin with https://; http:// is for servers of your own network")
        return address.rstrip("/")

    @field_validator("s3_secret_access_key")
    @classmethod
    def _with_its_id(cls, secret: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if (secret is None) != (info.data.get("s3_access_key_id") is None):
            raise ValueError("goes with ATELIER_S3_ACCESS_KEY_ID: set both, or neither to be who the machine is")
        return secret

    @model_validator(mode="after")
    def _shares(self) -> Self:
        """While Redis is away, limits that each of many gateways holds whole would be no limits."""
        if self.redis_away == "local" and "gateways" not in self.model_fields_set:
            raise ValueError("ATELIER_GATEWAYS: say how many gateway processes there are, for redis_away = local")
        return self

    @field_validator("fetch_allow")
    @classmethod
    def _networks_or_hosts(cls, allowed: list[str]) -> list[str]:
        for entry in allowed:
            if not _is_network(entry) and not _HOST.fullmatch(entry):
                raise ValueError(f"{entry!r} is neither a network (10.1.0.0/16), an address nor a host name")
        return allowed

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        named = os.environ.get("ATELIER_CONFIG")
        if named and not Path(named).is_file():  # a misspelt name must not mean no plans, prices and upstreams
            raise SettingsProblem(f"ATELIER_CONFIG: there is no file {named}")
        file = Path(named or "atelier.toml")
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=file)

    def previous_secret(self) -> str | None:
        return self.jwt_secret_previous.get_secret_value() if self.jwt_secret_previous else None

    def database_location(self) -> str:
        """Where the database is: a SQLite file or a PostgreSQL server. It may hold a password.

        Raises SettingsProblem for a kind of database that is not supported.
        """
        if self.database_url is None:
            return f"{SQLITE}///{self.home.absolute() / 'atelier.db'}"
        url = self.database_url.get_secret_value()
        kind = url.partition(":")[0]
        if kind in {"sqlite", "sqlite+aiosqlite"}:
            return SQLITE + url.partition(":")[2]
        if kind not in POSTGRES:
            raise SettingsProblem(
                f"DATABASE_URL: {kind[:20]} is not supported; it can be postgresql://user:password@host:5432/database, "
                "or unset to use the SQLite file"
            )
        return url

    def gateway_port(self) -> int:
        return self.port + self.port_offset

    def gateway_url(self) -> str:
        """How this machine reaches its own gateway."""
        host = "127.0.0.1" if self.host in {"0.0.0.0", "::"} else self.host  # noqa: S104  compared, not listened on
        return f"http://[{host}]:{self.gateway_port()}" if ":" in host else f"http://{host}:{self.gateway_port()}"

    def worker_port(self, service: str) -> int:
        return SERVICES[service].port + self.port_offset

    def upstream_rules(self, service: str) -> list[UpstreamRule]:
        return self.upstreams.get(service) or [UpstreamRule(url=f"http://127.0.0.1:{self.worker_port(service)}")]


def load_settings(**overrides: object) -> Settings:
    """Raises SettingsProblem naming the variable at fault."""
    _refuse_unknown(os.environ)
    try:
        return Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as problem:
        error = problem.errors(include_url=False)[0]
        raise SettingsProblem(_told(error)) from None
    except SettingsError as problem:
        field = re.search(r'field "(\w+)"', str(problem))
        name = _variable(field[1]) if field else "a setting"
        raise SettingsProblem(f"{name}: must be written as JSON") from None
    except ValueError as problem:
        raise SettingsProblem(f"{_file()}: cannot be read ({problem})") from None


def _refuse_unknown(environment: Mapping[str, str]) -> None:
    """A misspelt setting must not be passed over in silence."""
    known = known_variables()
    for name in environment:
        if name.startswith("ATELIER_") and name not in known:
            close = get_close_matches(name, known, n=1)
            hint = f"; did you mean {close[0]}?" if close else ""
            raise SettingsProblem(f"{name}: there is no such setting{hint}")


def known_variables() -> set[str]:
    """Every variable `ATELIER_…` that something reads."""
    return {f"ATELIER_{name.upper()}" for name in Settings.model_fields} | _NOT_SETTINGS


def settings_file() -> Path:
    """Where the settings file is, or would be."""
    return Path(_file())


def _file() -> str:
    return os.environ.get("ATELIER_CONFIG") or "atelier.toml"


def _told(error: ErrorDetails) -> str:
    """Where it stands and what is wrong. What is wrong with several settings together says itself with which."""
    loc, words = error["loc"], in_words(error, Settings)
    if not loc:
        return words
    setting, unknown = str(loc[0]), error["type"] == "extra_forbidden"
    if len(loc) == 1:
        return f"{_file() if unknown else _variable(setting)}: {words}"
    found = loc[:-1] if unknown else loc
    variable = f"ATELIER_{setting.upper()}"
    if variable in os.environ:
        return f"{variable}: {place(found[1:])}: {words}"
    return f"{_file()}: {place(found)}: {words}"


def _variable(name: str) -> str:
    return name if name.isupper() else f"ATELIER_{name.upper()} (or {name} in {_file()})"

"""`atelier doctor`: the servers that the settings name: whether each can be reached, is the right one, and is well."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
from pydantic_core import from_json

from atelier.rules import UpstreamRule
from atelier.settings import Settings, SettingsProblem

UPSTREAM_SECONDS = 5.0
_OLDEST_REDIS = (6, 2)
"""The first whose streams hand over what another consumer had."""


@dataclass(frozen=True)
class Finding:
    what: str
    found: str
    good: bool = True
    remedy: str | None = None


def database(settings: Settings) -> Finding:
    from atelier.state.connections import is_sqlite

    try:
        location = settings.database_location()
        if is_sqlite(location):
            return Finding("Database", "a SQLite file; DATABASE_URL leads to PostgreSQL instead")
        return asyncio.run(_postgres(location))
    except SettingsProblem as problem:
        return Finding("Database", str(problem), False, "Put DATABASE_URL right, or start the server that it names.")


async def _postgres(location: str) -> Finding:
    from atelier.state.database import database_version, server_version
    from atelier.state.upgrade import HEAD

    server, tables = await server_version(location), await database_version(location)
    found = f"PostgreSQL {server}, {f'its tables at version {tables}' if tables else 'without tables as yet'}"
    if tables == HEAD:
        return Finding("Database", f"{found}, up to date")
    if tables is not None and tables > HEAD:
        found += f", which this Atelier ({HEAD}) does not know"
        return Finding("Database", found, False, "Update this Atelier: a newer one has upgraded the database.")
    remedy = f"Type: atelier db upgrade (to {HEAD}; every start of a gateway does it too)"
    return Finding("Database", found, False, remedy)


def redis(settings: Settings) -> Finding:
    from atelier.state.redis_reach import Unreached, ask_redis

    if settings.redis_url is None:
        return Finding("Redis", "none: limits and kept answers are in the memory of one gateway process")
    try:
        said = asyncio.run(ask_redis(settings.redis_url.get_secret_value()))
    except (SettingsProblem, Unreached) as problem:
        return Finding("Redis", str(problem), False, "Put REDIS_URL right, or start the server that it names.")
    return _redis(said)


def _redis(said: Mapping[str, Any]) -> Finding:
    version = str(said.get("redis_version", ""))
    if not version:
        return Finding("Redis", "can be reached; its user may not ask for its version")
    old = tuple(int(part) for part in version.split(".")[:2]) < _OLDEST_REDIS
    if old:
        return Finding("Redis", f"version {version} is too old", False, "Install Redis 6.2 or newer, or Valkey.")
    if said.get("redis_mode") == "cluster":
        return Finding("Redis", "is a cluster", False, "Name one server, or one with replicas (docs/limits.md).")
    policy = said.get("maxmemory_policy", "noeviction")
    if said.get("maxmemory") and policy != "noeviction":
        remedy = "Type: redis-cli CONFIG SET maxmemory-policy noeviction (and write it into its configuration)"
        return Finding(
            "Redis", f"version {version} may evict keys ({policy}): limits would be forgotten", False, remedy
        )
    kept = "" if said.get("aof_enabled") else "; without its append-only file its own crash forgets the counts"
    return Finding("Redis", f"version {version}{kept}")


def upstreams(settings: Settings) -> list[Finding]:
    """Each upstream of the settings; none where they name none: `serve` starts this machine's workers."""
    return asyncio.run(_upstreams(settings)) if settings.upstreams else []


async def _upstreams(settings: Settings) -> list[Finding]:
    timeout = aiohttp.ClientTimeout(total=UPSTREAM_SECONDS)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        asked = [_upstream(session, service, rule) for service, rules in settings.upstreams.items() for rule in rules]
        return list(await asyncio.gather(*asked))


async def _upstream(session: aiohttp.ClientSession, service: str, rule: UpstreamRule) -> Finding:
    what = f"Upstream {rule.url} ({service})"
    if rule.key_variable and not os.environ.get(rule.key_variable):
        return Finding(what, f"takes its key from {rule.key_variable}, which is not set", False, "Set that variable.")
    try:
        async with session.get(f"{rule.url}/health", allow_redirects=False) as response:
            status, report = response.status, _report(await response.read())
        if "status" not in report:
            return await _foreign(session, what, rule, status)
    except TimeoutError:
        return Finding(what, f"does not answer within {UPSTREAM_SECONDS:.0f} s", False, "See what keeps it busy.")
    except (aiohttp.ClientError, OSError) as problem:
        return Finding(what, _why(problem), False, "Start it, or put its address in the upstreams right.")
    return _worker(what, service, report)


def _worker(what: str, service: str, report: Mapping[str, Any]) -> Finding:
    """By what a worker of ours says of itself."""
    if service not in report.get("services", [service]):
        return Finding(what, "is a worker of other services", False, f"Name a worker of {service} in the upstreams.")
    found = str(report["status"])
    models = [model for model in report.get("models", []) if service in model.get("services", [])]
    problems = [f"{model['id']}: {model['problem']}" for model in models if "problem" in model]
    if found == "healthy":
        return Finding(what, f"healthy: {', '.join(model['id'] for model in models) or 'no model'}")
    return Finding(what, "; ".join([found, *problems]), False, "See the log of that worker.")


async def _foreign(session: aiohttp.ClientSession, what: str, rule: UpstreamRule, status: int) -> Finding:
    """Of another kind of server /health says little: that it lists its models says that it takes its key."""
    headers = {"authorization": f"Bearer {key}"} if (key := _key(rule)) else {}
    async with session.get(f"{rule.url}/v1/models", headers=headers, allow_redirects=False) as response:
        listed = response.status
    if listed in {401, 403}:
        remedy = "Put its key right: key or key_variable of that upstream."
        return Finding(
            what,
            f"another kind of server, which refuses {'its key' if key else 'callers without a key'}",
            False,
            remedy,
        )
    if status >= 500 or listed >= 500:
        return Finding(what, f"answers with status {max(status, listed)}", False, "See the log of that server.")
    return Finding(what, "answers; another kind of server than our workers")


def _key(rule: UpstreamRule) -> str | None:
    return rule.key.get_secret_value() if rule.key else os.environ.get(rule.key_variable or "")


def _report(body: bytes) -> dict[str, Any]:
    try:
        report = from_json(body)
    except ValueError:
        return {}
    return report if isinstance(report, dict) and isinstance(report.get("models"), list) else {}


def _why(problem: Exception) -> str:
    cause = getattr(problem, "os_error", problem)
    if not isinstance(cause, OSError):
        return "the connection broke, or it does not speak HTTP"
    number = cause.errno or 0  # below zero where a name could not be looked up
    return f"cannot be reached: {os.strerror(number) if number > 0 else 'its host is not known'}"

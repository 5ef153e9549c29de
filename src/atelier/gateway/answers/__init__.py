"""Answers that are given again: to a request that is repeated (idempotency), and to one that is equal (the cache)."""

from __future__ import annotations

from atelier.gateway.answers.cache import AnswerCache, may_be_kept
from atelier.gateway.answers.fingerprints import cache_key, fingerprint, idempotency_key
from atelier.gateway.answers.idempotency import Idempotency, Turn
from atelier.gateway.answers.memory import MemoryAnswerCache, MemoryIdempotency
from atelier.gateway.answers.stored import MOST_KEPT_BYTES, Copy, StoredAnswer, kept_headers
from atelier.settings import Settings

__all__ = [
    "MOST_KEPT_BYTES",
    "AnswerCache",
    "Copy",
    "Idempotency",
    "StoredAnswer",
    "Turn",
    "cache_key",
    "create_answer_cache",
    "create_idempotency",
    "fingerprint",
    "idempotency_key",
    "kept_headers",
    "may_be_kept",
]

LEASE_SECONDS = 10.0
"""A gateway that ends amid a request holds up who repeats it for no longer."""


def create_idempotency(settings: Settings, *, lease_seconds: float = LEASE_SECONDS) -> Idempotency:
    """Shared by all gateways with `redis_url`, else of this process. Raises SettingsProblem as connect_redis does."""
    seconds = settings.idempotency_hours * 3600
    if settings.redis_url is None:
        return MemoryIdempotency(seconds, wait_seconds=settings.request_seconds)
    from atelier.gateway.answers.meanwhile import LocalMeanwhile
    from atelier.gateway.answers.redis import RedisIdempotency, connect

    shared = RedisIdempotency(
        connect(settings.redis_url.get_secret_value()),
        settings.redis_prefix,
        seconds,
        wait_seconds=settings.request_seconds,
        lease_seconds=lease_seconds,
        most_bytes=settings.answers_mb * 1_000_000,
    )
    if settings.redis_away == "closed":
        return shared
    return LocalMeanwhile(shared, MemoryIdempotency(seconds, wait_seconds=settings.request_seconds))


def create_answer_cache(settings: Settings) -> AnswerCache:
    """Shared by all gateways with `redis_url`, else of this process. Raises SettingsProblem as connect_redis does."""
    if settings.redis_url is None:
        return MemoryAnswerCache(settings.cache_seconds)
    from atelier.gateway.answers.redis import RedisAnswerCache, connect

    server = connect(settings.redis_url.get_secret_value())
    most_bytes = settings.answers_mb * 1_000_000
    return RedisAnswerCache(server, settings.redis_prefix, settings.cache_seconds, most_bytes=most_bytes)

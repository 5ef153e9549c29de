"""Connections to Redis: quick to give up, so that a gateway whose Redis is away knows it at once."""

from __future__ import annotations

import re
from importlib.util import find_spec
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import structlog

from atelier.settings import SettingsProblem

if TYPE_CHECKING:
    from redis.asyncio import Redis

CONNECT_SECONDS = 1.0
ANSWER_SECONDS = 2.0

_DATABASE = re.compile(r"(/\d*)?")

log = structlog.get_logger()


class Presence:
    """Whether Redis is there for one of those who ask it. The log tells it once, each time that it changes.

    what: what is kept there: limits, answers or usage.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self.away = False

    def lost(self, problem: str) -> None:
        """It cannot be reached, or takes nothing."""
        if not self.away:
            self.away = True
            log.warning("redis is away", what=self._what, problem=problem)

    def found(self) -> None:
        if self.away:
            self.away = False
            log.info("redis is back", what=self._what)


def connect_redis(url: str, *, answer_seconds: float = ANSWER_SECONDS) -> Redis:
    """A client with a pool of its own; nothing is connected yet. Answers are bytes.

    Raises SettingsProblem where the driver is missing or the address cannot be one.
    """
    if find_spec("redis") is None:
        raise SettingsProblem("REDIS_URL: Redis needs its driver. Type: pip install 'atelier[redis]'")
    from redis.asyncio import Redis
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff

    try:
        _check_address(url)
        return Redis.from_url(
            url,
            protocol=2,
            socket_connect_timeout=CONNECT_SECONDS,
            socket_timeout=answer_seconds,
            # A script that may have been run must not be run again unseen: who calls decides.
            retry=Retry(NoBackoff(), 0),
        )
    except ValueError:
        raise SettingsProblem(
            "REDIS_URL: must look like redis://user:password@host:6379/0 (rediss:// with TLS, unix:// for a socket); "
            "write signs such as @ : / # ? in the password as %40 %3A %2F %23 %3F"
        ) from None


def _check_address(url: str) -> None:
    """Raises ValueError for what the driver would take for another server or database: it passes over a path that is
    no number, and a password with a bare sign in it ends where the sign is."""
    parts = urlsplit(url)
    is_path = parts.scheme == "unix"
    if "@" in parts.path + parts.query or parts.fragment or not (is_path or _DATABASE.fullmatch(parts.path)):
        raise ValueError
    if not is_path and not parts.hostname:
        raise ValueError


def redis_troubles() -> tuple[type[Exception], ...]:
    """What a lost, overloaded or starting server looks like. (Imported late: only who has a Redis needs its driver.)"""
    from redis.exceptions import BusyLoadingError, ConnectionError, ReadOnlyError, TimeoutError  # noqa: A004

    return (ConnectionError, TimeoutError, BusyLoadingError, ReadOnlyError, OSError)

"""Whether Redis can be reached and used: asked before a gateway starts, and by the doctor."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from atelier.settings import Settings, SettingsProblem
from atelier.state.redis import connect_redis

if TYPE_CHECKING:
    from redis.asyncio import Redis

AGAIN_SECONDS = 0.5


class Unreached(Exception):
    """No usable answer as yet, which waiting may mend. The reason is for the operator, never for a caller."""


def prepare_redis(settings: Settings, tell: Callable[[str], None]) -> None:
    """Before a server starts: what keeps it from its Redis is told in one sentence. Nothing is asked without one.

    A Redis that is away is waited for, `redis_wait_seconds` long, where requests would be refused without it; `tell`
    says so at once. With `redis_away = local` it is told and not waited for. Raises SettingsProblem where it stays
    away, and at once for what waiting does not mend: an address, user, password or server that is not right.
    """
    if settings.redis_url is not None:
        asyncio.run(_prepare(settings.redis_url.get_secret_value(), settings, tell))


async def _prepare(url: str, settings: Settings, tell: Callable[[str], None]) -> None:
    seconds = settings.redis_wait_seconds
    end, told = time.monotonic() + seconds, False
    while True:
        try:
            await ask_redis(url)
            return
        except Unreached as problem:
            away = str(problem)
        if settings.redis_away == "local":
            tell(f"{away}. Until it is there, each gateway holds its share of the limits")
            return
        if time.monotonic() >= end:
            raise SettingsProblem(f"{away}. Start it, or put REDIS_URL right")
        if not told:
            told = True
            tell(f"{away}; trying for {seconds:g} s")
        await asyncio.sleep(AGAIN_SECONDS)


async def ask_redis(url: str) -> Mapping[str, Any]:
    """What it says of itself (the fields of INFO, of which a restricted user may see none).

    Raises Unreached, and SettingsProblem for what waiting does not mend. Neither text holds the password.
    """
    from redis.exceptions import NoPermissionError, RedisError

    client = connect_redis(url)
    try:
        await client.ping()
        try:
            found: Mapping[str, Any] = await client.info()
        except NoPermissionError:
            return {}
        if found.get("role") == "slave":  # a failover may be under way
            raise Unreached(f"REDIS_URL: Redis at {shown_address(client)} is a replica, which takes no writes")
        return found
    except TypeError:  # from the driver, which takes what stands after a `?` as its own options
        raise SettingsProblem("REDIS_URL: what stands after its ? is no option of the driver; leave it out") from None
    except (RedisError, OSError) as problem:
        raise _told(problem, shown_address(client), tls=url.startswith("rediss:")) from None
    finally:
        await client.aclose()


def shown_address(client: Redis) -> str:
    """Host, port and database, for people."""
    where = client.connection_pool.connection_kwargs
    if "path" in where:
        return str(where["path"])
    return f"{where.get('host', 'localhost')}:{where.get('port', 6379)}/{where.get('db') or 0}"


def _told(problem: Exception, where: str, *, tls: bool) -> Exception:
    """The driver's exception as one of ours."""
    from redis.exceptions import (
        AuthenticationError,
        AuthenticationWrongNumberOfArgsError,
        ConnectionError,  # noqa: A004
        InvalidResponse,
        TimeoutError,  # noqa: A004
    )

    cause = problem.__cause__ or problem.__context__ or problem
    if isinstance(problem, AuthenticationError | AuthenticationWrongNumberOfArgsError):
        return SettingsProblem(
            f"REDIS_URL: Redis at {where} refuses ({_one_line(problem).rstrip('.')}): put user and password right, "
            "redis://user:password@host:6379/0"
        )
    if isinstance(problem, InvalidResponse):
        return SettingsProblem(f"REDIS_URL: what answers at {where} is no Redis: put the host and port right")
    if isinstance(cause, ssl.SSLError):
        return SettingsProblem(
            f"REDIS_URL: no TLS connection to {where} ({cause.reason or 'TLS failed'}): rediss:// is for a server with "
            "TLS and a certificate that this machine trusts, redis:// for one without"
        )
    if isinstance(problem, ConnectionError | TimeoutError | OSError):
        return Unreached(f"REDIS_URL: Redis at {where} {_away(problem, cause, tls=tls)}")
    return SettingsProblem(f"REDIS_URL: Redis at {where} refuses: {_one_line(problem)}")


def _away(problem: Exception, cause: BaseException, *, tls: bool) -> str:
    from redis.exceptions import BusyLoadingError
    from redis.exceptions import TimeoutError as NoAnswer

    if isinstance(problem, BusyLoadingError):
        return "is still reading its data"
    if isinstance(problem, NoAnswer):
        return f"does not answer{' (rediss:// is for one with TLS)' if tls else ''}"
    return f"cannot be reached: {_reason(problem, cause)}"


def _reason(problem: Exception, cause: BaseException) -> str:
    if isinstance(cause, socket.gaierror):
        return "its host is not known"
    if isinstance(cause, OSError) and cause.errno:
        return os.strerror(cause.errno)
    return _one_line(problem)


def _one_line(problem: Exception) -> str:
    return " ".join(str(problem).split())

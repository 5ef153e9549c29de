"""PostgreSQL: its address, and connections to it that say in a sentence why they could not be made."""

from __future__ import annotations

import os
import re
import socket
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

CONNECT_SECONDS = 5.0
STATEMENT_SECONDS = 20.0

_HOSTS = re.compile(
    r"(?:\[[0-9A-Fa-f:.%]+\]|[^:,@\[\]\s]*)(?::\d+)?(?:,(?:\[[0-9A-Fa-f:.%]+\]|[^:,@\[\]\s]*)(?::\d+)?)*"
)
_PRISMA = {"connection_limit", "pool_timeout"}
"""What Prisma's own pool reads in the address: it is passed over, ours has ATELIER_DATABASE_CONNECTIONS."""


class Away(Exception):
    """The server could not be reached, or broke off; the reason is for the operator, never for a caller."""


@dataclass(frozen=True)
class Address:
    """dsn: as the driver wants it, with the password. shown: host, port and database, for people."""

    dsn: str
    shown: str
    schema: str | None = None


def parse_address(url: str) -> Address:
    """Raises ValueError, in words that hold no part of the address: any part could be the password's."""
    parts = urlsplit(url)
    hosts = parts.netloc.rpartition("@")[2]
    if "@" in parts.path + parts.query or parts.fragment or not _HOSTS.fullmatch(hosts):
        raise ValueError(
            "must look like postgresql://user:password@host:5432/database; "
            "write signs such as @ : / # ? in the password as %40 %3A %2F %23 %3F"
        )
    query = [(name, value) for name, value in parse_qsl(parts.query) if name not in _PRISMA]
    schema = next((value for name, value in query if name == "schema"), None)
    kept = urlencode([pair for pair in query if pair[0] != "schema"])
    return Address(parts._replace(scheme="postgresql", query=kept).geturl(), hosts + parts.path, schema)


def has_driver() -> bool:
    return find_spec("asyncpg") is not None


async def connect(address: Address, *, statement_seconds: float | None = STATEMENT_SECONDS) -> Any:
    """A connection of asyncpg's own. Raises Away."""
    import asyncpg

    session = {"application_name": "atelier"}
    if address.schema:
        session["search_path"] = f'"{address.schema}"'
    try:
        return await asyncpg.connect(
            address.dsn, timeout=CONNECT_SECONDS, command_timeout=statement_seconds, server_settings=session
        )
    except TimeoutError:
        raise Away(f"it did not answer within {CONNECT_SECONDS:.0f} s") from None
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as problem:
        raise Away(_reason(problem)) from None


def _reason(problem: Exception) -> str:
    """The operating system's or the server's own words, on one line."""
    if isinstance(problem, socket.gaierror):
        return "its host is not known"
    if isinstance(problem, OSError) and problem.errno:
        return os.strerror(problem.errno)
    return " ".join(str(problem).split())

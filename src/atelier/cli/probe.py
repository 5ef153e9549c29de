"""`atelier probe`: whether a server is well. Health checks of containers run it: it imports next to nothing."""

from __future__ import annotations

import http.client
import json
import signal
import sys
import time
from typing import NoReturn
from urllib.parse import urlsplit

WELL = ("healthy", "degraded")
"""What our servers call themselves while they serve. One that is degraded does a part of its work."""

SECONDS = 3.0
MOST_BYTES = 4_000_000


class _Refused(Exception):
    """Not well; its text says why."""


def probe(url: str, seconds: float = SECONDS) -> None:
    """Say in one line whether the server at `url` is well; exit status 1 where it is not. seconds: in all."""
    started = time.perf_counter()
    try:
        said = _asked(url, seconds)
    except _Refused as problem:
        _end(url, str(problem))
    except TimeoutError:
        _end(url, f"no answer within {seconds:g} s")
    except ConnectionRefusedError:
        _end(url, "nothing listens there")
    except (OSError, http.client.HTTPException) as problem:
        _end(url, getattr(problem, "strerror", None) or f"not an answer of HTTP ({type(problem).__name__})")
    sys.stdout.write(f"{url}: {said} ({1000 * (time.perf_counter() - started):.0f} ms)\n")


def _asked(url: str, seconds: float) -> str:
    """What the server calls itself. Raises _Refused where that is not well, else OSError or HTTPException."""
    address = urlsplit(url)
    if address.scheme not in {"http", "https"} or not address.hostname:
        raise _Refused("is not an address such as http://127.0.0.1:8000/health")
    kind = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
    try:
        connection = kind(address.hostname, address.port, timeout=seconds)
    except ValueError:
        raise _Refused("has a port that there is not") from None
    signal.signal(signal.SIGALRM, _late)  # a socket's own time-out begins anew with every byte
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        connection.request("GET", f"{address.path or '/'}{'?' if address.query else ''}{address.query}")
        response = connection.getresponse()
        return _well(response.status, response.read(MOST_BYTES))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        connection.close()


def _late(*_: object) -> NoReturn:
    raise TimeoutError


def _well(status: int, body: bytes) -> str:
    called = _status(body)
    if not 200 <= status < 300:
        raise _Refused(f"answers {status}{f', {called}' if called else ''}")
    if called and called not in WELL:
        raise _Refused(called)
    return called or f"answers {status}"


def _status(body: bytes) -> str | None:
    """What one of our servers says; None where another kind answers."""
    try:
        said = json.loads(body)
    except ValueError:
        return None
    status = said.get("status") if isinstance(said, dict) else None
    return status if isinstance(status, str) and status.isprintable() else None


def _end(url: str, problem: str) -> NoReturn:
    sys.exit(f"atelier: {url}: {problem}")

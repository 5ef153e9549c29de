"""Listening sockets, opened before a server starts so that a port in use is said in words."""

from __future__ import annotations

import errno
import socket

from atelier.settings import SettingsProblem

BACKLOG = 65_535
"""Of connections that wait to be accepted; the system may allow fewer."""

_DOORS = 16


def listening(host: str, port: int, name: str) -> socket.socket:
    """A socket on `host`:`port`. Raises SettingsProblem naming the port and what to do."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_STREAM)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        opened.bind((host, port))
        opened.listen(BACKLOG)
    except OSError as problem:
        opened.close()
        raise SettingsProblem(_in_words(problem, host, port, name)) from None
    return opened


def doors(opened: socket.socket) -> list[socket.socket]:
    """The same socket several times, for a server that is to accept several connections in a turn of its event loop.

    uvloop accepts one of each: where thousands come at once, the last would wait for seconds.
    """
    return [opened, *(opened.dup() for _ in range(_DOORS - 1))]


def _in_words(problem: OSError, host: str, port: int, name: str) -> str:
    if problem.errno == errno.EADDRINUSE:
        return (
            f"Port {port} ({name}) is in use by another program. Stop it, or set ATELIER_PORT_OFFSET=100 "
            "to move every port of this Atelier up by a hundred."
        )
    if problem.errno == errno.EACCES:
        return f"Port {port} ({name}) needs more rights than this user has; choose one of 1024 and more."
    return f"Cannot listen on {host}:{port} ({name}): {problem.strerror}. Check ATELIER_HOST."


def check_free(host: str, port: int, name: str) -> None:
    """Raises SettingsProblem where `listening` would, or where somebody answers on the port by another address."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        if probe.connect_ex((host, port)) == 0:
            raise SettingsProblem(_in_words(OSError(errno.EADDRINUSE, ""), host, port, name))
    listening(host, port, name).close()

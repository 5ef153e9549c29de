"""Real servers on loopback for tests: a uvicorn in a thread on a free port, with the protocol that we serve with."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from atelier.corked import CorkedProtocol


def until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait for a condition; fail where it does not come true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"did not come true within {seconds} s: {condition}"
        time.sleep(0.01)


class Server:
    """Runs from `with` to its end, or to `stop`."""

    def __init__(self, app: ASGIApp, *, protocol: type[HttpToolsProtocol] = CorkedProtocol) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=256)
        config = uvicorn.Config(
            app,
            http=protocol,
            log_config=None,
            timeout_graceful_shutdown=1,
            timeout_keep_alive=75,  # as ours are; its own 5 s are also the time for which clients keep a connection
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True)

    def __enter__(self) -> str:
        self._thread.start()
        until(lambda: self._server.started or not self._thread.is_alive())
        assert self._server.started, "the server did not start"
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(timeout=20)
        self._socket.close()
        assert not self._thread.is_alive(), "the server did not stop"


@contextlib.contextmanager
def running(app: ASGIApp) -> Iterator[str]:
    """The server's base URL, while it runs."""
    with Server(app) as url:
        yield url

"""Many who come at once are let in at once."""

from __future__ import annotations

import asyncio
import socket
from contextlib import ExitStack

import uvloop

from atelier.ports import doors, listening

MANY = 400


def test_many_connections_are_accepted_in_few_turns() -> None:
    assert uvloop.run(_turns()) <= MANY / 10


async def _turns() -> int:
    """How many turns of the event loop it takes until all have been accepted that were there before the first."""
    accepted = list[asyncio.BaseTransport]()
    turns = 0

    class Door(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            accepted.append(transport)

    with ExitStack() as stack:
        opened = listening("127.0.0.1", 0, "gateway")
        for _ in range(MANY):
            stack.enter_context(socket.create_connection(opened.getsockname(), timeout=60))
        servers = [await asyncio.get_running_loop().create_server(Door, sock=door) for door in doors(opened)]
        async with asyncio.timeout(60):
            while len(accepted) < MANY:
                turns += bool(accepted)
                await asyncio.sleep(0)
        for server in servers:
            server.close()
        for transport in accepted:
            transport.abort()
    return turns

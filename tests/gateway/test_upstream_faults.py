"""What must not go wrong between the client that asks upstreams and servers that misbehave."""

from __future__ import annotations

import asyncio
import gc
import weakref
from unittest.mock import Mock

import aiohttp
import pytest
from aiohttp.client_proto import ResponseHandler
from test_upstream_client import asking, says

from atelier.gateway.upstreams.connection import MOST_UNREAD_BYTES, Connection
from misbehaving import becomes

_OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


async def test_who_is_cancelled_after_the_answer_has_come_leaves_the_connection_to_the_next() -> None:
    async with asking(says(_OK)) as (client, target, spoken), asyncio.timeout(60):
        await client.post(target, {}, b"{}")
        [connection] = client._free[target.origin]
        freed, after = connection._done, list[asyncio.Task[bytes]]()

        async def ask_next() -> bytes:
            return await (await client.post(target, {}, b"{}")).read()

        def cancel_at_once(done: object) -> None:
            connection._done = freed
            freed(connection)
            first.cancel()
            after.append(asyncio.create_task(ask_next()))

        connection._done = cancel_at_once
        first = asyncio.create_task(client.post(target, {}, b"{}"))
        await asyncio.gather(first, return_exceptions=True)
        assert first.cancelled()
        await becomes(lambda: bool(after))
        assert await after[0] == b"ok"
        assert spoken.connections == 1


@pytest.mark.parametrize(
    ("coding", "body", "whole"), [(b"identity", b"to the end", True), (b"Chunked", b"5\r\nno en", False)]
)
async def test_a_coding_that_tells_no_end_ends_with_its_connection(coding: bytes, body: bytes, whole: bool) -> None:
    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(2)
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: " + coding + b"\r\n\r\n" + body)
        writer.close()

    async with asking(say) as (client, target, _), asyncio.timeout(60):
        response = await client.post(target, {}, b"{}")
        if whole:
            assert await response.read() == body
        else:
            with pytest.raises(aiohttp.ClientError):
                await response.read()
        response.close()


async def test_a_connection_that_has_ended_is_gone_without_the_garbage_collector() -> None:
    closing = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok"
    async with asking(says(closing)) as (client, target, _), asyncio.timeout(60):
        gc.collect()
        gc.disable()
        try:
            response = await client.post(target, {}, b"{}")
            known = weakref.ref(response._connection)
            assert await response.read() == b"ok"
            del response
            await becomes(lambda: known() is None, 5.0)
        finally:
            gc.enable()


def _made(*, told: bytes = b"") -> tuple[Mock, ResponseHandler]:
    """A connection of aiohttp's, which has told something before it was asked."""
    maker = ResponseHandler(asyncio.get_running_loop())
    maker.connection_made(Mock(spec=asyncio.Transport))
    maker.data_received(told)
    return Mock(protocol=maker, transport=maker.transport), maker


async def test_a_server_that_speaks_before_it_is_asked_is_not_asked() -> None:
    made, _ = _made(told=b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 9\r\n\r\nhalf")
    with pytest.raises(aiohttp.ServerDisconnectedError):
        Connection(made, lambda _: None)
    made.close.assert_called_once_with()


async def test_a_large_answer_that_is_read_late_does_not_let_the_next_one_in() -> None:
    """The connection is another's by then, which has stopped the reading for itself."""
    made, maker = _made()
    transport = maker.transport
    assert transport is not None
    connection = Connection(made, lambda _: None)
    transport.is_closing.return_value = False  # type: ignore[attr-defined]
    transport.get_write_buffer_size.return_value = 0  # type: ignore[attr-defined]
    large = bytes(MOST_UNREAD_BYTES + 1)
    answers = []
    for end in (b"", b"more to come"):
        asked = connection.ask(b"POST / HTTP/1.1\r\n\r\n", b"")
        head = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % (len(large) + len(end))
        connection.data_received(head + large)
        answers.append(await asked)
    resumed = transport.resume_reading
    before = resumed.call_count  # type: ignore[attr-defined]
    assert await answers[0].read_piece() == large
    assert resumed.call_count == before  # type: ignore[attr-defined]
    assert await answers[1].read_piece() == large
    assert resumed.call_count == before + 1  # type: ignore[attr-defined]


async def test_trailers_are_not_kept() -> None:
    made, _ = _made()
    connection = Connection(made, lambda _: None)
    asked = connection.ask(b"POST / HTTP/1.1\r\n\r\n", b"")
    connection.data_received(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n")
    response = await asked
    connection.data_received(b"x-more: and more\r\n" * 1000)
    assert len(connection._headers) == 1
    assert response.fields == {b"transfer-encoding": b"chunked"}

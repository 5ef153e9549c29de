"""What must not go wrong between the client that asks upstreams and servers that misbehave."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from misbehaving import becomes
from test_upstream_client import asking, says

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

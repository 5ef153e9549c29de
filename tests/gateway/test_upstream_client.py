"""The client that asks upstreams, against servers that speak HTTP byte by byte."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
import uvloop
from test_certificate import self_signed
from yarl import URL

from atelier.gateway.upstreams import client as client_module
from atelier.gateway.upstreams.client import Client, Target
from atelier.gateway.upstreams.connection import MOST_HEAD_BYTES, MOST_UNREAD_BYTES
from misbehaving import becomes

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Spoken:
    """What connections brought; each is answered by `answer`."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.heads: list[bytes] = []
        self.connections = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                self.heads.append(await reader.readuntil(b"\r\n\r\n"))
                await self.answer(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def asking(answer: Answer) -> AsyncIterator[tuple[Client, Target, Spoken]]:
    spoken = Spoken(answer)
    server = await asyncio.start_server(spoken, "127.0.0.1")
    port = server.sockets[0].getsockname()[1]
    client = Client(connect_seconds=3.0)
    try:
        target = Target(URL(f"http://127.0.0.1:{port}/v1/audio/speech"), {"authorization": "Bearer k"})
        yield client, target, spoken
    finally:
        await client.close()
        server.close()


def says(answer: bytes, *, body: int = 2) -> Answer:
    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(body)
        writer.write(answer)

    return say


async def test_the_request_has_its_line_its_headers_and_its_body() -> None:
    async with asking(says(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nX-Told: 7\r\n\r\nok")) as (client, target, spoken):
        for _ in range(3):
            response = await client.post(target, {"content-type": "application/json"}, b"{}")
            assert (response.status, response.field(b"x-told"), await response.read()) == (200, "7", b"ok")
            response.close()
        lines = spoken.heads[0].decode().lower().split("\r\n")
        assert lines[0] == "post /v1/audio/speech http/1.1"
        host = f"host: 127.0.0.1:{target.connecting.url.port}"
        assert {host, "authorization: bearer k", "content-type: application/json", "content-length: 2"} <= {*lines}
        assert spoken.connections == 1


async def test_an_answer_on_the_way_is_passed_over() -> None:
    spoken = b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
    async with asking(says(spoken)) as (client, target, _):
        response = await client.post(target, {}, b"{}")
        assert (response.status, await response.read()) == (200, b"ok")
        response.close()


async def test_an_answer_without_a_length_ends_with_its_connection() -> None:
    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(2)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nuntil the end")
        writer.close()

    async with asking(say) as (client, target, spoken):
        for _ in range(2):
            response = await client.post(target, {}, b"{}")
            assert await response.read() == b"until the end"
            response.close()
        assert spoken.connections == 2


@pytest.mark.parametrize("answer", [b"SSH-2.0-OpenSSH_9.2\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n"])
async def test_what_is_no_answer_is_a_broken_one(answer: bytes) -> None:
    async with asking(says(answer)) as (client, target, _):
        with pytest.raises(aiohttp.ClientError):
            await client.post(target, {}, b"{}")


async def test_a_refusal_is_heard_before_the_whole_body_has_gone() -> None:
    async def say(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 413 Too Large\r\ncontent-length: 3\r\nconnection: close\r\n\r\nno!")
        await asyncio.sleep(30)  # it reads nothing more

    async with asking(say) as (client, target, _), asyncio.timeout(60):
        response = await client.post(target, {}, bytes(30_000_000))
        assert (response.status, await response.read()) == (413, b"no!")
        response.close()


async def test_a_connection_whose_answer_was_left_is_not_used_again() -> None:
    async with asking(says(b"HTTP/1.1 200 OK\r\ncontent-length: 9000\r\n\r\nbegun")) as (client, target, spoken):
        for _ in range(2):
            response = await client.post(target, {}, b"{}")
            response.close()
        assert spoken.connections == 2


async def test_a_header_cannot_end_its_line() -> None:
    async with asking(says(b"")) as (client, target, spoken):
        with pytest.raises(ValueError, match=r"(?i)header|newline|control"):
            await client.post(target, {"x-atelier-tenant": "a\r\nx-atelier-admin: 1"}, b"{}")
        assert not any(b"admin" in head for head in spoken.heads)


async def _refuse_early(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers a large request at once, keeps the connection open, and reads on only where another begins."""
    writer.write(b"HTTP/1.1 413 Too Large\r\ncontent-length: 3\r\n\r\nno!")
    await asyncio.sleep(30)


async def test_a_connection_with_an_unsent_body_serves_nobody_else() -> None:
    async with asking(_refuse_early) as (client, target, spoken), asyncio.timeout(60):
        for _ in range(2):
            response = await client.post(target, {}, bytes(30_000_000))
            assert (response.status, await response.read()) == (413, b"no!")
            response.close()
        assert spoken.connections == 2


async def test_who_hangs_up_leaves_nothing_unsent_behind() -> None:
    async def hear_nothing(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
        await asyncio.sleep(30)

    async with asking(hear_nothing) as (client, target, _), asyncio.timeout(60):
        posting = asyncio.create_task(client.post(target, {}, bytes(30_000_000)))
        taken = client._connector._acquired
        await becomes(lambda: any(one.transport and one.transport.get_write_buffer_size() for one in taken))
        [transport] = [one.transport for one in taken]
        assert transport is not None
        posting.cancel()
        await asyncio.gather(posting, return_exceptions=True)
        assert transport.is_closing()
        assert transport.get_write_buffer_size() == 0


async def test_what_comes_unasked_is_no_answer_to_the_next_request() -> None:
    twice = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok" * 2
    async with asking(says(twice)) as (client, target, spoken):
        for _ in range(2):
            response = await client.post(target, {}, b"{}")
            assert await response.read() == b"ok"
            response.close()
            await asyncio.sleep(0.05)  # what was not asked for has arrived by then
        assert spoken.connections == 2


async def test_another_protocol_is_an_answer_and_not_waited_behind() -> None:
    switching = b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n"
    async with asking(says(switching)) as (client, target, _), asyncio.timeout(60):
        response = await client.post(target, {}, b"{}")
        assert response.status == 101
        response.close()


async def test_pieces_come_as_they_are_sent_and_trailers_are_left_out() -> None:
    go_on = asyncio.Event()

    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(2)
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n")
        await go_on.wait()
        writer.write(b"4\r\n two\r\n0\r\nx-after: 1\r\n\r\n")

    async with asking(say) as (client, target, spoken), asyncio.timeout(60):
        for _ in range(2):
            go_on.clear()
            response = await client.post(target, {}, b"{}")
            assert await response.read_piece() == b"one"
            go_on.set()
            assert [await response.read(), await response.read_piece()] == [b" two", b""]
            assert b"x-after" not in response.fields
        assert spoken.connections == 1


async def test_what_nobody_takes_is_left_with_the_server() -> None:
    size = 200 * MOST_UNREAD_BYTES

    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(2)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size + bytes(size))

    async with asking(say) as (client, target, spoken), asyncio.timeout(60):
        for _ in range(2):
            response = await client.post(target, {}, b"{}")
            await asyncio.sleep(0.2)  # in which all of it could come
            assert 0 < len(await response.read_piece()) < size / 10
            await response.read()
        assert spoken.connections == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nbegun",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nbegun\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nbegun\r\nno length\r\n",
    ],
)
async def test_an_answer_that_breaks_off_is_told(answer: bytes) -> None:
    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(2)
        writer.write(answer)
        writer.close()

    async with asking(say) as (client, target, _), asyncio.timeout(60):
        response = await client.post(target, {}, b"{}")
        with pytest.raises((aiohttp.ClientError, ConnectionError)):
            await response.read()


async def test_a_head_without_an_end_is_no_answer() -> None:
    async with asking(says(b"HTTP/1.1 200 OK\r\nx-told: " + b"7" * (MOST_HEAD_BYTES + 1))) as (client, target, _):
        async with asyncio.timeout(60):
            with pytest.raises(aiohttp.ClientPayloadError):
                await client.post(target, {}, b"{}")


async def test_who_waits_for_an_answer_hears_that_it_will_not_come() -> None:
    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(2)
        writer.close()

    async with asking(say) as (client, target, _), asyncio.timeout(60):
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await client.post(target, {}, b"{}")


async def test_connections_that_nobody_needs_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "KEEP_ALIVE_SECONDS", 0.05)
    async with asking(says(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")) as (client, target, spoken):
        for _ in range(2):
            responses = await asyncio.gather(*(client.post(target, {}, b"{}") for _ in range(3)))
            assert [await response.read() for response in responses] == [b"ok"] * 3
            await becomes(lambda: not client._connector._acquired)
        assert spoken.connections == 6


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_it_speaks_tls_under_both_event_loops(run: Callable[[Awaitable[None]], None], tmp_path: Path) -> None:
    server = self_signed(tmp_path, ends=datetime.now(UTC) + timedelta(days=1))
    trusting = ssl.create_default_context(cafile=tmp_path / "both.pem")

    async def ask() -> None:
        spoken = Spoken(says(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", body=300_000))
        listening = await asyncio.start_server(spoken, "127.0.0.1", 0, ssl=server)
        client = Client(connect_seconds=10.0)
        url = URL(f"https://localhost:{listening.sockets[0].getsockname()[1]}/v1/ocr")
        target = Target(url, {})
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await client.post(target, {}, bytes(300_000))
        target.connecting = aiohttp.ClientRequest("POST", url, loop=asyncio.get_running_loop(), ssl=trusting)
        for _ in range(3):
            response = await client.post(target, {}, bytes(300_000))
            assert (response.status, await response.read()) == (200, b"ok")
        assert spoken.connections == 1
        await client.close()
        listening.close()

    run(ask())

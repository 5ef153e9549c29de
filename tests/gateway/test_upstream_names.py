"""Upstreams behind one name: each of its addresses serves, and the name is looked up again and again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from atelier.errors import Unavailable
from atelier.gateway.health import health
from atelier.gateway.upstreams import Served, Times, Upstream, Upstreams, create_upstreams
from atelier.gateway.upstreams.names import addresses
from atelier.settings import SettingsProblem, load_settings
from atelier.wire.exchange import Outgoing
from misbehaving import PATH, REPORT, SERVICE, Server, becomes, breaks_off, servers

EVERY = 0.02
ASKED = Outgoing(PATH, {"prompt": "a cat"})


class Directory:
    """What a name server knows: the addresses of the one name, or none."""

    def __init__(self, *known: str) -> None:
        self.known: Sequence[str] = known
        self.asked: list[str] = []

    async def look_up(self, host: str) -> list[str]:
        self.asked.append(host)
        if not self.known:
            raise OSError("no such name")
        return list(self.known)


@asynccontextmanager
async def replicas(count: int) -> AsyncIterator[list[Server]]:
    """Servers on one port of several loopback addresses, as replicas have it."""
    first = Server()
    await first.start()
    others = [Server(port=first.port, host=f"127.0.0.{number}") for number in range(2, count + 1)]
    async with servers(*others):
        try:
            yield [first, *others]
        finally:
            await first.stop()


@asynccontextmanager
async def spread(port: int, directory: Directory, *beside: Upstream) -> AsyncIterator[Upstreams]:
    name = Upstream(SERVICE, f"http://workers.internal:{port}", dns=True)
    times = Times(connect=1, request=5)
    opened = Upstreams({SERVICE: [name, *beside]}, times, every=EVERY, look_up=directory.look_up)
    await opened.start()
    try:
        yield opened
    finally:
        await opened.stop()


def serving(upstreams: Upstreams) -> list[str]:
    return [upstream.url for upstream in upstreams.pools[SERVICE] if upstream.status == "healthy"]


async def ask(upstreams: Upstreams) -> str | None:
    served = Served()
    with await upstreams.answered(SERVICE, ASKED, {"x-request-id": "1"}, served) as answer:
        await answer.read()
    return served.upstream


async def test_each_address_of_a_name_serves() -> None:
    directory = Directory("127.0.0.1", "127.0.0.2", "127.0.0.3")
    async with replicas(3) as three, spread(three[0].port, directory) as upstreams:
        await becomes(lambda: len(serving(upstreams)) == 3)
        asked = {await ask(upstreams) for _ in range(60)}
        assert asked == {server.url for server in three}
        assert set(directory.asked) == {"workers.internal"}
        told = health(upstreams, {}, {"database": "healthy", "limits": "healthy"})["services"][SERVICE]
        assert (told["status"], told["upstreams"]) == ("healthy", 3)


async def test_one_that_is_added_serves_and_one_that_is_gone_does_not() -> None:
    directory = Directory("127.0.0.1")
    async with replicas(2) as (one, two), spread(one.port, directory) as upstreams:
        await becomes(lambda: serving(upstreams) == [one.url])
        directory.known = ["127.0.0.1", "127.0.0.2"]
        await becomes(lambda: len(serving(upstreams)) == 2)
        kept = upstreams.pools[SERVICE][0]
        directory.known = ["127.0.0.1"]
        await becomes(lambda: len(upstreams.pools[SERVICE]) == 1)
        probed = two.connections
        assert {await ask(upstreams) for _ in range(10)} == {one.url}
        assert upstreams.pools[SERVICE] == [kept], "one that stays keeps its circuit and what it has in flight"
        await asyncio.sleep(3 * EVERY)
        assert two.connections == probed, "one that is gone is still asked how it is"


async def test_a_request_to_one_that_is_gone_from_the_name_ends_well() -> None:
    heard, go = asyncio.Event(), asyncio.Event()

    async def waits(_: Server, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.set()
        await go.wait()
        writer.write(b"HTTP/1.1 200 So\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}")

    directory = Directory("127.0.0.1")
    async with replicas(2) as (one, _), spread(one.port, directory) as upstreams:
        await becomes(lambda: serving(upstreams) == [one.url])
        one.manners = waits
        asked = asyncio.create_task(ask(upstreams))
        await heard.wait()
        directory.known = ["127.0.0.2"]
        await becomes(lambda: [upstream.url for upstream in upstreams.pools[SERVICE]] != [one.url])
        go.set()
        assert await asked == one.url


async def test_each_address_has_a_circuit_of_its_own() -> None:
    directory = Directory("127.0.0.1", "127.0.0.2")
    async with replicas(2) as (good, bad), spread(good.port, directory) as upstreams:
        await becomes(lambda: len(serving(upstreams)) == 2)
        bad.manners = breaks_off
        for _ in range(60):
            assert await ask(upstreams) == good.url
        states = {upstream.url: upstream.circuit.closed for upstream in upstreams.pools[SERVICE]}
        assert states == {good.url: True, bad.url: False}


async def test_without_an_answer_of_the_name_server_those_that_were_known_go_on() -> None:
    directory = Directory("127.0.0.1")
    async with replicas(1) as [one], spread(one.port, directory) as upstreams:
        await becomes(lambda: serving(upstreams) == [one.url])
        directory.known = []
        before = len(directory.asked)
        await becomes(lambda: len(directory.asked) > before + 2)
        assert await ask(upstreams) == one.url


async def test_a_name_that_nobody_knows_is_not_available_and_serves_once_it_is_known() -> None:
    directory = Directory()
    async with replicas(1) as [one], spread(one.port, directory) as upstreams:
        await becomes(lambda: upstreams.pools[SERVICE][0].status == "unhealthy")
        with pytest.raises(Unavailable):
            await ask(upstreams)
        directory.known = ["127.0.0.1"]
        await becomes(lambda: serving(upstreams) == [one.url])
        assert await ask(upstreams) == one.url


async def test_the_next_tier_serves_while_none_behind_the_name_can() -> None:
    directory = Directory("127.0.0.1", "127.0.0.2")
    async with servers(Server()) as [other], replicas(2) as (one, two):
        spare = Upstream(SERVICE, other.url, tier=1)
        async with spread(one.port, directory, spare) as upstreams:
            await becomes(lambda: len(serving(upstreams)) == 3)
            assert await ask(upstreams) in {one.url, two.url}
            one.health = two.health = REPORT.replace(b"healthy", b"unhealthy")
            await becomes(lambda: serving(upstreams) == [other.url])
            assert await ask(upstreams) == other.url


async def test_the_rule_of_a_name_holds_for_each_of_its_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATELIER_UPSTREAMS", '{"text-to-image": [{"url": "http://w:1/", "dns": true, "weight": 2}]}')
    [name] = create_upstreams(load_settings()).pools[SERVICE]
    one = name.at("http://10.0.0.1:1")
    assert (name.dns, one.dns, one.weight, one.circuit is name.circuit) == (True, False, 2.0, False)


def test_a_certificate_is_for_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATELIER_UPSTREAMS", '{"text-to-image": [{"url": "https://w", "dns": true}]}')
    with pytest.raises(SettingsProblem, match="http://"):
        load_settings()


async def test_a_name_of_this_machine_is_found() -> None:
    assert await addresses("localhost") == ["127.0.0.1"]
    assert await addresses("::1") == ["::1"]

"""Calls to upstreams that misbehave: who serves then, what the caller is told, and what is noticed by whom."""

from __future__ import annotations

import asyncio
import gc
import socket
import time
import weakref
from contextlib import ExitStack, suppress

import pytest

from atelier.contracts.images import ImagesResult, TextToImageRequest
from atelier.errors import AtelierError, InvalidRequest, ModelMissing, Overloaded, TooSlow, Unavailable, UpstreamFailed
from atelier.gateway.health import health
from atelier.gateway.upstreams import Served, Times, Upstream, Upstreams
from atelier.gateway.upstreams.circuit import IN_A_ROW, Circuit
from atelier.wire.exchange import Outgoing
from misbehaving import (
    PATH,
    SERVICE,
    Manners,
    Server,
    becomes,
    breaks_off,
    breaks_off_amid,
    refuses,
    says,
    servers,
    silent,
    streams,
    upstreams_of,
)

FINE = {"database": "healthy", "limits": "healthy"}
ASKED = Outgoing(PATH, {"prompt": "a cat"})


async def ask(upstreams: Upstreams, served: Served | None = None, outgoing: Outgoing = ASKED) -> bytes:
    with await upstreams.answered(SERVICE, outgoing, {"x-request-id": "1"}, served or Served()) as answer:
        return await answer.read()


async def told(upstreams: Upstreams) -> AtelierError:
    with pytest.raises(AtelierError) as problem:
        await ask(upstreams)
    return problem.value


def idle(upstreams: Upstreams) -> bool:
    return all(upstream.in_flight == 0 for upstream in upstreams.pools[SERVICE])


async def test_a_request_is_answered_by_typed_events_and_says_who_served() -> None:
    served = Served()
    async with servers(Server()) as [server], upstreams_of(server) as upstreams:
        calls = upstreams.call(SERVICE, TextToImageRequest(prompt="x"), tenant="a", request_id="1", served=served)
        [result] = [event async for event in calls]
        assert isinstance(result, ImagesResult)
        assert (served.upstream, served.fallback) == (server.url, False)
        [heard] = server.requests
        assert (heard.headers["x-atelier-tenant"], heard.headers["x-request-id"]) == ("a", "1")
        assert idle(upstreams)


async def test_connections_are_kept() -> None:
    async with servers(Server()) as [server], upstreams_of(server, every=60) as upstreams:
        for _ in range(20):
            await ask(upstreams)
        assert server.connections <= 2


async def test_a_body_that_is_written_already_goes_out_as_it_is_also_the_second_time() -> None:
    raw = b'{ "prompt": "as it came" }'
    async with servers(Server(breaks_off), Server()) as [first, second]:
        rules = Upstream(SERVICE, first.url), Upstream(SERVICE, second.url, tier=1)
        async with upstreams_of(*rules) as upstreams:
            await ask(upstreams, outgoing=Outgoing(PATH, raw=raw, content_type="application/json"))
            assert [heard.body for heard in first.requests + second.requests] == [raw, raw]


@pytest.mark.parametrize("address", ["", "/text-to-image"])
async def test_an_upstream_may_lie_below_a_path(address: str) -> None:
    async with servers(Server()) as [server], upstreams_of(Upstream(SERVICE, server.url + address)) as upstreams:
        await ask(upstreams)
        assert [heard.path for heard in server.requests] == [address + PATH]


async def test_a_fault_that_no_worker_worded_is_a_proxys_that_lost_its_worker() -> None:
    """It has others: asked once more, it gives the request to one of them."""

    async def lost_once(server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answer = says(500, b"Internal Server Error", "text/plain") if len(server.requests) == 1 else says(200)
        await answer(server, reader, writer)

    async with servers(Server(lost_once)) as [proxy], upstreams_of(proxy) as upstreams:
        await ask(upstreams)
        assert len(proxy.requests) == 2
        proxy.manners = says(500, b"Internal Server Error", "text/plain")
        for _ in range(IN_A_ROW):  # one of many is gone, not all
            assert isinstance(await told(upstreams), UpstreamFailed)
        assert len(proxy.requests) == 2 + 2 * IN_A_ROW
        assert upstreams.pools[SERVICE][0].circuit.closed


async def test_a_large_body_arrives_whole() -> None:
    raw = b"x" * 3_000_000
    async with servers(Server()) as [server], upstreams_of(server) as upstreams:
        await ask(upstreams, outgoing=Outgoing(PATH, raw=raw))
        assert server.requests[0].body == raw


@pytest.mark.parametrize(
    "manners",
    [
        breaks_off,
        refuses(302),
        refuses(401),
        refuses(429),
        refuses(502),
        refuses(503),
        refuses(503, retry_after="7"),
        refuses(503, "model_missing", retry_after="5"),
        refuses(504),
    ],
)
async def test_another_serves_where_the_first_does_not(manners: Manners) -> None:
    async with servers(Server(manners), Server()) as [first, second]:
        rules = Upstream(SERVICE, first.url), Upstream(SERVICE, second.url, tier=1)
        async with upstreams_of(*rules) as upstreams:
            served = Served()
            assert await ask(upstreams, served)
            assert (served.upstream, served.fallback) == (second.url, True)
            assert (len(first.requests), len(second.requests)) == (1, 1)
            assert idle(upstreams)


async def test_an_address_that_takes_no_connection_is_gone() -> None:
    # As a machine or a container that has vanished: nothing refuses, nothing answers.
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, ExitStack() as callers:
        for _ in range(3):
            caller = callers.enter_context(socket.socket())
            caller.setblocking(False)
            caller.connect_ex(full.getsockname())
        vanished = Upstream(SERVICE, f"http://127.0.0.1:{full.getsockname()[1]}", status="healthy")
        opened = Upstreams({SERVICE: [vanished]}, Times(connect=1, request=5), every=0.02)
        await opened.start()
        try:
            await becomes(lambda: vanished.status == "unhealthy")
        finally:
            await opened.stop()


async def test_a_refused_connection_moves_on_and_is_remembered_until_a_probe() -> None:
    async with servers(Server(), Server()) as [first, second]:
        rules = Upstream(SERVICE, first.url), Upstream(SERVICE, second.url, tier=1)
        async with upstreams_of(*rules, every=60) as upstreams:
            await first.stop()
            for _ in range(2):  # the first may find a connection that is kept
                served = Served()
                await ask(upstreams, served)
                assert served.fallback
            assert rules[0].status == "unhealthy"
            assert rules[0].in_flight == 0


async def test_an_upstream_that_dies_and_returns_serves_again() -> None:
    async with servers(Server()) as [server], upstreams_of(server) as upstreams:
        await ask(upstreams)
        await server.stop()
        with suppress(AtelierError):
            await ask(upstreams)
        assert isinstance(await told(upstreams), Unavailable)
        await server.start()
        await becomes(lambda: upstreams.pools[SERVICE][0].status == "healthy")
        assert await ask(upstreams)


@pytest.mark.parametrize(
    ("manners", "error", "status"),
    [
        (refuses(500, "internal_error"), AtelierError, 500),
        (refuses(422, "invalid_request"), InvalidRequest, 422),
        (refuses(504, "too_slow"), TooSlow, 504),
        (breaks_off_amid, UpstreamFailed, 502),
    ],
)
async def test_what_another_would_not_do_better_is_asked_once(
    manners: Manners, error: type[AtelierError], status: int
) -> None:
    async with servers(Server(manners), Server(manners)) as pair, upstreams_of(*pair) as upstreams:
        problem = await told(upstreams)
        assert isinstance(problem, error)
        assert problem.status == status
        assert len(pair[0].requests + pair[1].requests) == 1
        assert idle(upstreams)


async def test_a_request_that_kills_what_serves_it_kills_two_at_most() -> None:
    async with servers(*(Server(breaks_off) for _ in range(4))) as made, upstreams_of(*made) as upstreams:
        assert isinstance(await told(upstreams), UpstreamFailed)
        assert sum(len(server.requests) for server in made) == 2


async def test_there_are_three_attempts_at_most() -> None:
    async with servers(*(Server(refuses(502)) for _ in range(5))) as made, upstreams_of(*made) as upstreams:
        assert isinstance(await told(upstreams), UpstreamFailed)
        assert sorted(len(server.requests) for server in made) == [0, 0, 1, 1, 1]


async def test_an_old_connection_that_broke_is_no_reason_to_fail() -> None:
    """With one upstream only: it is asked again, for the connection may have been closed by then."""
    async with servers(Server()) as [server], upstreams_of(server) as upstreams:
        answers = iter([breaks_off, says(200)])

        async def first_breaks(*peer: object) -> None:
            await next(answers)(*peer)  # type: ignore[arg-type]

        server.manners = first_breaks
        assert await ask(upstreams)
        assert len(server.requests) == 2


async def test_repeats_stay_within_the_budget() -> None:
    class Closed(Circuit):
        def failed(self, now: float, *, trial: bool = False, in_a_row: bool = True) -> bool:
            return False

    async with servers(Server(refuses(502)), Server(refuses(502))) as pair:
        async with upstreams_of(*(Upstream(SERVICE, server.url, circuit=Closed()) for server in pair)) as upstreams:
            for _ in range(60):
                await told(upstreams)
        assert 60 + 8 <= len(pair[0].requests + pair[1].requests) <= 60 + 14


async def test_a_connection_that_is_never_made_is_given_up_in_time() -> None:
    """198.51.100.0/24 is for documents: nothing answers there, or the network says at once that it leads nowhere."""
    async with servers(Server()) as [server]:
        lost = Upstream(SERVICE, "http://198.51.100.1:9", status="healthy")
        rules = lost, Upstream(SERVICE, server.url, tier=1)
        async with upstreams_of(*rules, times=Times(connect=0.5, request=60), every=60) as upstreams:
            lost.status = "healthy"
            started, served = time.monotonic(), Served()
            await ask(upstreams, served)
            assert served.fallback
            assert time.monotonic() - started < 30, "nobody gave it up"


async def test_an_answer_that_does_not_begin_in_time_is_asked_of_one_other() -> None:
    async with servers(Server(silent), Server(), Server()) as [first, *others]:
        rules = [Upstream(SERVICE, first.url)] + [Upstream(SERVICE, other.url, tier=1) for other in others]
        async with upstreams_of(*rules, times=Times(first_byte=1, request=30)) as upstreams:
            assert await ask(upstreams)
            await becomes(lambda: first.left == 1)
            for server in others:
                server.manners = silent
            problem = await told(upstreams)
            assert isinstance(problem, TooSlow)
            assert "begin its answer" in problem.message
            assert sum(len(server.requests) for server in others) == 2


@pytest.mark.parametrize("manners", [silent, streams])
async def test_a_request_whose_time_is_up_is_not_repeated(manners: Manners) -> None:
    times = Times(request=1.5)
    async with servers(Server(manners), Server(manners)) as pair, upstreams_of(*pair, times=times) as upstreams:
        problem = await told(upstreams)
        assert isinstance(problem, TooSlow)
        assert len(pair[0].requests + pair[1].requests) == 1
        await becomes(lambda: pair[0].left + pair[1].left == 1)


async def test_a_busy_upstream_is_left_alone_for_as_long_as_it_says() -> None:
    busy = refuses(503, "overloaded", retry_after="30")
    async with servers(Server(busy)) as [server], upstreams_of(server) as upstreams:
        problem = await told(upstreams)
        assert isinstance(problem, Overloaded)
        assert problem.retry_after == 30
        server.manners = says(200)
        started = time.monotonic()
        again = await told(upstreams)
        assert isinstance(again, Overloaded)
        assert 25 < (again.retry_after or 0) <= 30
        assert time.monotonic() - started < 10, "it was not said at once"
        assert len(server.requests) == 1
        upstreams.pools[SERVICE][0].not_before = 0
        assert await ask(upstreams)


async def test_full_upstreams_are_refused_at_once() -> None:
    async with servers(Server(silent)) as [server]:
        rule = Upstream(SERVICE, server.url, most=2)
        async with upstreams_of(rule) as upstreams:
            asking = [asyncio.create_task(ask(upstreams)) for _ in range(2)]
            await becomes(lambda: len(server.requests) == 2)
            problem = await told(upstreams)
            assert isinstance(problem, Overloaded)
            assert (problem.status, problem.retry_after) == (503, 1)
            for task in asking:
                task.cancel()
            await asyncio.gather(*asking, return_exceptions=True)
            assert rule.in_flight == 0


async def test_a_missing_model_harms_no_one_else() -> None:
    missing = refuses(503, "model_missing", retry_after="5")
    async with servers(Server(missing)) as [server], upstreams_of(server) as upstreams:
        for _ in range(2 * IN_A_ROW):
            assert isinstance(await told(upstreams), ModelMissing)
        server.manners = says(200)
        assert await ask(upstreams)


async def test_a_circuit_opens_is_shown_and_closes_by_one_trial_at_a_time() -> None:
    async with servers(Server(breaks_off_amid)) as [server], upstreams_of(server) as upstreams:
        [upstream] = upstreams.pools[SERVICE]
        for _ in range(IN_A_ROW):
            assert isinstance(await told(upstreams), UpstreamFailed)
        assert isinstance(await told(upstreams), Unavailable)
        assert len(server.requests) == IN_A_ROW, "an open circuit let a request pass"
        assert health(upstreams, {}, FINE)["services"][SERVICE]["circuit"] == "open"
        server.manners = silent
        await becomes(lambda: upstream.circuit.allows(time.monotonic()))
        trial = asyncio.create_task(ask(upstreams))
        await becomes(lambda: len(server.requests) == IN_A_ROW + 1)
        assert health(upstreams, {}, FINE)["services"][SERVICE]["circuit"] == "half-open"
        assert isinstance(await told(upstreams), Unavailable)
        trial.cancel()
        await asyncio.gather(trial, return_exceptions=True)
        server.manners = says(200)
        assert await ask(upstreams)
        assert health(upstreams, {}, FINE)["services"][SERVICE]["circuit"] == "closed"


async def test_a_trial_that_streams_lets_the_others_in() -> None:
    async with servers(Server(breaks_off_amid)) as [server], upstreams_of(server) as upstreams:
        [upstream] = upstreams.pools[SERVICE]
        for _ in range(IN_A_ROW):
            await told(upstreams)
        upstream.circuit.came_back()
        server.manners = streams
        with await upstreams.answered(SERVICE, ASKED, {}, Served()):
            server.manners = says(200)
            assert await ask(upstreams)


@pytest.mark.parametrize("manners", [silent, streams])
async def test_a_client_that_leaves_is_noticed_upstream_within_100_ms(manners: Manners) -> None:
    """At its quickest: a busy machine takes its time now and then."""
    took = []
    async with servers(Server(manners)) as [server], upstreams_of(server) as upstreams:
        for turn in range(1, 11):
            calls = upstreams.call(
                SERVICE, TextToImageRequest(prompt="x", stream=True), tenant="a", request_id="1", served=Served()
            )
            asking = asyncio.create_task(anext(calls))
            await becomes(lambda turn=turn: len(server.requests) == turn)  # type: ignore[misc]
            started = time.monotonic()
            asking.cancel()
            await becomes(lambda turn=turn: server.left == turn)  # type: ignore[misc]
            took.append(time.monotonic() - started)
            await asyncio.gather(asking, return_exceptions=True)
            assert idle(upstreams)
        assert upstreams.pools[SERVICE][0].circuit.closed, "clients that leave count against the upstream"
    assert min(took) < 0.1


async def test_a_stream_that_is_closed_amid_hangs_up() -> None:
    took = []
    async with servers(Server(streams)) as [server], upstreams_of(server) as upstreams:
        for turn in range(1, 6):
            with await upstreams.answered(SERVICE, ASKED, {}, Served()) as answer:
                assert await anext(answer.chunks()) == b"data: {}\n\n"
                started = time.monotonic()
            await becomes(lambda turn=turn: server.left == turn)  # type: ignore[misc]
            took.append(time.monotonic() - started)
    assert min(took) < 0.1


async def test_a_probe_that_is_not_answered_holds_nothing_up_and_decides_nothing() -> None:
    async with servers(Server()) as [server], upstreams_of(server) as upstreams:
        server.mute = True
        await becomes(lambda: server.left > 0)  # a probe gave up
        started = time.monotonic()
        assert await ask(upstreams)
        assert time.monotonic() - started < 1.5, "it has waited for a probe, which gives up after two seconds"
        assert upstreams.pools[SERVICE][0].status == "healthy"


async def test_a_request_that_was_refused_is_gone_without_the_garbage_collector() -> None:
    class Prompt(str):
        """Of which it can be known when nobody has it any more."""

    async def refused(upstreams: Upstreams) -> weakref.ref[Prompt]:
        prompt = Prompt("a cat")
        with pytest.raises(InvalidRequest):
            await ask(upstreams, outgoing=Outgoing(PATH, {"prompt": prompt}))
        return weakref.ref(prompt)

    async with servers(Server(refuses(422, "invalid_request"))) as [server], upstreams_of(server) as upstreams:
        gc.collect()
        gc.disable()
        try:
            known = await refused(upstreams)
            await becomes(lambda: known() is None, 5.0)
        finally:
            gc.enable()

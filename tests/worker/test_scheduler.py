"""The scheduler batches, cancels, refuses and shares, step by step."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from atelier.contracts.base import Event
from atelier.contracts.images import ImagesResult, PartialImage, TextToImageRequest
from atelier.errors import Internal, InvalidRequest, NotFound, Overloaded, TooSlow
from atelier.worker.host import Host
from servers import until
from stepping import PaintEngine, paint_plan


def asked(prompt: str, **more: object) -> TextToImageRequest:
    return TextToImageRequest.model_validate({"prompt": prompt, "num_inference_steps": 4, **more})


@pytest.fixture
async def host() -> AsyncIterator[Host]:
    host = Host([paint_plan()], most_waiting=6, seconds=30)
    host.start()
    await asyncio.to_thread(until, lambda: host.residents[0].state == "ready")
    PaintEngine.newest.gate.set()
    yield host
    PaintEngine.newest.gate.set()
    await asyncio.to_thread(host.stop)


async def result_of(host: Host, request: TextToImageRequest, tenant: str = "acme") -> ImagesResult:
    last: Event | None = None
    async with aclosing(host.run("text-to-image", request, tenant=tenant)) as events:
        async for event in events:
            last = event
    assert isinstance(last, ImagesResult)
    return last


async def waiting(host: Host, count: int) -> None:
    await asyncio.to_thread(until, lambda: host.scheduler.queue()["waiting"] == count)


async def test_a_result_carries_its_files_and_its_compute_time(host: Host) -> None:
    result = await result_of(host, asked("one", n=2))
    assert [image.data[:4] for image in result.images] == [b"\x89PNG"] * 2
    assert result.usage.steps == 4
    assert result.usage.compute_ms > 0
    assert result.model == "paint"


async def test_a_newcomer_joins_at_the_next_step(host: Host) -> None:
    engine = PaintEngine.newest
    engine.gate.clear()
    first = asyncio.create_task(result_of(host, asked("first")))
    await asyncio.to_thread(until, lambda: host.scheduler.queue()["running"] == 1)
    second = asyncio.create_task(result_of(host, asked("second")))
    await waiting(host, 1)
    engine.gate.set()
    await asyncio.gather(first, second)
    assert engine.stepped[0] == ["first"]
    assert engine.stepped[1] == ["first", "second"], "the second request waited for the first to end"


async def test_runs_are_admitted_up_to_the_memory_bound(host: Host) -> None:
    engine = PaintEngine.newest
    engine.gate.clear()
    first = asyncio.create_task(result_of(host, asked("first")))
    await asyncio.to_thread(until, lambda: host.scheduler.queue()["running"] == 1)
    runs = [asyncio.create_task(result_of(host, asked(f"p{number}"))) for number in range(6)]
    await waiting(host, 6)
    engine.gate.set()
    await asyncio.gather(first, *runs)
    assert max(len(step) for step in engine.stepped) == 4, "each run takes a quarter of the memory"


async def test_hanging_up_frees_the_engine_within_one_step(host: Host) -> None:
    engine = PaintEngine.newest
    events = host.run("text-to-image", asked("long", num_inference_steps=100, partial_images=99), tenant="acme")
    assert isinstance(await anext(events), PartialImage)
    engine.gate.clear()
    taken = len(engine.stepped)
    await events.aclose()
    engine.gate.set()
    await asyncio.to_thread(until, lambda: engine.closed == ["long"])
    assert len(engine.stepped) <= taken + 1
    await asyncio.to_thread(until, lambda: host.scheduler.queue() == {"running": 0, "waiting": 0})


async def test_a_waiting_request_that_is_left_never_starts(host: Host) -> None:
    engine = PaintEngine.newest
    engine.gate.clear()
    first = asyncio.create_task(result_of(host, asked("first")))
    await asyncio.to_thread(until, lambda: host.scheduler.queue()["running"] == 1)
    second = asyncio.create_task(result_of(host, asked("second")))
    await waiting(host, 1)
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    engine.gate.set()
    await first
    assert all("second" not in step for step in engine.stepped)


async def test_a_full_queue_refuses_at_once_and_says_when_to_come_back(host: Host) -> None:
    engine = PaintEngine.newest
    engine.gate.clear()
    first = asyncio.create_task(result_of(host, asked("first")))
    await asyncio.to_thread(until, lambda: host.scheduler.queue()["running"] == 1)
    more = [asyncio.create_task(result_of(host, asked(f"p{number}"))) for number in range(6)]
    await waiting(host, 6)
    with pytest.raises(Overloaded) as refusal:
        await result_of(host, asked("one too many"))
    assert refusal.value.retry_after is not None
    assert refusal.value.retry_after >= 1
    engine.gate.set()
    await asyncio.gather(first, *more)


async def test_tenants_take_turns(host: Host) -> None:
    engine = PaintEngine.newest
    engine.gate.clear()
    first = asyncio.create_task(result_of(host, asked("hold"), tenant="crowd"))
    await asyncio.to_thread(until, lambda: host.scheduler.queue()["running"] == 1)
    crowd = [asyncio.create_task(result_of(host, asked(f"crowd{number}"), tenant="crowd")) for number in range(5)]
    await waiting(host, 5)
    single = asyncio.create_task(result_of(host, asked("single"), tenant="single"))
    await waiting(host, 6)
    engine.gate.set()
    await asyncio.gather(first, single, *crowd)
    assert "single" in engine.stepped[1], "one tenant's queue kept another waiting"


async def test_a_request_past_its_time_is_given_up(host: Host) -> None:
    engine = PaintEngine.newest
    engine.gate.clear()
    events = host.run("text-to-image", asked("slow", num_inference_steps=100), tenant="acme", seconds=0.05)
    taking = asyncio.create_task(anext(events))
    await asyncio.to_thread(until, lambda: host.scheduler.queue()["running"] == 1)
    await asyncio.sleep(0.06)  # its time limit, which the engine's step outlasts
    engine.gate.set()
    with pytest.raises(TooSlow):
        await taking
    assert len(engine.stepped) <= 2


async def test_a_broken_step_fails_in_words_and_the_engine_goes_on(host: Host) -> None:
    with pytest.raises(Internal) as failure:
        await result_of(host, asked("break the engine"))
    assert "/secret/path" not in failure.value.message
    assert (await result_of(host, asked("next"))).images


async def test_one_bad_run_leaves_its_batch_mates_alone(host: Host) -> None:
    engine = PaintEngine.newest
    engine.gate.clear()
    first = asyncio.create_task(result_of(host, asked("good")))
    await asyncio.to_thread(until, lambda: host.scheduler.queue()["running"] == 1)
    bad = asyncio.create_task(result_of(host, asked("break this run")))
    await waiting(host, 1)
    engine.gate.set()
    outcomes = await asyncio.gather(first, bad, return_exceptions=True)
    assert isinstance(outcomes[0], ImagesResult)
    assert isinstance(outcomes[1], InvalidRequest)


async def test_what_only_the_model_knows_is_refused_at_start(host: Host) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        await result_of(host, asked("x", negative_prompt="unknown to this model"))
    assert refusal.value.field == "negative_prompt"


async def test_a_model_that_is_not_here_is_named(host: Host) -> None:
    with pytest.raises(NotFound, match="elsewhere is not served here"):
        await result_of(host, asked("x", model="elsewhere"))
    assert (await result_of(host, asked("x", model="paint"))).model == "paint"


async def test_a_client_that_does_not_read_pauses_its_run(host: Host) -> None:
    engine = PaintEngine.newest
    events = host.run("text-to-image", asked("unread", num_inference_steps=100, partial_images=99), tenant="acme")
    await anext(events)
    # Somebody else's request goes through while the first one's previews pile up unread.
    await result_of(host, asked("other", num_inference_steps=40))
    steps_of_unread = sum("unread" in step for step in engine.stepped)
    assert steps_of_unread < 20, "a run went on for a client that does not read"
    await events.aclose()

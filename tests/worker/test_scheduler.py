"""The scheduler batches, cancels, refuses and shares, step by step."""

from __future__ import annotations

import asyncio
import io
import json
import threading
import time
from collections.abc import AsyncIterator
from contextlib import aclosing

import PIL.Image
import pytest

from atelier.contracts.base import Event
from atelier.contracts.engine import PicturesMade, SpeechMade
from atelier.contracts.images import ImagesResult, PartialImage, TextToImageRequest
from atelier.contracts.text_to_speech import SpeechRequest, SpeechResult
from atelier.errors import Internal, InvalidRequest, NotFound, Overloaded, TooSlow, Unavailable
from atelier.worker.app import health
from atelier.worker.host import Host
from atelier.worker.scheduler import MOST_UNREAD
from servers import until
from stepping import PaintEngine, SpeakEngine, paint_plan, speak_plan


def asked(prompt: str, **more: object) -> TextToImageRequest:
    return TextToImageRequest.model_validate({"prompt": prompt, "num_inference_steps": 4, **more})


@pytest.fixture
async def host() -> AsyncIterator[Host]:
    host = Host([paint_plan(), speak_plan()], most_waiting=6, seconds=30)
    host.start()
    await asyncio.to_thread(until, lambda: all(resident.state == "ready" for resident in host.residents))
    PaintEngine.newest.gate.release()
    yield host
    PaintEngine.newest.gate.release()
    SpeakEngine.newest.gate.release()
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


async def test_a_picture_says_how_it_was_made_and_never_for_which_words(host: Host) -> None:
    result = await result_of(host, asked("a secret plan", guidance_scale=3))
    said = json.loads(PIL.Image.open(io.BytesIO(result.images[0].data)).info["parameters"])
    assert said == {"model": "paint", "seed": 255, "steps": 4, "guidance_scale": 3.0}
    result = await result_of(host, asked("a secret plan", embed_metadata=False))
    assert "parameters" not in PIL.Image.open(io.BytesIO(result.images[0].data)).info


async def test_a_newcomer_joins_at_the_next_step(host: Host) -> None:
    engine = PaintEngine.newest
    engine.gate.hold()
    first = asyncio.create_task(result_of(host, asked("first")))
    await asyncio.to_thread(until, lambda: host.scheduler.queue()["running"] == 1)
    second = asyncio.create_task(result_of(host, asked("second")))
    await waiting(host, 1)
    engine.gate.release()
    await asyncio.gather(first, second)
    assert engine.stepped[0] == ["first"]
    assert engine.stepped[1] == ["first", "second"], "the second request waited for the first to end"


async def test_runs_are_admitted_up_to_the_memory_bound(host: Host) -> None:
    engine = PaintEngine.newest
    engine.gate.hold()
    first = asyncio.create_task(result_of(host, asked("first")))
    await asyncio.to_thread(until, lambda: host.scheduler.queue()["running"] == 1)
    runs = [asyncio.create_task(result_of(host, asked(f"p{number}"))) for number in range(6)]
    await waiting(host, 6)
    engine.gate.release()
    await asyncio.gather(first, *runs)
    assert max(len(step) for step in engine.stepped) == 4, "each run takes a quarter of the memory"


async def test_hanging_up_frees_the_engine_within_one_step(host: Host) -> None:
    engine = PaintEngine.newest
    engine.gate.hold(after=3)
    events = host.run("text-to-image", asked("long", num_inference_steps=100, partial_images=99), tenant="acme")
    assert isinstance(await anext(events), PartialImage)
    await events.aclose()
    engine.gate.release()
    await asyncio.to_thread(until, lambda: engine.closed == ["long"])
    assert len(engine.stepped) <= 4
    await asyncio.to_thread(until, lambda: host.scheduler.queue() == {"running": 0, "waiting": 0})


async def test_a_waiting_request_that_is_left_never_starts(host: Host) -> None:
    engine = PaintEngine.newest
    engine.gate.hold()
    first = asyncio.create_task(result_of(host, asked("first")))
    await asyncio.to_thread(until, lambda: host.scheduler.queue()["running"] == 1)
    second = asyncio.create_task(result_of(host, asked("second")))
    await waiting(host, 1)
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    engine.gate.release()
    await first
    assert all("second" not in step for step in engine.stepped)


async def test_a_full_queue_refuses_at_once_and_says_when_to_come_back(host: Host) -> None:
    engine = PaintEngine.newest
    engine.gate.hold()
    first = asyncio.create_task(result_of(host, asked("first")))
    await asyncio.to_thread(until, lambda: host.scheduler.queue()["running"] == 1)
    more = [asyncio.create_task(result_of(host, asked(f"p{number}"))) for number in range(6)]
    await waiting(host, 6)
    with pytest.raises(Overloaded) as refusal:
        await result_of(host, asked("one too many"))
    assert refusal.value.retry_after is not None
    assert refusal.value.retry_after >= 1
    engine.gate.release()
    await asyncio.gather(first, *more)


async def test_tenants_take_turns(host: Host) -> None:
    engine = PaintEngine.newest
    engine.gate.hold()
    first = asyncio.create_task(result_of(host, asked("hold"), tenant="crowd"))
    await asyncio.to_thread(until, lambda: host.scheduler.queue()["running"] == 1)
    crowd = [asyncio.create_task(result_of(host, asked(f"crowd{number}"), tenant="crowd")) for number in range(5)]
    await waiting(host, 5)
    single = asyncio.create_task(result_of(host, asked("single"), tenant="single"))
    await waiting(host, 6)
    engine.gate.release()
    await asyncio.gather(first, single, *crowd)
    assert "single" in engine.stepped[1], "one tenant's queue kept another waiting"


async def test_a_request_past_its_time_is_given_up(host: Host) -> None:
    engine = PaintEngine.newest
    engine.gate.hold()
    events = host.run("text-to-image", asked("slow", num_inference_steps=100), tenant="acme", seconds=1)
    taking = asyncio.create_task(anext(events))
    await asyncio.to_thread(until, lambda: host.scheduler.queue()["running"] == 1)
    await asyncio.sleep(1.1)  # its time limit, which the engine's step outlasts
    engine.gate.release()
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
    engine.gate.hold()
    first = asyncio.create_task(result_of(host, asked("good")))
    await asyncio.to_thread(until, lambda: host.scheduler.queue()["running"] == 1)
    bad = asyncio.create_task(result_of(host, asked("break this run")))
    await waiting(host, 1)
    engine.gate.release()
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


async def test_previews_that_nobody_reads_are_left_out(host: Host) -> None:
    engine = PaintEngine.newest
    job = host.scheduler.submit(
        host.residents[0], asked("unread", num_inference_steps=100, partial_images=99), tenant="acme", seconds=30
    )
    await asyncio.to_thread(until, lambda: engine.closed == ["unread"])
    outputs = [output async for output in job.outputs()]
    assert len(outputs) <= MOST_UNREAD + 1
    assert isinstance(outputs[-1], PicturesMade)


def spoken(words: int, **more: object) -> SpeechRequest:
    return SpeechRequest.model_validate({"text": " ".join(["word"] * words), "response_format": "pcm", **more})


async def test_sound_that_nobody_reads_pauses_its_run_and_holds_nobody_up(host: Host) -> None:
    engine, resident = SpeakEngine.newest, host.residents[1]
    unread = [
        host.scheduler.submit(resident, spoken(100), tenant="crowd", seconds=30) for _ in range(engine.most_at_once)
    ]
    await asyncio.to_thread(until, lambda: all(job.paused for job in unread))
    assert engine.steps < 50, "runs went on for clients that do not read"
    # Every place is taken by a run that waits for its client: another tenant's request goes through all the same.
    events = [event async for event in host.run("text-to-speech", spoken(3), tenant="other")]
    assert isinstance(events[-1], SpeechResult)
    # One that reads on is spoken to its end.
    outputs = [output async for output in unread[0].outputs()]
    assert isinstance(outputs[-1], SpeechMade)
    assert len(outputs) == 101
    for job in unread[1:]:
        host.scheduler.cancel(job)


async def test_a_client_that_never_reads_loses_its_run(host: Host) -> None:
    host.scheduler.most_pause_seconds = 0.05
    job = host.scheduler.submit(host.residents[1], spoken(100), tenant="acme", seconds=30)
    await asyncio.to_thread(until, lambda: SpeakEngine.newest.closed == 1)
    with pytest.raises(TooSlow, match="nothing of the answer was read"):
        _ = [output async for output in job.outputs()]


async def test_an_idle_scheduler_rests_while_a_request_waits_for_room(host: Host) -> None:
    """A held engine with a full house behind it must not keep a processor busy."""
    unread = [host.scheduler.submit(host.residents[1], spoken(100), tenant="acme", seconds=30) for _ in range(3)]
    await asyncio.to_thread(until, lambda: all(job.paused for job in unread))
    spent = time.process_time()
    await asyncio.sleep(0.5)
    assert time.process_time() - spent < 0.25
    for job in unread:
        host.scheduler.cancel(job)


async def test_an_engine_that_fails_to_close_a_run_harms_nothing_else(host: Host) -> None:
    with pytest.raises(InvalidRequest):
        await result_of(host, asked("break this run", negative_prompt="and the closing"))
    assert (await result_of(host, asked("next"))).images


async def test_a_result_that_never_comes_is_an_error_not_a_silence(host: Host) -> None:
    with pytest.raises(Internal):
        await result_of(host, asked("end without a result"))


async def test_a_dead_engine_thread_is_told_and_ends_the_process() -> None:
    ended = threading.Event()
    host = Host([paint_plan()], on_crash=ended.set)
    host.start()
    await asyncio.to_thread(until, lambda: host.residents[0].state == "ready")
    host.scheduler._admit = None  # type: ignore[assignment,method-assign]
    with pytest.raises((Internal, Unavailable)):
        await result_of(host, asked("x"))
    assert await asyncio.to_thread(ended.wait, 60)
    assert health(host, ["text-to-image"])["status"] == "unhealthy"
    with pytest.raises(Unavailable):
        await result_of(host, asked("y"))

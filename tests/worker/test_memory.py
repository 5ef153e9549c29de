"""Models share a worker's memory: they come when they are asked for, make room for others, and are loaded once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from atelier.contracts.base import Event
from atelier.contracts.images import TextToImageRequest
from atelier.contracts.text_to_speech import SpeechRequest
from atelier.errors import ModelMissing
from atelier.machine import Gpu, gpus, main_memory_bytes, memory_bytes
from atelier.worker import memory
from atelier.worker.app import health, model_list
from atelier.worker.host import Host
from atelier.worker.memory import Memory, MemoryRules
from atelier.worker.residency import ModelPlan, Resident
from servers import until
from stepping import LOADS, PaintEngine, SpeakEngine, paint_plan, speak_plan

GB = 1_000_000_000


def plan(name: str, gigabytes: float) -> ModelPlan:
    base = paint_plan()
    return replace(base, source=replace(base.source, model=name), memory=int(gigabytes * GB))


def speaker(gigabytes: float) -> ModelPlan:
    return replace(speak_plan(), memory=int(gigabytes * GB))


@pytest.fixture(autouse=True)
def _short_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "STAY_SECONDS", 0.0)
    monkeypatch.setattr(memory, "STAY_LOADS", 0.0)
    LOADS.clear()


@asynccontextmanager
async def serving(*plans: ModelPlan, **rules: object) -> AsyncIterator[Host]:
    host = Host(plans, seconds=30, memory=MemoryRules(**rules))  # type: ignore[arg-type]
    host.start()
    await asyncio.to_thread(until, lambda: not {"waiting", "loading"} & {*states(host).values()})
    try:
        yield host
    finally:
        await asyncio.to_thread(host.stop)


def states(host: Host) -> dict[str, str]:
    return {resident.model: resident.state for resident in host.residents}


async def paint(host: Host, model: str | None = None, steps: int = 1) -> str:
    request = TextToImageRequest(prompt="x", num_inference_steps=steps, model=model)
    return await last_of(host, "text-to-image", request)


async def speak(host: Host) -> str:
    return await last_of(host, "text-to-speech", SpeechRequest(text="one two"))


async def last_of(host: Host, service: str, request: TextToImageRequest | SpeechRequest) -> str:
    last: Event | None = None
    async with aclosing(host.run(service, request, tenant="acme")) as events:
        async for event in events:
            last = event
    return str(getattr(last, "model", None))


async def test_without_a_bound_everything_is_loaded_at_the_start_and_stays() -> None:
    async with serving(plan("a", 600), plan("b", 600)) as host:
        assert states(host) == {"a": "ready", "b": "ready"}


async def test_what_has_no_room_rests_and_is_served_all_the_same() -> None:
    async with serving(plan("a", 6), plan("b", 6), budget=10 * GB) as host:
        assert states(host) == {"a": "ready", "b": "resting"}
        assert health(host, ["text-to-image"])["status"] == "healthy"
        assert [model["id"] for model in model_list(host)["data"]] == ["a", "b"]  # type: ignore[index]
        assert await paint(host, "b") == "b"
        assert states(host) == {"a": "resting", "b": "ready"}
        assert await paint(host) == "a"
        assert LOADS == {"a": 2, "b": 1}


async def test_the_least_recently_used_makes_room() -> None:
    async with serving(plan("a", 4), plan("b", 4), plan("c", 4), budget=9 * GB) as host:
        await paint(host, "a")
        await paint(host, "c")
        assert states(host) == {"a": "ready", "b": "resting", "c": "ready"}


async def test_requests_at_the_same_time_load_a_model_once() -> None:
    async with serving(plan("a", 6), plan("b", 6), budget=10 * GB) as host:
        assert await asyncio.gather(*(paint(host, "b") for _ in range(8))) == ["b"] * 8
        assert LOADS["b"] == 1


async def test_a_pinned_model_stays() -> None:
    async with serving(plan("a", 4), plan("b", 4), plan("c", 4), budget=9 * GB, pinned=frozenset({"b"})) as host:
        assert states(host) == {"a": "ready", "b": "ready", "c": "resting"}
        await paint(host, "a")
        await paint(host, "c")
        assert states(host) == {"a": "resting", "b": "ready", "c": "ready"}


async def test_one_that_is_too_large_is_refused_with_the_numbers_and_harms_no_other() -> None:
    async with serving(plan("small", 4), plan("large", 12), budget=10 * GB) as host:
        with pytest.raises(ModelMissing, match=r"large needs 12\.0 GB .* may take 10\.0 GB;.*ATELIER_MEMORY"):
            await paint(host, "large")
        assert states(host)["small"] == "ready"
        assert await paint(host, "small") == "small"


async def test_what_is_pinned_counts_against_the_others() -> None:
    rules = {"budget": 10 * GB, "pinned": frozenset({"kept"})}
    async with serving(plan("kept", 4), plan("other", 8), **rules) as host:
        with pytest.raises(ModelMissing, match=r"other needs 8\.0 GB .* with the pinned models beside it 6\.0 GB"):
            await paint(host, "other")


async def test_a_busy_model_ends_what_it_began_and_then_makes_room() -> None:
    async with serving(plan("a", 6), speaker(6), budget=10 * GB) as host:
        engine = PaintEngine.newest
        engine.gate.hold(after=1)
        painting = asyncio.create_task(paint(host, steps=3))
        await asyncio.to_thread(until, lambda: host.scheduler.queue()["running"] == 1)
        speaking = asyncio.create_task(speak(host))
        later = asyncio.create_task(paint(host))
        await asyncio.to_thread(until, lambda: host.scheduler.queue()["waiting"] == 2)
        engine.gate.release()
        assert await painting == "a"
        await speaking
        assert SpeakEngine.newest.steps == 2
        assert not later.done() or LOADS["a"] == 2, "the newcomer went before the one that waited for the room"
        assert await later == "a"
        assert LOADS == {"a": 2, "tones": 1}


async def test_who_hangs_up_while_it_waits_for_room_holds_nobody_up() -> None:
    async with serving(plan("a", 6), speaker(6), budget=10 * GB) as host:
        engine = PaintEngine.newest
        engine.gate.hold(after=1)
        painting = asyncio.create_task(paint(host, steps=3))
        await asyncio.to_thread(until, lambda: host.scheduler.queue()["running"] == 1)
        speaking = asyncio.create_task(speak(host))
        await asyncio.to_thread(until, lambda: host.scheduler.queue()["waiting"] == 1)
        speaking.cancel()
        await asyncio.gather(speaking, return_exceptions=True)
        engine.gate.release()
        assert await painting == "a"
        assert await paint(host) == "a"
        assert LOADS == {"a": 1}


async def test_what_nobody_uses_leaves_and_comes_back() -> None:
    async with serving(plan("a", 1), plan("kept", 1), idle_seconds=0.05, pinned=frozenset({"kept"})) as host:
        await asyncio.to_thread(until, lambda: states(host) == {"a": "resting", "kept": "ready"})
        assert await paint(host) == "a"
        assert LOADS["a"] == 2


async def test_nothing_is_loaded_before_it_is_asked_for_where_that_is_wanted() -> None:
    async with serving(plan("a", 1), plan("kept", 1), preload=False, pinned=frozenset({"kept"})) as host:
        assert states(host) == {"a": "resting", "kept": "ready"}
        assert await paint(host) == "a"


def test_a_model_that_has_just_come_stays_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "STAY_SECONDS", 5.0)
    now = 100.0
    first, second = Resident(plan("a", 6)), Resident(plan("b", 6))
    held = Memory([first, second], MemoryRules(budget=10 * GB), clock=lambda: now)
    for resident in held.first():
        held.load(resident)
    now += 4.9
    assert not held.bring(second, busy=[])
    now += 0.2
    assert held.bring(second, busy=[])
    assert (first.state, second.state) == ("resting", "ready")


def test_a_folder_weighs_what_its_weights_do(tmp_path: Path) -> None:
    (tmp_path / "unet").mkdir()
    (tmp_path / "unet" / "model.safetensors").write_bytes(bytes(1000))
    (tmp_path / "vocab.json").write_bytes(bytes(50))
    base = paint_plan()
    assert Resident(replace(base, source=replace(base.source, folder=tmp_path))).size == 1000
    file = next(file for file in tmp_path.rglob("*.safetensors"))
    assert Resident(replace(base, source=replace(base.source, folder=file))).size == file.stat().st_size


def test_the_machine_tells_its_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    assert memory_bytes("cpu") == main_memory_bytes() > GB / 2
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 'NVIDIA RTX 4090, 24564'\necho 'NVIDIA GB10, [N/A]'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    request.addfinalizer(gpus.cache_clear)
    gpus.cache_clear()
    assert gpus() == (Gpu("NVIDIA RTX 4090", 24564 * 1024**2), Gpu("NVIDIA GB10", 0))
    assert memory_bytes("auto") == memory_bytes("cuda:0") == 24564 * 1024**2
    assert memory_bytes("cuda:1") == main_memory_bytes()


def test_a_model_that_could_not_come_back_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    resident = Resident(plan("a", 6))
    held = Memory([resident], MemoryRules(idle_seconds=10), clock=lambda: now)
    for one in held.first():
        held.load(one)
    now += 10
    held.tidy(busy=[])
    assert resident.state == "resting"
    with monkeypatch.context() as broken:
        broken.setattr(PaintEngine, "load", lambda _: 1 / 0)
        with pytest.raises(ModelMissing, match="a could not be loaded"):
            held.bring(resident, busy=[])
    with pytest.raises(ModelMissing, match="a could not be loaded"):
        held.bring(resident, busy=[])
    now += memory.RETRY_SECONDS
    assert held.bring(resident, busy=[])
    assert (resident.state, resident.problem) == ("ready", None)

"""What /metrics of a worker tells: its queue, its runs, their steps, its models and its machine."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.client import HTTPConnection
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr

from atelier.nvidia import GpuReading, readings
from atelier.worker import memory
from atelier.worker.app import create_app
from atelier.worker.host import Host
from atelier.worker.memory import MemoryRules
from atelier.worker.metrics import MOST_PLANS, PlanNames, gpu_samples
from metrics_text import Numbers, numbers
from servers import running, until
from stepping import PaintEngine, paint_plan, seen_to_leave, speak_plan

PICTURE, SPEECH = "/v1/images/generations", "/v1/audio/speech"
SERVICES = ("text-to-image", "image-to-image", "text-to-speech")
PAINT, SPEAK = {"model": "paint"}, {"model": "tones"}


@dataclass
class Worker:
    url: str
    host: Host

    def told(self) -> Numbers:
        return numbers(self.url)

    def post(self, path: str, plan: str | None = None, tenant: str = "a-tenant", **body: object) -> httpx2.Response:
        headers = {"x-atelier-tenant": tenant, **({"x-atelier-plan": plan} if plan is not None else {})}
        return httpx2.post(self.url + path, json=body, headers=headers, timeout=30)

    def paint(self, steps: int = 2, plan: str | None = None, **more: object) -> httpx2.Response:
        return self.post(PICTURE, plan, prompt="a", num_inference_steps=steps, **more)


@contextmanager
def serving(**more: Any) -> Iterator[Worker]:
    host = Host([paint_plan(), speak_plan()], **more)
    with running(create_app(host, SERVICES, most_body_bytes=100_000)) as url:
        until(lambda: all(resident.state in {"ready", "resting"} for resident in host.residents))
        yield Worker(url, host)
        PaintEngine.newest.gate.release()


@pytest.fixture
def worker() -> Iterator[Worker]:
    with serving(most_waiting=2) as found:
        yield found


def test_runs_steps_and_batches_are_counted(worker: Worker) -> None:
    assert worker.paint(steps=3).status_code == 200
    until(lambda: worker.told().sum("atelier_worker_runs_total") == 1)  # the answer leaves before its run has ended
    found = worker.told()
    assert found.sum("atelier_worker_runs_total", service="text-to-image", outcome="succeeded", **PAINT) == 1
    assert found.sum("atelier_worker_steps_total", **PAINT) == 3
    assert found.sum("atelier_worker_step_seconds_count", **PAINT) == 3
    assert found.sum("atelier_worker_batch_size_sum", **PAINT) == 3
    assert found.sum("atelier_worker_queue_seconds_count", service="text-to-image") == 1
    assert found.sum("atelier_worker_run_seconds_count", **PAINT) == 1
    assert found.sum("atelier_worker_steps_total", **SPEAK) == 0


def test_running_and_waiting_are_told_by_plan_and_by_no_tenant(worker: Worker) -> None:
    of_pictures = {"service": "text-to-image"}
    PaintEngine.newest.gate.hold()
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(worker.paint, steps=4, plan="pro")
        until(lambda: worker.told().sum("atelier_worker_requests_running") == 1)
        rest = [pool.submit(worker.paint, plan=plan) for plan in ("free", None)]
        until(lambda: worker.told().sum("atelier_worker_requests_waiting") == 2)
        found = worker.told()
        assert found.sum("atelier_worker_requests_running", plan="pro", **of_pictures) == 1
        assert found.sum("atelier_worker_requests_waiting", plan="free", **of_pictures) == 1
        assert found.sum("atelier_worker_requests_waiting", plan="none", **of_pictures) == 1
        assert worker.paint().status_code == 503
        PaintEngine.newest.gate.release()
        assert [answer.result().status_code for answer in (first, *rest)] == [200] * 3
    until(lambda: worker.told().sum("atelier_worker_runs_total", outcome="succeeded") == 3)
    found = worker.told()
    assert found.sum("atelier_worker_requests_running") == found.sum("atelier_worker_requests_waiting") == 0
    assert found.sum("atelier_worker_runs_total", outcome="overloaded") == 1
    steps = found.sum("atelier_worker_steps_total", **PAINT)
    assert found.sum("atelier_worker_batch_size_bucket", le="1.0", **PAINT) < steps, "they painted together"
    assert "a-tenant" not in found.text


@pytest.mark.parametrize(
    ("prompt", "outcome"), [("break the engine", "failed"), ("break this run", "refused"), ("a", "too_slow")]
)
def test_a_run_that_fails_is_counted_by_how(worker: Worker, prompt: str, outcome: str) -> None:
    if outcome == "too_slow":
        PaintEngine.newest.gate.hold()
    with ThreadPoolExecutor(1) as pool:
        headers = {"x-atelier-seconds": "1"} if outcome == "too_slow" else {}
        held = pool.submit(httpx2.post, worker.url + PICTURE, json={"prompt": prompt}, headers=headers, timeout=60)
        if outcome == "too_slow":
            until(lambda: worker.told().sum("atelier_worker_requests_running") == 1)
            with pytest.raises(AssertionError):
                until(held.done, seconds=1.2)
            PaintEngine.newest.gate.release()
        assert held.result().status_code >= 400
    until(lambda: worker.told().sum("atelier_worker_runs_total", outcome=outcome, **PAINT) == 1)


def test_a_client_that_leaves_is_counted(worker: Worker) -> None:
    PaintEngine.newest.gate.hold()
    client = HTTPConnection(worker.url.removeprefix("http://"))
    client.request("POST", PICTURE, '{"prompt": "a"}', {"content-type": "application/json"})
    until(lambda: worker.host.scheduler.queue()["running"] == 1)
    client.close()
    until(lambda: seen_to_leave(worker.host))
    PaintEngine.newest.gate.release()
    until(lambda: worker.told().sum("atelier_worker_runs_total", outcome="cancelled", **PAINT) == 1)


def test_loads_and_evictions_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "STAY_SECONDS", 0.0)
    monkeypatch.setattr(memory, "STAY_LOADS", 0.0)
    gigabyte = 1_000_000_000
    host = Host(
        [replace(paint_plan(), memory=gigabyte), replace(speak_plan(), memory=gigabyte)],
        memory=MemoryRules(budget=gigabyte),
    )
    with running(create_app(host, SERVICES, most_body_bytes=100_000)) as url:
        worker = Worker(url, host)
        until(lambda: worker.told().sum("atelier_worker_models", state="ready", **PAINT) == 1)
        assert worker.told().sum("atelier_worker_models", state="resting", **SPEAK) == 1
        assert worker.post(SPEECH, input="one", response_format="pcm").status_code == 200
        found = worker.told()
    assert found.sum("atelier_worker_model_loads_total", outcome="loaded", **PAINT) == 1
    assert found.sum("atelier_worker_model_load_seconds_count", **SPEAK) == 1
    assert found.sum("atelier_worker_model_evictions_total", reason="room", **PAINT) == 1
    assert found.sum("atelier_worker_model_memory_bytes", **SPEAK) == gigabyte
    assert found.sum("atelier_worker_model_memory_bytes", **PAINT) == 0
    assert found.sum("atelier_worker_memory_budget_bytes") == gigabyte
    assert found.sum("atelier_worker_models") == 2, "one state each"


def test_a_model_that_cannot_be_loaded_is_counted() -> None:
    host = Host([replace(paint_plan(), engine="no_such_module:Engine")])
    with running(create_app(host, SERVICES, most_body_bytes=100_000)) as url:
        until(lambda: numbers(url).sum("atelier_worker_model_loads_total", outcome="failed", **PAINT) == 1)


def test_the_process_is_told(worker: Worker) -> None:
    found = worker.told()
    assert found.sum("atelier_worker_engine_alive") == 1
    assert found.sum("atelier_process_memory_bytes") > 10_000_000
    assert found.sum("atelier_process_cpu_seconds_total") > 0
    assert found.sum("atelier_build_info", process="worker") == 1


def test_with_a_metrics_token_only_who_brings_it_reads_them() -> None:
    token = "prometheus-reads-with-this-and-nothing-else"
    app = create_app(Host([paint_plan()]), SERVICES, most_body_bytes=9_000, metrics_token=SecretStr(token))
    with running(app) as url:
        assert httpx2.get(f"{url}/metrics").status_code == 401
        assert httpx2.get(f"{url}/metrics", headers={"authorization": "Bearer other"}).status_code == 401
        assert numbers(url, token).has("atelier_worker_engine_alive")
        assert httpx2.get(f"{url}/health").status_code == 200


def test_names_of_plans_are_bounded() -> None:
    plans = PlanNames()
    assert [plans.named(name) for name in (None, "pro", "x" * 61, "grö\nßer")] == ["none", "pro", "other", "other"]
    assert len({plans.named(f"made-up-{number}") for number in range(1000)}) == MOST_PLANS - 2  # with `other` itself
    assert plans.named("pro") == "pro"


def test_a_gpu_is_told_as_far_as_it_tells() -> None:
    reading = GpuReading(1, "A GPU", memory_bytes=80, used_bytes=30, busy=None, celsius=41)
    labels = ("1", "A GPU")
    assert list(gpu_samples([reading])) == [
        ("gpu_memory_bytes", labels, 80),
        ("gpu_memory_used_bytes", labels, 30),
        ("gpu_celsius", labels, 41),
    ]


class Driver:
    """NVIDIA's library as its header describes it, with two GPUs; the second is one that tells little."""

    def nvmlDeviceGetCount_v2(self, count: Any) -> int:  # noqa: N802
        count._obj.value = 2
        return 0

    def nvmlDeviceGetHandleByIndex_v2(self, index: int, device: Any) -> int:  # noqa: N802
        device._obj.value = index + 1
        return 0

    def nvmlDeviceGetMemoryInfo(self, _: Any, found: Any) -> int:  # noqa: N802
        found._obj.total, found._obj.free, found._obj.used = 100, 40, 60
        return 0

    def nvmlDeviceGetName(self, _: Any, name: ctypes.Array[ctypes.c_char], room: int) -> int:  # noqa: N802
        name.value = b"A GPU"[:room]
        return 0

    def nvmlDeviceGetUtilizationRates(self, device: Any, found: Any) -> int:  # noqa: N802
        found._obj.gpu = 75
        return 0 if device.value == 1 else 3

    def nvmlDeviceGetTemperature(self, device: Any, _: int, found: Any) -> int:  # noqa: N802
        found._obj.value = 55
        return 0 if device.value == 1 else 3


def test_gpus_are_read_of_the_drivers_library() -> None:
    assert list(readings(Driver())) == [
        GpuReading(0, "A GPU", memory_bytes=100, used_bytes=60, busy=0.75, celsius=55),
        GpuReading(1, "A GPU", memory_bytes=100, used_bytes=60, busy=None, celsius=None),
    ]


def test_a_driver_that_gives_no_answer_is_no_gpu() -> None:
    refuses: Callable[[Any], int] = lambda _: 999  # noqa: E731
    driver = Driver()
    driver.nvmlDeviceGetCount_v2 = refuses  # type: ignore[method-assign]
    assert list(readings(driver)) == []


def test_of_several_ports_one_tells_the_numbers() -> None:
    host = Host([paint_plan(), speak_plan()])
    with running(create_app(host, SERVICES, most_body_bytes=100_000, metrics_port=7860)) as url:
        answer = httpx2.get(f"{url}/metrics")
    assert answer.status_code == 200
    assert answer.text == "# This process tells its numbers on port 7860.\n"

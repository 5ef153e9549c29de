"""The way in: bounded, counted, and the same answers as the framework behind it would give."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from atelier.errors import AtelierError, InvalidRequest
from atelier.gateway.auth import make_token
from atelier.gateway.front import Direct, Endpoint, Front
from atelier.gateway.metrics import Metrics
from atelier.gateway.request_log import RequestLog
from running_gateway import SECRET, Running, opened
from servers import until
from stepping import PaintEngine


def refuse(_: Request, problem: Exception) -> Response:
    assert isinstance(problem, AtelierError)
    return JSONResponse({"code": problem.code}, status_code=problem.status)


def front_of(endpoint: Endpoint, most: int = 9) -> Front:
    return Front(
        {"/v1/x": Direct("x", endpoint)},
        PlainTextResponse("rest"),
        log=RequestLog(Metrics()),
        most_in_flight=most,
        most_body_bytes=1000,
        refuse=refuse,
    )


def client(front: Front) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(front), base_url="http://front")


async def test_posts_to_known_paths_go_straight_and_all_else_to_the_rest() -> None:
    async def direct(_: Request) -> Response:
        return PlainTextResponse("direct")

    front = front_of(direct)
    async with client(front) as asked:
        assert (await asked.post("/v1/x")).text == "direct"
        assert (await asked.get("/v1/x")).text == "rest"
        assert (await asked.post("/v1/x/")).text == "rest"
        assert (await asked.post("/v1/y")).text == "rest"


async def test_errors_are_worded_and_free_their_place() -> None:
    async def failing(_: Request) -> Response:
        raise InvalidRequest("size: too large", field="size")

    front = front_of(failing, 1)
    async with client(front) as asked:
        for _ in range(3):
            answer = await asked.post("/v1/x")
            assert (answer.status_code, answer.json()) == (422, {"code": "invalid_request"})
    assert front.in_flight == 0


async def test_past_the_bound_requests_are_refused_at_once() -> None:
    gate, inside = asyncio.Event(), asyncio.Barrier(3)

    async def slow(_: Request) -> Response:
        await inside.wait()
        await gate.wait()
        return PlainTextResponse("done")

    front = front_of(slow, 2)
    async with client(front) as asked:
        begun = [asyncio.create_task(asked.post("/v1/x")) for _ in range(2)]
        await inside.wait()
        refused = await asked.post("/v1/x")
        assert (refused.status_code, refused.json()["code"]) == (503, "overloaded")
        assert (await asked.get("/health")).text == "rest"
        gate.set()
        assert [(await one).text for one in begun] == ["done", "done"]
    assert front.in_flight == 0


def test_a_full_gateway_says_when_to_come_back(tmp_path: Path) -> None:
    with opened(tmp_path, most_in_flight=1) as gateway, ThreadPoolExecutor(1) as pool:
        PaintEngine.newest.gate.hold()
        held = pool.submit(gateway.post, "/api/text-to-image", json={"prompt": "a", "num_inference_steps": 2})
        until(lambda: bool(gateway.host.scheduler.queue()["running"]))
        refused = gateway.post("/v1/images/generations", json={"prompt": "a"})
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert refused.json()["error"]["code"] == "overloaded"
        PaintEngine.newest.gate.release()
        assert held.result().status_code == 200


def test_a_workers_own_answer_is_passed_on_and_metered(gateway: Running) -> None:
    answer = gateway.post("/v1/audio/speech", json={"input": "one two", "stream": False, "response_format": "wav"})
    assert answer.headers["content-type"] == "audio/wav"
    assert float(answer.headers["x-audio-duration"]) > 0
    assert "x-atelier-metered" not in answer.headers
    [row] = gateway.records()
    assert (row["status"], row["characters"], row["units"], row["unit"]) == ("succeeded", 7, 7, "characters")
    assert row["modelUsed"] == answer.headers["x-model"]
    assert row["id"] == answer.headers["x-request-id"]


def test_the_log_is_a_json_line_with_the_requests_id_and_no_prompt(tmp_path: Path) -> None:
    from gateway_process import GatewayProcess

    process = GatewayProcess(tmp_path, {"JWT_SECRET": SECRET})
    try:
        process.start()
        until(lambda: process.says(b"services"), seconds=60)
        token = make_token(SECRET, "acme", seconds=60)
        said = {"authorization": f"Bearer {token}"}
        answer = httpx2.post(f"{process.url}/v1/images/generations", headers=said, json={"prompt": "my secret cat"})
        assert answer.status_code == 503
        until(lambda: answer.headers["x-request-id"] in (tmp_path / "log").read_text())
    finally:
        process.stop()
    log = (tmp_path / "log").read_text()
    [line] = [json.loads(line) for line in log.splitlines() if answer.headers["x-request-id"] in line]
    assert (line["event"], line["status"], line["tenant"], line["error"]) == ("request", 503, "acme", "unavailable")
    assert "secret cat" not in log
    assert token not in log

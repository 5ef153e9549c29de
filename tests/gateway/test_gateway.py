"""The gateway from its public edge: who, may they, what came, what it cost."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import io
import stat
import wave
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import openai
import pytest
from sqlalchemy import text
from starlette.types import Receive, Scope, Send

from atelier.catalog import SERVICES
from atelier.gateway.faces.native import NATIVE_ROUTES
from atelier.rules import LimitRule
from atelier.wire.routes import ROUTES
from postgres_server import on_both
from running_gateway import Running, opened
from servers import running, until
from stepping import PaintEngine, SpeakEngine

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
)
POSTS = [f"/api/{row.service}" for row in NATIVE_ROUTES] + [row.path for row in ROUTES] + ["/api/voices"]


@pytest.mark.parametrize("path", POSTS)
def test_nobody_comes_in_without_credentials(gateway: Running, path: str) -> None:
    answer = httpx2.post(gateway.url + path, json={"prompt": "x"})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json().get("code", answer.json().get("error")) is not None


def test_the_account_routes_want_credentials_too(gateway: Running) -> None:
    for path in ("/api/usage", "/api/limits", "/v1/models", "/artifacts/x"):
        assert httpx2.get(gateway.url + path).status_code == 401


@on_both
def test_a_picture_is_made_stored_linked_and_metered(gateway: Running) -> None:
    answer = gateway.post("/api/text-to-image", json={"prompt": "a square", "n": 2, "num_inference_steps": 3})
    assert answer.status_code == 200, answer.text
    made = answer.json()
    assert (made["service"], made["model"], len(made["images"])) == ("text-to-image", "paint", 2)
    assert made["request_id"] == answer.headers["x-request-id"]
    # The link needs no token.
    file = httpx2.get(made["image_url"])
    assert file.headers["content-disposition"].endswith('.png"')
    head = httpx2.head(made["image_url"])
    assert (head.status_code, head.headers["content-length"]) == (200, str(len(file.content)))
    assert (file.headers["content-type"], file.content[:4]) == ("image/png", b"\x89PNG")
    [record] = gateway.records()
    assert record["id"] == made["request_id"]
    assert (record["tenantId"], record["service"], record["requestType"]) == ("acme", "text-to-image", "generate")
    assert (record["status"], record["units"], record["unit"], record["tokens"]) == ("succeeded", 2, "images", 7)
    assert record["upstream"].startswith("http://127.0.0.1:")
    assert record["megapixels"] == pytest.approx(2 * 64 * 64 / 1e6)
    assert record["computeMs"] > 0


def test_the_same_service_answers_on_the_openai_face(gateway: Running) -> None:
    client = openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=gateway.headers()["authorization"][7:])
    made = client.images.generate(prompt="a square", model="gpt-image-1", response_format="url")
    assert made.data is not None
    assert httpx2.get(made.data[0].url or "").content.startswith(b"\x89PNG")
    [record] = gateway.records()
    assert record["status"] == "succeeded"


@on_both
def test_speech_is_whole_measured_and_metered_by_character(gateway: Running) -> None:
    made = gateway.post("/api/text-to-speech", json={"text": "one two three"}).json()
    assert made["duration"] == pytest.approx(0.3)
    with wave.open(io.BytesIO(httpx2.get(made["audio_url"]).content)) as recording:
        assert recording.getnframes() / recording.getframerate() == pytest.approx(0.3)
    [record] = gateway.records()
    assert (record["units"], record["unit"], record["characters"]) == (13, "characters", 13)
    assert record["audioSeconds"] == pytest.approx(0.3)


@on_both
def test_another_tenant_cannot_read_a_file(gateway: Running) -> None:
    link = gateway.post("/api/text-to-image", json={"prompt": "mine"}).json()["image_url"]
    path = link.removeprefix(gateway.url).partition("?")[0]
    assert gateway.get(path).status_code == 200
    stolen, absent = gateway.get(path, tenant="other"), gateway.get("/artifacts/none", tenant="other")
    assert (stolen.status_code, absent.status_code) == (404, 404)
    assert stolen.json()["error"] == absent.json()["error"], "the answer tells whether the file exists"


@on_both
def test_a_link_cannot_be_forged_and_its_file_comes_in_ranges(gateway: Running) -> None:
    link = gateway.post("/api/text-to-image", json={"prompt": "mine"}).json()["image_url"]
    assert httpx2.get(link[:-1] + ("0" if link[-1] != "0" else "1")).status_code == 404
    later = link.replace("expires=", "expires=9")
    assert httpx2.get(later).status_code == 404
    part = httpx2.get(link, headers={"range": "bytes=1-3"})
    assert (part.status_code, part.content) == (206, b"PNG")


def test_a_made_picture_can_be_the_start_of_the_next(gateway: Running) -> None:
    link = gateway.post("/api/text-to-image", json={"prompt": "first"}).json()["image_url"]
    again = gateway.post("/api/image-to-image", json={"prompt": "second", "image_url": link})
    assert again.status_code == 200, again.text
    stolen = gateway.post("/api/image-to-image", tenant="other", json={"prompt": "x", "image_url": link})
    assert stolen.status_code == 404, "another tenant's link worked as an input"


def test_pictures_come_as_files_and_data_uris(gateway: Running) -> None:
    uri = "data:image/png;base64," + base64.b64encode(PNG).decode()
    by_uri = gateway.post("/api/image-to-image", json={"prompt": "x", "image": uri})
    by_file = gateway.post("/api/image-to-image", data={"prompt": "x", "n": "2"}, files={"file": PNG})
    by_edit = gateway.post("/v1/images/edits", data={"prompt": "x"}, files={"image": PNG})
    assert [answer.status_code for answer in (by_uri, by_file, by_edit)] == [200, 200, 200]
    assert len(by_file.json()["images"]) == 2
    both = gateway.post("/api/image-to-image", data={"prompt": "x", "image": uri}, files={"file": PNG})
    assert (both.status_code, both.json()["field"]) == (422, "image")


def test_lengths_and_references_are_refused_in_plain_words(gateway: Running) -> None:
    empty = gateway.post("/api/text-to-image", json={"prompt": ""}).json()["error"]
    assert empty == "prompt: must not be empty (got '')"
    long = gateway.post("/api/text-to-image", json={"prompt": "x" * 5000}).json()["error"]
    assert long == "prompt: must have at most 4000 characters"
    bare = gateway.post("/api/image-to-image", json={"prompt": "x", "image": base64.b64encode(PNG).decode()})
    assert (bare.status_code, bare.json()["field"]) == (422, "image")
    assert "data:image/" in bare.json()["error"]


def test_a_url_to_a_private_address_is_refused(gateway: Running) -> None:
    for url in (f"{gateway.url}/health", "http://169.254.169.254/latest/meta-data", "file:///etc/passwd"):
        answer = gateway.post("/api/image-to-image", json={"prompt": "x", "image_url": url})
        assert (answer.status_code, answer.json()["field"]) == (422, "image_url")
    assert gateway.records() == [], "a refused input was metered"


def test_a_picture_comes_from_a_url_that_the_operator_allows(tmp_path: Path) -> None:
    async def picture(scope: Scope, _: Receive, send: Send) -> None:
        if scope["type"] == "http":
            kind = (b"content-type", b"image/png")
            await send({"type": "http.response.start", "status": 200, "headers": [kind]})
            await send({"type": "http.response.body", "body": PNG})

    with running(picture) as web, opened(tmp_path, fetch_allow=["127.0.0.1/32"]) as gateway:
        answer = gateway.post("/api/image-to-image", json={"prompt": "x", "image_url": f"{web}/start.png"})
        assert answer.status_code == 200, answer.text


def test_bad_input_costs_nothing(gateway: Running) -> None:
    answer = gateway.post("/api/image-to-image", tenant="small", data={"prompt": "x"}, files={"file": b"not a picture"})
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (422, "unreadable_media", "image")
    [record] = gateway.settled(1)
    assert (record["status"], record["error"], record["units"]) == ("failed", "unreadable_media", 0)
    left = {limit["service"]: limit["left"] for limit in gateway.get("/api/limits", tenant="small").json()["limits"]}
    assert left["image-to-image"] == 5


@on_both
def test_a_failure_is_recorded_and_counts_no_units(gateway: Running) -> None:
    answer = gateway.post("/api/text-to-image", json={"prompt": "break the engine"})
    assert answer.status_code == 500
    assert "/secret/path" not in answer.text
    [record] = gateway.settled(1)
    assert (record["status"], record["units"], record["megapixels"]) == ("failed", 0, 0)


def test_a_failure_halfway_counts_no_units_either(gateway: Running) -> None:
    body = {"input": "one two three break five", "response_format": "pcm", "stream_format": "sse"}
    answer = gateway.post("/v1/audio/speech", json=body)
    assert "speech.audio.delta" in answer.text
    assert '"error"' in answer.text
    [record] = gateway.settled(1)
    assert (record["status"], record["units"], record["audioSeconds"]) == ("failed", 0, 0)


def test_the_limit_holds_against_concurrent_requests(gateway: Running) -> None:
    PaintEngine.newest.gate.hold()

    def ask(_: int) -> int:
        return gateway.post("/api/text-to-image", tenant="small", json={"prompt": "x"}).status_code

    with ThreadPoolExecutor(24) as pool:
        asked = pool.map(ask, range(24))
        until(lambda: sum(gateway.host.scheduler.queue().values()) == 5)
        PaintEngine.newest.gate.release()
        statuses = list(asked)
    assert sorted(statuses) == [200] * 5 + [429] * 19
    assert len(gateway.settled(5)) == 5


def test_a_429_says_what_the_limit_is_and_when_to_come_back(gateway: Running) -> None:
    answers = [gateway.post("/api/text-to-image", tenant="small", json={"prompt": "x"}) for _ in range(6)]
    assert answers[0].headers["ratelimit"].startswith('"hour";r=4;')
    refusal = answers[-1]
    assert (refusal.status_code, refusal.json()["code"]) == (429, "rate_limited")
    assert 0 < int(refusal.headers["retry-after"]) <= 3600
    assert refusal.headers["ratelimit-policy"].startswith('"hour";q=5;w=3600;pk=:')
    openai_face = gateway.post("/v1/images/generations", tenant="small", json={"prompt": "x"})
    assert openai_face.status_code == 429
    assert openai_face.json()["error"]["type"] == "rate_limit_error"
    assert openai_face.headers["x-ratelimit-remaining-requests"] == "0"


@on_both
def test_a_client_that_hangs_up_is_recorded_as_cancelled_and_frees_the_engine(gateway: Running) -> None:
    engine = PaintEngine.newest
    engine.gate.hold(after=3)
    body = {"prompt": "left", "num_inference_steps": 150, "stream": True, "partial_images": 149}
    with httpx2.stream(
        "POST", f"{gateway.url}/v1/images/generations", json=body, headers=gateway.headers()
    ) as response:
        assert b"partial_image" in next(response.iter_bytes())
    [record] = gateway.settled(1)
    until(lambda: all(job.cancelled for job in gateway.host.scheduler._running))
    engine.gate.release()
    until(lambda: engine.closed == ["left"])
    assert len(engine.stepped) <= 4, "the engine went on for more than the step that it was in"
    assert record["status"] == "cancelled"
    assert 0 < record["units"] < 1  # a share of one picture: the client had a preview of its first steps


def test_speech_left_halfway_is_metered_for_what_was_delivered(gateway: Running) -> None:
    SpeakEngine.newest.gate.hold(after=5)
    body = {"input": " ".join(["word"] * 400), "response_format": "pcm"}
    with httpx2.stream("POST", f"{gateway.url}/v1/audio/speech", json=body, headers=gateway.headers()) as response:
        next(response.iter_bytes())
    [record] = gateway.settled(1)
    assert record["status"] == "cancelled"
    assert 0 < record["characters"] <= 25
    assert record["units"] == record["characters"]


async def test_a_client_that_hangs_up_without_a_stream_is_cancelled_too(gateway: Running) -> None:
    engine = PaintEngine.newest
    engine.gate.hold()
    async with httpx2.AsyncClient(headers=gateway.headers()) as client:
        body = {"prompt": "left", "num_inference_steps": 100}
        asking = asyncio.create_task(client.post(f"{gateway.url}/api/text-to-image", json=body))
        await asyncio.to_thread(until, lambda: gateway.host.scheduler.queue()["running"] == 1)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
    [record] = await asyncio.to_thread(gateway.settled, 1)
    assert record["status"] == "cancelled"
    engine.gate.release()
    await asyncio.to_thread(until, lambda: engine.closed == ["left"])
    assert len(engine.stepped) <= 2


def test_previews_come_through_both_servers(gateway: Running) -> None:
    client = openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=gateway.headers()["authorization"][7:])
    stream = client.images.generate(
        prompt="a square", stream=True, partial_images=2, extra_body={"num_inference_steps": 3}
    )
    events = list(stream)
    assert [event.type.rpartition(".")[2] for event in events] == ["partial_image", "partial_image", "completed"]
    assert all(base64.b64decode(event.b64_json).startswith(b"\x89PNG") for event in events)


def test_a_service_that_is_away_is_said_at_once(gateway: Running) -> None:
    answer = gateway.post("/api/speech-to-text", files={"file": b"RIFF"})
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert int(answer.headers["retry-after"]) >= 1
    health = httpx2.get(f"{gateway.url}/health")
    assert (health.status_code, health.json()["status"]) == (200, "degraded")
    assert health.json()["services"]["speech-to-text"]["status"] == "unhealthy"


def test_models_are_listed_and_found_by_id(gateway: Running) -> None:
    client = openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=gateway.headers()["authorization"][7:])
    assert {model.id for model in client.models.list()} == {"paint", "tones"}
    assert client.models.retrieve("paint").id == "paint"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("some/other")


@on_both
def test_usage_sums_the_month(gateway: Running) -> None:
    gateway.post("/api/text-to-image", json={"prompt": "x", "n": 3})
    gateway.post("/api/text-to-speech", json={"text": "hello there"})
    gateway.post("/api/text-to-image", tenant="other", json={"prompt": "x"})
    found = gateway.get("/api/usage").json()
    assert found["usage"] == {**dict.fromkeys(SERVICES, 0), "text-to-image": 1, "text-to-speech": 1}
    assert found["total"] == 2
    assert found["services"]["text-to-image"]["units"] == 3
    assert found["services"]["text-to-speech"]["characters"] == 11
    assert gateway.get("/api/usage?month=2020-01").json()["total"] == 0
    assert gateway.get("/api/usage?month=January").json()["field"] == "month"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "prompt"),
        ({"prompt": ""}, "prompt"),
        ({"prompt": "   "}, "prompt"),
        ({"prompt": "x" * 100_000}, "prompt"),
        ({"prompt": "a\x00b"}, "prompt"),
        ({"prompt": 7}, "prompt"),
        ({"prompt": "x", "size": "100x100"}, "size"),
        ({"prompt": "x", "size": "big"}, "size"),
        ({"prompt": "x", "size": "6 4x64"}, "size"),
        ({"prompt": "x", "size": "٦٤x٦٤"}, "size"),
        ({"prompt": "x", "size": "0x0"}, "size"),
        ({"prompt": "x", "size": "99999x99999"}, "size"),
        ({"prompt": "x", "num_inference_steps": -3}, "num_inference_steps"),
        ({"prompt": "x", "num_inference_steps": 1.5}, "num_inference_steps"),
        ({"prompt": "x", "guidance_scale": float("nan")}, "guidance_scale"),
        ({"prompt": "x", "guidance_scale": float("inf")}, "guidance_scale"),
        ({"prompt": "x", "seed": -1}, "seed"),
        ({"prompt": "x", "seed": 2**80}, "seed"),
        ({"prompt": "x", "n": 1000}, "n"),
        ({"prompt": "x", "promt": "x"}, "promt"),
        ({"prompt": "x", "model": "../../etc/passwd"}, "model"),
    ],
)
def test_bad_fields_are_named_on_both_faces(gateway: Running, body: dict[str, object], field: str) -> None:
    from pydantic_core import to_json

    content = to_json(body, inf_nan_mode="constants")
    kind = {"content-type": "application/json"}
    native = httpx2.post(f"{gateway.url}/api/text-to-image", content=content, headers=gateway.headers() | kind)
    assert (native.status_code, native.json()["field"]) == (422, field)
    assert native.json()["error"].startswith(field)
    other = httpx2.post(f"{gateway.url}/v1/images/generations", content=content, headers=gateway.headers() | kind)
    assert (other.status_code, other.json()["error"]["param"]) == (400, field)
    assert gateway.records() == []


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{", "application/json", 422),
        (b"[]", "application/json", 422),
        (b"\xff\xfe", "application/json", 422),
        (b"", "application/json", 422),
        (b"prompt: x", "text/plain", 415),
        (b"x", "multipart/form-data", 422),
        (b"--b\r\nbroken", "multipart/form-data; boundary=b", 422),
        (b" " * 2_500_000, "application/json", 413),
    ],
)
def test_bad_bodies_are_refused(gateway: Running, content: bytes, kind: str, status: int) -> None:
    answer = gateway_post_raw(gateway, "/api/text-to-image", content, kind)
    assert answer.status_code == status
    assert {"error", "code", "request_id"} <= answer.json().keys()
    openai_answer = gateway_post_raw(gateway, "/v1/images/generations", content, kind)
    assert openai_answer.status_code == (400 if status == 422 else status)
    assert openai_answer.json()["error"]["message"]


def gateway_post_raw(gateway: Running, path: str, content: bytes, kind: str) -> httpx2.Response:
    headers = gateway.headers() | {"content-type": kind}
    return httpx2.post(gateway.url + path, content=content, headers=headers)


async def test_a_client_that_leaves_in_the_middle_of_an_upload_harms_nothing(gateway: Running) -> None:
    host, port = gateway.url.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    token = gateway.headers()["authorization"]
    writer.write(
        f"POST /api/image-to-image HTTP/1.1\r\nhost: x\r\nauthorization: {token}\r\n"
        "content-type: multipart/form-data; boundary=b\r\ncontent-length: 1000000\r\n\r\n--b\r\n".encode()
    )
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    answer = await asyncio.to_thread(gateway.post, "/api/text-to-image", json={"prompt": "next"})
    assert answer.status_code == 200
    assert len(gateway.records()) == 1


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        ("/v1/chat/completions", {"messages": [{"role": "user", "content": [
            {"type": "text", "text": "x" * 100_000},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
        ]}]}, "messages"),
        ("/v1/audio/speech", {"input": "x", "voice": "v" * 101}, "voice"),
        ("/v1/audio/speech", {"input": "x", "voice": {"id": ""}}, "voice"),
        ("/v1/audio/speech", {"input": "x" * 100_000}, "input"),
    ],
)  # fmt: skip
def test_fields_keep_the_names_that_the_caller_gave_them(
    gateway: Running, path: str, body: dict[str, object], param: str
) -> None:
    answer = gateway.post(path, json=body)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param), answer.text


def test_odd_forms_are_refused_in_words(gateway: Running) -> None:
    boundary = "multipart/form-data; boundary=b"
    part = '--b\r\nContent-Disposition: form-data; name="{}"\r\n\r\nx\r\n'
    twice = (part.format("model") + part.format("model[]") + "--b--\r\n").encode()
    answer = gateway_post_raw(gateway, "/api/image-to-image", twice, boundary)
    assert (answer.status_code, answer.json()["field"]) == (422, "model")
    charset = gateway_post_raw(gateway, "/api/image-to-image", twice, f"{boundary}; charset=undefined")
    assert (charset.status_code, charset.json()["field"]) == (422, "body")


@on_both
def test_odd_links_and_months_are_refused_in_words(gateway: Running) -> None:
    assert httpx2.get(f"{gateway.url}/artifacts/x?expires=1&signature=%C3%A9").status_code == 404
    assert gateway.get("/artifacts/a%00b").status_code == 404, "PostgreSQL takes no NUL, not even in a question"
    for month in ("9999-12", "0000-01", "2026-13", "é"):
        assert gateway.get("/api/usage", params={"month": month}).status_code == 422


def test_links_work_below_a_path(tmp_path: Path) -> None:
    with opened(tmp_path, public_url="https://example.com/ai") as gateway:
        link = gateway.post("/api/text-to-image", json={"prompt": "first"}).json()["image_url"]
        assert link.startswith("https://example.com/ai/artifacts/")
        assert gateway.post("/api/image-to-image", json={"prompt": "x", "image_url": link}).status_code == 200


def test_nothing_is_fetched_for_a_caller_who_has_no_place_left(tmp_path: Path) -> None:
    fetched = []

    async def picture(scope: Scope, _: Receive, send: Send) -> None:
        if scope["type"] == "http":
            fetched.append(scope["path"])
            await send({"type": "http.response.start", "status": 404, "headers": []})
            await send({"type": "http.response.body", "body": b""})

    none = [LimitRule(requests=0, per="hour", tenant="none")]
    with running(picture) as web, opened(tmp_path, fetch_allow=["127.0.0.1/32"], limits=none) as gateway:
        body = {"prompt": "x", "image_url": f"{web}/start.png"}
        assert gateway.post("/api/image-to-image", tenant="none", json=body).status_code == 429
        assert fetched == []
        assert gateway.post("/api/image-to-image", json=body).status_code == 422
        assert fetched == ["/start.png"]
        left = {limit["service"]: limit["left"] for limit in gateway.get("/api/limits").json()["limits"]}
        assert left["image-to-image"] == 100, "a malformed request kept its place"


def test_a_request_cut_off_by_a_stop_is_settled(tmp_path: Path) -> None:
    def ask(gateway: Running) -> None:
        with contextlib.suppress(httpx2.HTTPError):
            gateway.post("/api/text-to-image", json={"prompt": "cut off", "num_inference_steps": 100})

    with ThreadPoolExecutor(1) as pool, opened(tmp_path) as gateway:
        PaintEngine.newest.gate.hold()
        asked = pool.submit(ask, gateway)
        until(lambda: gateway.host.scheduler.queue()["running"] == 1)
        gateway.stop()
        PaintEngine.newest.gate.release()
        asked.result(timeout=30)
    [record] = gateway.records()
    assert record["status"] == "cancelled"


@on_both
def test_a_fault_of_ours_carries_the_request_id_and_no_details(gateway: Running) -> None:
    gateway.ask(text('DROP TABLE "Artifact"'))
    linked = {"prompt": "x", "response_format": "url"}
    for path, body in (("/api/text-to-speech", {"text": "x"}), ("/v1/images/generations", linked)):
        answer = gateway.post(path, json=body)
        assert answer.status_code == 500
        assert answer.headers["x-request-id"] in answer.text
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "Artifact" not in answer.text


def test_files_are_closed_to_other_users(gateway: Running) -> None:
    gateway.post("/api/text-to-image", json={"prompt": "mine"})
    folders = [folder for folder in (gateway.home / "artifacts").iterdir() if folder.is_dir()]
    assert [stat.S_IMODE(folder.stat().st_mode) for folder in folders] == [0o700]


def test_unknown_addresses_and_methods_are_told_in_each_faces_shape(gateway: Running) -> None:
    assert httpx2.get(f"{gateway.url}/api/nothing").json()["code"] == "not_found"
    assert httpx2.get(f"{gateway.url}/api/text-to-image").json()["code"] == "method_not_allowed"
    assert httpx2.get(f"{gateway.url}/v1/nothing").json()["error"]["code"] == "not_found"


def test_the_reference_describes_every_route(gateway: Running) -> None:
    document = httpx2.get(f"{gateway.url}/openapi.json").json()
    posts = {path for path, item in document["paths"].items() if "post" in item}
    assert {path for path in posts if not path.startswith("/admin/")} == set(POSTS)
    assert "bearer" in document["components"]["securitySchemes"]
    page = httpx2.get(f"{gateway.url}/docs")
    assert page.status_code == 200
    assert "http://" not in page.text.replace("http://www.w3.org", "")
    assert "https://" not in page.text, "the reference needs the network"
    assert httpx2.get(f"{gateway.url}/docs/assets/swagger-ui-bundle.js").status_code == 200


def test_a_model_is_found_under_the_names_that_requests_may_use(tmp_path: Path) -> None:
    with opened(tmp_path, aliases={"usual": "", "old": "gone"}) as gateway:
        found, missing = gateway.get("/v1/models/usual"), gateway.get("/v1/models/old")
    assert (found.status_code, found.json()["id"], found.json()["object"]) == (200, "usual", "model")
    assert (missing.status_code, missing.json()["error"]["param"]) == (404, "model")

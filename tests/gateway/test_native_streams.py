"""Streams of the native face: previews and then links, speech while it is spoken, and what is kept of both."""

from __future__ import annotations

import io
import json
import wave
from typing import Any

import httpx2
import openai
import pytest

from postgres_server import on_both
from running_gateway import Running
from stepping import PaintEngine

PNG = b"\x89PNG"
WORDS = "one two three four"


def events(gateway: Running, path: str, **more: Any) -> list[dict[str, Any]]:
    answer = gateway.post(path, **more)
    assert answer.headers["content-type"].startswith("text/event-stream"), answer.text
    lines = [line.removeprefix("data: ") for line in answer.text.splitlines() if line.startswith("data: ")]
    return [json.loads(line) for line in lines]


@on_both
def test_pictures_come_as_previews_and_then_as_links(gateway: Running) -> None:
    body = {"prompt": "a square", "n": 2, "num_inference_steps": 3, "stream": True, "partial_images": 2}
    told = events(gateway, "/api/text-to-image", json=body)
    kinds = [event["type"] for event in told]
    assert kinds == ["image_generation.partial_image"] * 2 + ["image_generation.completed"] * 2
    assert all("b64_json" in event for event in told[:2])
    assert all("b64_json" not in event for event in told[2:])
    assert [httpx2.get(event["url"]).content[:4] for event in told[2:]] == [PNG, PNG]
    [record] = gateway.records()
    assert (record["status"], record["units"]) == ("succeeded", 2)
    kept = gateway.get("/api/artifacts").json()["artifacts"]
    assert {entry["request_id"] for entry in kept} == {record["id"]}


def test_a_picture_to_start_from_streams_as_a_form(gateway: Running) -> None:
    start = httpx2.get(gateway.post("/api/text-to-image", json={"prompt": "a"}).json()["image_url"]).content
    form = {"prompt": "b", "stream": "true", "num_inference_steps": "20"}
    told = events(gateway, "/api/image-to-image", data=form, files={"file": start})
    kinds = [event["type"] for event in told]
    assert (set(kinds[:-1]), kinds[-1]) == ({"image_edit.partial_image"}, "image_edit.completed")
    assert PaintEngine.newest.asked[-1].partial_images == 8
    assert httpx2.get(told[-1]["url"]).content[:4] == PNG


def test_a_stream_that_is_to_hold_its_pictures_keeps_none(gateway: Running) -> None:
    told = events(gateway, "/api/text-to-image", json={"prompt": "a", "stream": True, "response_format": "b64_json"})
    assert "b64_json" in told[-1]
    assert gateway.get("/api/artifacts").json()["artifacts"] == []


def test_previews_want_a_stream_on_this_face_too(gateway: Running) -> None:
    answer = gateway.post("/api/text-to-image", json={"prompt": "a", "partial_images": 2})
    assert (answer.status_code, answer.json()["field"]) == (422, "partial_images")


def test_a_failure_is_told_by_its_status_before_the_first_event_and_by_an_event_after_it(gateway: Running) -> None:
    answer = gateway.post("/api/text-to-image", json={"prompt": "break this run", "stream": True})
    assert (answer.status_code, answer.json()["field"]) == (422, "prompt")
    assert gateway.get("/api/artifacts").json()["artifacts"] == []


def test_the_openai_client_streams_links_where_it_asks_for_them(gateway: Running) -> None:
    client = openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=gateway.headers()["authorization"][7:])
    stream = client.images.generate(prompt="a", stream=True, extra_body={"response_format": "url"})
    last = list(stream)[-1]
    assert httpx2.get(last.to_dict()["url"]).content[:4] == PNG  # type: ignore[arg-type]


@on_both
@pytest.mark.parametrize(("kind", "media_type"), [("wav", "audio/wav"), ("mp3", "audio/mpeg")])
def test_speech_is_sent_while_it_is_spoken_and_kept_when_it_is_done(
    gateway: Running, kind: str, media_type: str
) -> None:
    answer = gateway.post("/api/text-to-speech", json={"text": WORDS, "response_format": kind, "stream": True})
    assert (answer.headers["content-type"], "content-length" in answer.headers) == (media_type, False)
    request = answer.headers["x-request-id"]
    [kept] = gateway.get("/api/artifacts", params={"request_id": request}).json()["artifacts"]
    assert (kept["media_type"], kept["service"], kept["bytes"]) == (media_type, "text-to-speech", len(answer.content))
    file = gateway.get(f"/artifacts/{kept['id']}").content
    assert file[44:] == answer.content[44:]
    if kind == "wav":
        with wave.open(io.BytesIO(file)) as recording:
            assert recording.getnframes() == 2205 * 4, "the header of the kept file does not tell its length"
    [record] = gateway.records()
    assert (record["status"], record["characters"]) == ("succeeded", len(WORDS))

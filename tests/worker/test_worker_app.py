"""A worker by itself speaks the OpenAI-compatible API."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
import openai
import pytest

from atelier.contracts.text_to_speech import MOST_REFERENCE_BYTES
from atelier.media.reference import copied
from atelier.wire.signatures import recording_length
from atelier.worker.app import create_app
from atelier.worker.host import Host
from servers import running, until
from sounds import babble, encoded
from stepping import PaintEngine, SpeakEngine, paint_plan, seen_to_leave, speak_plan

SERVICES = ("text-to-image", "image-to-image", "text-to-speech")


@pytest.fixture
def host() -> Host:
    return Host([paint_plan(), speak_plan()], aliases={"dall-e-3": "", "tts-1": ""})


@pytest.fixture
def worker(host: Host) -> Iterator[str]:
    with served(host, most_body_bytes=1_000_000) as url:
        yield url


@contextmanager
def served(host: Host, *, most_body_bytes: int) -> Iterator[str]:
    with running(create_app(host, SERVICES, most_body_bytes=most_body_bytes)) as url:
        until(lambda: httpx2.get(f"{url}/health").json()["status"] == "healthy")
        yield url


@pytest.fixture
def client(worker: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{worker}/v1", api_key="none", max_retries=0)


def test_the_official_client_makes_pictures(client: openai.OpenAI) -> None:
    made = client.images.generate(prompt="a square", model="dall-e-3", n=2, extra_body={"num_inference_steps": 3})
    assert made.data is not None
    assert len(made.data) == 2
    assert base64.b64decode(made.data[0].b64_json or "").startswith(b"\x89PNG")


def test_the_official_client_streams_previews(client: openai.OpenAI) -> None:
    stream = client.images.generate(
        prompt="a square", stream=True, partial_images=3, extra_body={"num_inference_steps": 4}
    )
    assert [event.type for event in stream] == ["image_generation.partial_image"] * 3 + ["image_generation.completed"]


def test_the_official_client_hears_speech(client: openai.OpenAI) -> None:
    spoken = client.audio.speech.create(input="one two three", model="tts-1", voice="alloy", response_format="pcm")
    # Three tenths of a second, resampled to the 24 kHz that OpenAI's pcm has.
    assert len(spoken.read()) / 2 / 24000 == pytest.approx(0.3, abs=0.01)


def test_the_recording_of_a_voice_is_looked_at_and_spoken_with(worker: str) -> None:
    heard = encoded(babble(21), "ogg", "libopus", rate=48_000)  # taken thrice as fast
    looked_at = httpx2.post(f"{worker}/v1/audio/references", files={"reference": heard})
    assert (looked_at.status_code, looked_at.headers["content-type"]) == (200, "audio/wav")
    assert recording_length(looked_at.content, len(looked_at.content)) == (pytest.approx(7, abs=0.02), 22_050)
    assert copied(looked_at.content) == looked_at.content

    form = {"input": "one", "voice": "mine", "stream": "false", "speed": "1.5"}
    said = httpx2.post(f"{worker}/v1/audio/speech", data=form, files={"reference": looked_at.content})
    assert (said.status_code, said.headers["x-voice"]) == (200, "mine")
    assert SpeakEngine.newest.asked[-1].reference == looked_at.content


def test_a_reference_larger_than_the_gateway_sends_is_refused(host: Host) -> None:
    with served(host, most_body_bytes=3_000_000) as worker:
        reference = {"reference": bytes(MOST_REFERENCE_BYTES + 1)}
        refused = httpx2.post(f"{worker}/v1/audio/speech", data={"input": "one"}, files=reference)
        assert (refused.status_code, refused.json()["error"]["param"]) == (413, "reference")


def test_errors_are_openai_errors(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as refusal:
        client.images.generate(prompt="x", size="100x100")  # type: ignore[call-overload]
    assert refusal.value.param == "size"
    with pytest.raises(openai.NotFoundError):
        client.images.generate(prompt="x", model="elsewhere")


def test_it_is_ready_once_a_model_is(host: Host) -> None:
    app = create_app(host, SERVICES, most_body_bytes=1_000_000)
    with running(app) as url:
        until(lambda: httpx2.get(f"{url}/ready").status_code == 200)
        assert httpx2.get(f"{url}/ready").json() == {"status": "healthy"}
        for resident in host.residents:
            resident.state = "loading"
        answer = httpx2.get(f"{url}/ready")
        assert (answer.status_code, answer.json()) == (503, {"status": "starting"})
        assert httpx2.get(f"{url}/health").status_code == 200  # alive all the same


async def test_hanging_up_frees_the_engine_within_one_step(worker: str, host: Host) -> None:
    engine = PaintEngine.newest
    engine.gate.hold(after=3)
    body = {"prompt": "left", "num_inference_steps": 100, "stream": True, "partial_images": 99}
    url = f"{worker}/v1/images/generations"
    async with httpx2.AsyncClient() as client, client.stream("POST", url, json=body) as response:
        await anext(response.aiter_bytes())
    await asyncio.to_thread(until, lambda: seen_to_leave(host))
    engine.gate.release()
    await asyncio.to_thread(until, lambda: engine.closed == ["left"])
    assert len(engine.stepped) <= 4


async def test_hanging_up_on_an_answer_that_is_not_streamed_frees_it_too(worker: str, host: Host) -> None:
    engine = PaintEngine.newest
    engine.gate.hold()
    body = {"prompt": "left", "num_inference_steps": 100}
    async with httpx2.AsyncClient() as client:
        asking = asyncio.create_task(client.post(f"{worker}/v1/images/generations", json=body))
        await asyncio.to_thread(until, lambda: httpx2.get(f"{worker}/health").json()["queue"]["running"] == 1)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
    await asyncio.to_thread(until, lambda: seen_to_leave(host))
    engine.gate.release()
    await asyncio.to_thread(until, lambda: engine.closed == ["left"])
    assert len(engine.stepped) <= 2


def test_speech_comes_before_all_of_it_is_spoken(worker: str) -> None:
    engine = SpeakEngine.newest
    body = {"input": " ".join(["word"] * 50), "response_format": "pcm"}
    with httpx2.stream("POST", f"{worker}/v1/audio/speech", json=body) as response:
        assert next(response.iter_bytes())
        assert engine.steps < 50


def test_a_broken_engine_is_told_without_its_secrets(worker: str) -> None:
    answer = httpx2.post(f"{worker}/v1/images/generations", json={"prompt": "break the engine"})
    assert answer.status_code == 500
    assert "/secret/path" not in answer.text
    assert answer.json()["error"]["code"] == "internal_error"


def test_a_body_over_the_limit_is_refused(worker: str) -> None:
    for content in (b"x" * 1_000_001, iter([b"x" * 600_000] * 2)):
        answer = httpx2.post(
            f"{worker}/v1/images/generations", content=content, headers={"content-type": "application/json"}
        )
        assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")


def test_unknown_addresses_and_methods_are_told_in_the_same_shape(worker: str) -> None:
    assert httpx2.get(f"{worker}/v1/nothing").json()["error"]["code"] == "not_found"
    assert httpx2.get(f"{worker}/v1/audio/speech").json()["error"]["code"] == "method_not_allowed"
    # Speech-to-text is another worker's.
    assert httpx2.post(f"{worker}/v1/audio/transcriptions").status_code == 404


def test_health_and_models_say_what_is_loaded(worker: str) -> None:
    health = httpx2.get(f"{worker}/health").json()
    assert {model["id"]: model["state"] for model in health["models"]} == {"paint": "ready", "tones": "ready"}
    assert health["models"][0]["note"] == "squares"
    assert [model["id"] for model in httpx2.get(f"{worker}/v1/models").json()["data"]] == ["paint", "tones"]

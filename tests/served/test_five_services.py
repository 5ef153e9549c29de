"""The official OpenAI client, and the native face, doing all five jobs on a running `atelier serve`."""

from __future__ import annotations

import base64
import io
import sqlite3

import av
import httpx2
import numpy as np
import openai
import pytest
from PIL import Image, ImageDraw, ImageFont

from distance import share_wrong
from serving import Served
from sounds import read_aloud

TEXT = "The quick brown fox jumps over the lazy dog. Two plus two is four, and the door is open."
MINIATURES = {
    "atelier-mini-sdxl": "text-to-image",
    "atelier-mini-blip2": "image-to-text",
    "atelier-mini-whisper": "speech-to-text",
}
FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"


def page(text: str) -> bytes:
    """A picture of a page with `text` on it, as PNG."""
    sheet = Image.new("RGB", (900, 60 + 44 * len(text.splitlines())), "white")
    font = ImageFont.truetype(FONT, 26)
    for row, line in enumerate(text.splitlines()):
        ImageDraw.Draw(sheet).text((40, 30 + 44 * row), line, font=font, fill="black")
    sink = io.BytesIO()
    sheet.save(sink, "PNG")
    return sink.getvalue()


def seconds_of(data: bytes) -> float:
    with av.open(io.BytesIO(data)) as container:
        return sum(frame.samples / frame.sample_rate for frame in container.decode(audio=0))


def png(data: bytes) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def test_openai_text_to_image(served: Served) -> None:
    made = served.openai().images.generate(
        model="gpt-image-1", prompt="a red circle", size="auto", n=2, extra_body={"num_inference_steps": 5, "seed": 7}
    )
    assert made.data is not None
    first, second = (png(base64.b64decode(image.b64_json or "")) for image in made.data)
    assert first.shape == (64, 64, 3)
    assert np.abs(first.astype(int) - second).max() > 20, "two seeds gave one picture"
    again = served.openai().images.generate(prompt="a red circle", extra_body={"num_inference_steps": 5, "seed": 7})
    assert again.data is not None
    assert np.abs(png(base64.b64decode(again.data[0].b64_json or "")).astype(int) - first).max() <= 2


def test_openai_text_to_image_streams_real_previews(served: Served) -> None:
    stream = served.openai().images.generate(
        prompt="a red circle", stream=True, partial_images=3, extra_body={"num_inference_steps": 8, "seed": 7}
    )
    events = list(stream)
    assert [event.type.rpartition(".")[2] for event in events] == ["partial_image"] * 3 + ["completed"]
    pictures = [png(base64.b64decode(event.b64_json)).astype(int) for event in events]
    distances = [np.abs(preview - pictures[-1]).mean() for preview in pictures[:-1]]
    assert distances[0] > distances[-1], f"previews do not come closer to the picture: {distances}"


def test_openai_image_to_image(served: Served) -> None:
    sink = io.BytesIO()
    Image.new("RGB", (128, 128), (200, 30, 30)).save(sink, "PNG")
    edited = served.openai().images.edit(
        image=("start.png", sink.getvalue(), "image/png"),
        prompt="a green circle",
        extra_body={"num_inference_steps": 5, "strength": 0.6},
    )
    assert edited.data is not None
    assert png(base64.b64decode(edited.data[0].b64_json or "")).shape == (64, 64, 3)
    varied = served.openai().images.create_variation(image=("start.png", sink.getvalue(), "image/png"), n=1)
    assert varied.data is not None
    assert varied.data[0].b64_json


def test_openai_speech_streams_every_format(served: Served) -> None:
    for kind in ("wav", "mp3", "opus", "aac", "flac"):
        with served.openai().audio.speech.with_streaming_response.create(
            model="tts-1", voice="nova", input=TEXT, response_format=kind
        ) as answer:
            data = b"".join(answer.iter_bytes())
        assert 3 < seconds_of(data) < 12, kind
    pcm = served.openai().audio.speech.create(model="tts-1", voice="nova", input=TEXT, response_format="pcm").read()
    assert 3 < len(pcm) / 2 / 24000 < 12


def test_openai_transcribes_human_speech(served: Served) -> None:
    client = served.openai()
    said: list[str] = []
    heard: list[str] = []
    for sentence in read_aloud()[:3]:
        file = ("speech.wav", sentence.file)
        said += sentence.words
        heard += client.audio.transcriptions.create(model="whisper-1", file=file).text.split()
    assert share_wrong(said, heard) <= 0.40


def test_openai_transcripts_have_times(served: Served) -> None:
    file = ("speech.wav", read_aloud()[0].file)
    verbose = served.openai().audio.transcriptions.create(
        model="whisper-1", file=file, response_format="verbose_json", timestamp_granularities=["word", "segment"]
    )
    assert verbose.words
    assert verbose.segments
    assert all(0 <= word.start <= word.end <= float(verbose.duration) + 0.01 for word in verbose.words)
    srt = served.openai().audio.transcriptions.create(model="whisper-1", file=file, response_format="srt")
    assert srt.startswith("1\n00:00:")
    stream = served.openai().audio.transcriptions.create(model="whisper-1", file=file, stream=True)
    events = list(stream)
    assert events[-1].type == "transcript.text.done"
    assert events[-1].text == verbose.text


def test_openai_describes_a_picture(served: Served) -> None:
    uri = "data:image/png;base64," + base64.b64encode(page("A page")).decode()
    question = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": uri}}]
    for extra in ({}, {"stream": True}):
        answer = served.openai().chat.completions.create(
            model="gpt-4o",
            messages=[{"role": "user", "content": question}],  # type: ignore[list-item]
            max_tokens=12,
            **extra,  # type: ignore[call-overload]
        )
        if extra:
            said = "".join(chunk.choices[0].delta.content or "" for chunk in answer if chunk.choices)
        else:
            said = answer.choices[0].message.content
            assert answer.usage.completion_tokens > 0
        assert said


def test_a_page_is_read(served: Served) -> None:
    lines = (
        "Atelier reads a page of text.\nInvoice 2026-118: 1,204.50 EUR\nThe quick brown fox jumps over\nthe lazy dog."
    )
    read = served.post("/v1/ocr", files={"image": page(lines)}).json()
    assert read["text"].split() == lines.split()
    native = served.post("/api/image-to-text", files={"file": page(lines)}, data={"task": "both"}).json()
    assert native["ocr_text"].split() == lines.split()
    assert native["caption"]
    assert " + rapidocr" in native["model"]


def test_a_pdf_is_read_page_by_page_and_metered_so(served: Served) -> None:
    texts, sink = ("The first page of three", "The second one", "And the last"), io.BytesIO()
    first, *more = [Image.open(io.BytesIO(page(text))) for text in texts]
    first.save(sink, "PDF", save_all=True, append_images=more, resolution=100)
    read = served.post("/v1/ocr", files={"image": sink.getvalue()}).json()
    assert read["text"].split("\n\n") == list(texts)
    assert (read["pages"], [line["page"] for line in read["lines"]]) == (3, [1, 2, 3])
    uri = "data:application/pdf;base64," + base64.b64encode(sink.getvalue()).decode()
    native = served.post("/api/image-to-text", json={"task": "ocr", "image": uri}).json()
    assert (native["ocr_text"], native["pages"], native["usage"]["units"]) == (read["text"], 3, 3)


def test_native_speech_is_stored_whole(served: Served) -> None:
    for kind in ("wav", "mp3", "opus", "aac", "flac"):
        made = served.post("/api/text-to-speech", json={"text": TEXT, "response_format": kind, "language": "en"}).json()
        assert seconds_of(httpx2.get(made["audio_url"]).content) == pytest.approx(made["duration"], abs=0.15), kind


def test_speech_knows_languages_and_speed(served: Served) -> None:
    slow = served.post("/api/text-to-speech", json={"text": "Guten Morgen, wie geht es?", "language": "de"}).json()
    fast = served.post(
        "/api/text-to-speech", json={"text": "Guten Morgen, wie geht es?", "language": "de", "speed": 2}
    ).json()
    assert slow["language"] == "de"
    assert slow["duration"] > 1.5 * fast["duration"]


def test_a_voice_that_contradicts_its_language_is_warned_of(served: Served) -> None:
    made = served.post("/api/text-to-speech", json={"text": "Guten Tag", "voice": "de", "language": "fr"}).json()
    assert made["language"] == "de"
    assert any("voice" in warning for warning in made["warnings"])


def test_a_model_of_another_task_says_what_it_does(served: Served) -> None:
    uri = "data:image/png;base64," + base64.b64encode(page("A page")).decode()
    parts = [{"type": "image_url", "image_url": {"url": uri}}]
    body = {"model": "rapidocr", "messages": [{"role": "user", "content": parts}]}
    answer = served.post("/v1/chat/completions", json=body)
    assert answer.status_code == 404
    assert "rapidocr does ocr, not caption" in answer.json()["error"]["message"]


def test_models_are_listed_with_what_they_are(served: Served) -> None:
    models = {model.id: model.model_dump() for model in served.openai().models.list()}
    assert {"espeak-ng", "pocketsphinx-en-us", "rapidocr"} <= set(models)
    assert len(models["espeak-ng"]["languages"]) > 50
    assert models["espeak-ng"]["licence"]["name"] == "GPL-3.0-or-later"
    for name, service in MINIATURES.items():
        mini = served.openai().models.retrieve(name).model_dump()
        assert mini == models[name]
        assert (mini["object"], mini["owned_by"], mini["service"]) == ("model", "atelier", service)
        assert mini["licence"]["name"] == "Apache-2.0"
        assert "A miniature" in mini["note"]
        assert mini["card"].startswith("---\n")
    assert "card" not in served.health()["services"]["text-to-image"]["models"][0]


def test_words_that_a_miniature_does_not_know_are_warned_of(served: Served) -> None:
    said = "prompt: cat, bicycle mean nothing to atelier-mini-sdxl. A miniature"
    asked = {"prompt": "A red cat on a bicycle", "num_inference_steps": 2}
    native = served.post("/api/text-to-image", json=asked).json()
    assert native["images"]
    [warning] = native["warnings"]
    assert warning.startswith(said)
    made = served.openai().images.generate(prompt="a cat", extra_body={"num_inference_steps": 2})
    assert "cat means nothing" in made.model_dump()["warnings"][0]
    stream = served.openai().images.generate(prompt="a cat", stream=True, extra_body={"num_inference_steps": 2})
    assert "cat means nothing" in list(stream)[-1].model_dump()["warnings"][0]
    known = {"prompt": "a RED circle, on a blue background!", "style": "watercolor"}
    warnings = served.post("/api/text-to-image", json=asked | known).json()["warnings"]
    assert not [warning for warning in warnings if "nothing to" in warning], "a style's words are not the caller's"


def test_a_question_that_a_miniature_does_not_know_is_warned_of(served: Served) -> None:
    uri = "data:image/png;base64," + base64.b64encode(page("A page")).decode()
    for question, expected in (("Is it a bicycle?", ["bicycle means nothing"]), ("What colour is the shape?", [])):
        native = served.post("/api/image-to-text", json={"image": uri, "question": question}).json()
        parts = [{"type": "image_url", "image_url": {"url": uri}}, {"type": "text", "text": question}]
        stream = served.openai().chat.completions.create(
            model="gpt-4o",
            messages=[{"role": "user", "content": parts}],  # type: ignore[list-item]
            stream=True,
        )
        streamed = [warning for chunk in stream for warning in chunk.model_dump().get("warnings") or []]
        for warnings in (native["warnings"], streamed):
            assert len(warnings) == len(expected)
            assert all(words in warning for words, warning in zip(expected, warnings, strict=True))


def test_the_miniature_of_speech_is_chosen_by_its_name(served: Served) -> None:
    file = ("speech.wav", read_aloud()[0].file)
    for asked, served_by in (("atelier-mini-whisper", "atelier-mini-whisper"), ("whisper-1", "pocketsphinx-en-us")):
        heard = served.openai().audio.transcriptions.create(model=asked, file=file)
        assert heard.model_dump()["model"] == served_by


def test_everything_was_metered_once(served: Served) -> None:
    before = served.get("/api/usage", tenant="meter").json()["total"]
    assert before == 0
    served.post("/api/text-to-speech", tenant="meter", json={"text": "one"})
    served.post("/api/image-to-text", tenant="meter", files={"file": page("two")}, data={"task": "both"})
    served.post("/api/image-to-text", tenant="meter", files={"file": b"broken"})
    found = served.get("/api/usage", tenant="meter").json()
    assert (found["total"], found["services"]["image-to-text"]["failed"]) == (3, 1)
    assert found["services"]["image-to-text"]["units"] == 1
    with sqlite3.connect(served.home / "atelier.db") as database:
        query = 'SELECT COUNT(*), COUNT(DISTINCT id) FROM "AIUsage"'
        rows, ids = database.execute(query).fetchone()
    assert rows == ids


def test_tenants_do_not_see_each_other(served: Served) -> None:
    link = served.post("/api/text-to-speech", json={"text": "private"}).json()["audio_url"]
    path = link.removeprefix(served.url).partition("?")[0]
    assert served.get(path).status_code == 200
    assert served.get(path, tenant="other").status_code == 404
    assert served.get("/api/usage", tenant="nobody yet").json()["total"] == 0


def test_the_openai_client_meets_its_own_errors(served: Served) -> None:
    with pytest.raises(openai.AuthenticationError):
        openai.OpenAI(base_url=f"{served.url}/v1", api_key="wrong", max_retries=0).models.list()
    with pytest.raises(openai.BadRequestError) as malformed:
        served.openai().audio.speech.create(model="tts-1", voice="nobody", input="x")
    assert malformed.value.param == "voice"
    small = served.openai("small")
    for _ in range(3):
        small.audio.speech.create(model="tts-1", voice="alloy", input="x")
    with pytest.raises(openai.RateLimitError) as limited:
        small.audio.speech.create(model="tts-1", voice="alloy", input="x")
    assert int(limited.value.response.headers["retry-after"]) > 0

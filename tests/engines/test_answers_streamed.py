"""A vision-language model behind a worker: OpenAI's client sees the answer grow, and leaving ends it."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import openai
import pytest
from PIL import Image
from random_vision_language import build_random_smolvlm

from atelier.contracts.engine import ModelSource
from atelier.worker.app import create_app
from atelier.worker.host import Host
from atelier.worker.residency import ModelPlan
from servers import running, until

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Host:
    folder = build_random_smolvlm(tmp_path_factory.mktemp("models") / "smolvlm")
    source = ModelSource("tiny", folder, device="cpu")
    engine = "atelier.engines.vision_language:VisionLanguageEngine"
    return Host([ModelPlan(source, engine, "vision-language", ("image-to-text",), ("caption",))])


@pytest.fixture(scope="module")
def client(host: Host) -> Iterator[openai.OpenAI]:
    with running(create_app(host, ("image-to-text",), most_body_bytes=1_000_000)) as url:
        until(lambda: httpx2.get(f"{url}/health").json()["status"] == "healthy")
        yield openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0)


def messages(colour: str, question: str = "") -> list[dict[str, Any]]:
    sink = io.BytesIO()
    Image.new("RGB", (60, 40), colour).save(sink, "PNG")
    url = "data:image/png;base64," + base64.b64encode(sink.getvalue()).decode()
    return [
        {
            "role": "user",
            "content": [{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": question}],
        }
    ]


def streamed(client: openai.OpenAI, **fields: Any) -> list[str]:
    chunks = client.chat.completions.create(model="tiny", stream=True, **fields)
    return [chunk.choices[0].delta.content for chunk in chunks if chunk.choices and chunk.choices[0].delta.content]


def test_an_answer_comes_word_by_word(client: openai.OpenAI) -> None:
    asked: Any = {"messages": messages("blue", "what?"), "max_tokens": 20}
    whole = client.chat.completions.create(model="tiny", **asked)
    pieces = streamed(client, **asked)
    assert len(pieces) > 5
    assert "".join(pieces) == whole.choices[0].message.content
    assert whole.usage is not None
    assert whole.usage.completion_tokens >= len(pieces)


def test_eight_at_once_get_what_each_gets_alone(client: openai.OpenAI) -> None:
    asked: list[Any] = [
        {"messages": messages(colour, question), "max_tokens": 10 + index}
        for index, (colour, question) in enumerate(
            (colour, question) for colour in ("red", "lime", "blue", "gray") for question in ("", "why?")
        )
    ]
    alone = [streamed(client, **fields) for fields in asked]
    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(lambda fields: streamed(client, **fields), asked))
    assert ["".join(pieces) for pieces in together] == ["".join(pieces) for pieces in alone]


def test_leaving_ends_the_answer_between_two_words(client: openai.OpenAI, host: Host) -> None:
    """An answer of four hundred tokens whose reader leaves after the first: the engine forgets it."""
    [resident] = host.residents
    before = host.scheduler.steps
    stream: Any = client.chat.completions.create(
        model="tiny", messages=messages("red", "what?"), max_tokens=400, stream=True
    )
    next(iter(stream))
    stream.close()
    until(lambda: not host.scheduler._running)
    assert resident.engine._company is None  # type: ignore[attr-defined]
    assert host.scheduler.steps - before < 400

"""OpenAI's Python client meets its own errors, waits as it is told to, and reads the headers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import openai
import pytest
from contract_gateway import ContractGateway
from files_to_send import PICTURE, RECORDING, about
from openai.types import ImagesResponse
from small_engines import BREAK, SLOWLY, Painter

from servers import until

CALLS: dict[str, Callable[[openai.OpenAI, str], Any]] = {
    "generations": lambda client, model: client.images.generate(prompt="a square", model=model),
    "edits": lambda client, model: client.images.edit(prompt="a square", image=PICTURE, model=model),
    "variations": lambda client, model: client.images.create_variation(image=PICTURE, model=model),
    "speech": lambda client, model: client.audio.speech.create(input="one", voice="alloy", model=model),
    "transcriptions": lambda client, model: client.audio.transcriptions.create(file=RECORDING, model=model),
    "translations": lambda client, model: client.audio.translations.create(file=RECORDING, model=model),
    "chat": lambda client, model: client.chat.completions.create(messages=about("What is it?"), model=model),
    "models": lambda client, model: client.models.retrieve(model),
}

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:test_openai")


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_wrong_key(contract: ContractGateway, call: Callable[..., Any]) -> None:
    with pytest.raises(openai.AuthenticationError) as caught:
        call(contract.client(api_key="sk-wrong"), "gpt-4o")
    assert caught.value.type == "authentication_error"
    assert caught.value.code == "unauthenticated"
    assert caught.value.request_id


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_model_that_is_not_served(client: openai.OpenAI, call: Callable[..., Any]) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        call(client, "nobody/knows-it")
    assert caught.value.param == "model"


def test_an_address_that_is_not_served(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError):
        client.embeddings.create(model="text-embedding-3-small", input="a square")


@pytest.mark.parametrize("megabytes", [3, 30])
def test_a_file_that_is_too_large(client: openai.OpenAI, megabytes: int) -> None:
    with pytest.raises(openai.APIStatusError) as caught:
        client.images.edit(image=PICTURE + bytes(megabytes * 1_000_000), prompt="a window")
    assert (caught.value.status_code, caught.value.code) == (413, "too_large")
    assert "2 MB" in caught.value.message


def test_a_body_that_is_no_json(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.post(
            "/images/generations",
            content=b"{",
            options={"headers": {"content-type": "application/json"}},
            cast_to=ImagesResponse,
        )
    assert caught.value.param == "body"


def test_a_limit_that_is_used_up(contract: ContractGateway) -> None:
    """Its hour is longer than a client waits: it is told at once, in spite of the retries that it has."""
    sent: list[object] = []
    counting = openai.DefaultHttpxClient(event_hooks={"request": [sent.append]})
    client = contract.client("small-python", max_retries=2, http_client=counting)
    client.images.generate(prompt="a square")
    with pytest.raises(openai.RateLimitError) as caught:
        client.images.generate(prompt="a square")
    assert len(sent) == 2
    assert caught.value.type == "rate_limit_error"
    headers = caught.value.response.headers
    assert 3500 < int(headers["retry-after"]) <= 3600
    assert headers["x-ratelimit-remaining-requests"] == "0"


def test_a_limit_that_frees_is_waited_for(contract: ContractGateway) -> None:
    """`Retry-After` says a second; left to itself the client would wait for half of that, and in vain."""
    client = contract.client("hasty-python", max_retries=2)
    for _ in range(20):  # a busy machine may take longer than the second
        client.images.generate(prompt="a square")
        begun = time.monotonic()
        answer = client.images.with_raw_response.generate(prompt="a square")
        if answer.retries_taken:
            break
    assert answer.retries_taken == 1
    assert time.monotonic() - begun >= 0.9
    assert answer.parse().data


def test_the_headers_of_an_answer(contract: ContractGateway, client: openai.OpenAI) -> None:
    answer = client.images.with_raw_response.generate(prompt="a square")
    headers = answer.headers
    assert int(headers["x-ratelimit-limit-requests"]) == 100_000
    assert 0 < int(headers["x-ratelimit-remaining-requests"]) < 100_000
    assert headers["x-ratelimit-reset-requests"].endswith("s")
    parsed: Any = answer.parse()
    assert parsed._request_id == answer.request_id == headers["x-request-id"]
    streamed = client.images.with_raw_response.generate(prompt="a square", stream=True)
    assert streamed.headers["x-request-id"] != answer.request_id
    assert "x-ratelimit-remaining-requests" in streamed.headers
    assert [event.type for event in streamed.parse()] == ["image_generation.completed"]


def test_an_answer_that_takes_too_long(contract: ContractGateway) -> None:
    with _left_unpainted(), pytest.raises(openai.APITimeoutError):
        contract.client(timeout=1).images.generate(prompt=SLOWLY, extra_body={"num_inference_steps": 150})


def test_a_stream_that_is_left(client: openai.OpenAI) -> None:
    with (
        _left_unpainted(),
        client.images.generate(
            prompt=SLOWLY, stream=True, partial_images=149, extra_body={"num_inference_steps": 150}
        ) as stream,
    ):
        assert next(iter(stream)).type == "image_generation.partial_image"


@contextmanager
def _left_unpainted() -> Iterator[None]:
    """The client gives up, and the picture that nobody waits for is not painted to its end."""
    painter = Painter.newest
    closed, painted = painter.closed.count(SLOWLY), painter.stepped.count([SLOWLY])
    yield
    until(lambda: painter.closed.count(SLOWLY) == closed + 1)
    assert painter.stepped.count([SLOWLY]) - painted < 150


@pytest.mark.parametrize("stream", [False, True])
def test_a_fault_of_the_service(client: openai.OpenAI, stream: bool) -> None:
    with pytest.raises(openai.InternalServerError) as caught:
        client.images.generate(prompt="break the engine", stream=stream)
    assert caught.value.type == "server_error"
    assert "secret" not in str(caught.value.body)


def test_a_fault_in_the_middle_of_a_stream(client: openai.OpenAI) -> None:
    """It had begun with a 200: the error comes as an event, which the client raises."""
    made = client.chat.completions.create(model="gpt-4o", messages=about(BREAK), stream=True)
    with pytest.raises(openai.APIError, match="the engine failed") as caught:
        list(made)
    assert caught.value.code == "internal_error"

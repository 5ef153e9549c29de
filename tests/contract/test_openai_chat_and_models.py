"""OpenAI's Python client asks about pictures, and which models there are."""

from __future__ import annotations

import re
from typing import Any, get_args

import httpx2
import openai
import pytest
from contract_gateway import ContractGateway
from files_to_send import PICTURE, RECORDING, about
from openai.types import AudioModel, ChatModel, ImageModel
from openai.types.audio import SpeechModel
from small_engines import CAPTION, PAGE

SAID = "What is it? " + "".join(CAPTION)


def test_a_question_about_a_picture(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="gpt-4o", messages=about("What is it?"))
    (choice,) = answer.choices
    assert (choice.message.role, choice.message.content, choice.finish_reason) == ("assistant", SAID, "stop")
    assert answer.usage
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens > 3
    assert answer.model == "eyes"


@pytest.mark.parametrize("limit", ["max_tokens", "max_completion_tokens"])
def test_a_limit_on_tokens_is_told(client: openai.OpenAI, limit: str) -> None:
    limited: Any = {limit: 2}
    answer = client.chat.completions.create(model="gpt-4o", messages=about("What is it?"), **limited)
    assert answer.choices[0].finish_reason == "length"


@pytest.mark.parametrize("usage", [True, False])
def test_an_answer_in_pieces(client: openai.OpenAI, usage: bool) -> None:
    stream = client.chat.completions.create(
        model="gpt-4o", messages=about("What is it?"), stream=True, stream_options={"include_usage": usage}
    )
    chunks = list(stream)
    assert len({chunk.id for chunk in chunks}) == 1
    said = [choice.delta.content or "" for chunk in chunks for choice in chunk.choices]
    assert "".join(said) == SAID
    assert len([piece for piece in said if piece]) == 3
    ends = [choice.finish_reason for chunk in chunks for choice in chunk.choices if choice.finish_reason]
    assert ends == ["stop"]
    assert (chunks[-1].usage is not None) == usage


async def test_the_asynchronous_client_asks_too(contract: ContractGateway) -> None:
    async with contract.async_client() as client:
        stream = await client.chat.completions.create(model="gpt-4o", messages=about("What is it?"), stream=True)
        said = [choice.delta.content or "" async for chunk in stream for choice in chunk.choices]
    assert "".join(said) == SAID


def test_what_has_no_meaning_here_is_ignored(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(
        model="gpt-4o",
        messages=about("What is it?"),
        temperature=0.7,
        top_p=0.9,
        n=1,
        seed=4,
        user="ann",
        presence_penalty=0.5,
        frequency_penalty=0.5,
        safety_identifier="ann",
        metadata={"order": "118"},
        store=False,
        reasoning_effort="low",
        verbosity="low",
        service_tier="auto",
        prompt_cache_key="k",
        response_format={"type": "text"},
    )
    assert answer.choices[0].message.content == SAID


def test_null_is_a_field_left_out(client: openai.OpenAI) -> None:
    nulls: Any = dict.fromkeys(("temperature", "n", "max_tokens", "stream_options", "top_p", "seed", "stream"))
    assert client.chat.completions.create(model="gpt-4o", messages=about("What is it?"), **nulls).choices


def test_a_conversation_goes_on(client: openai.OpenAI) -> None:
    """An answer goes back as it came, and the newest question is about the picture before it."""
    first = client.chat.completions.create(model="gpt-4o", messages=about("What is it?"))
    more: list[Any] = [first.choices[0].message, {"role": "user", "content": "Why?"}]
    second = client.chat.completions.create(model="gpt-4o", messages=[*about("What is it?"), *more])
    assert second.choices[0].message.content == "Why? " + "".join(CAPTION)
    as_openai = {"role": "assistant", "content": SAID, "refusal": None}
    again = client.chat.completions.create(model="gpt-4o", messages=[*about("What is it?"), as_openai, more[1]])  # type: ignore[list-item]
    assert again.choices[0].message.content == second.choices[0].message.content


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "user", "content": "Hello"}]}, "messages"),
        ({"messages": [{"role": "wizard", "content": "Hello"}]}, "messages.0.role"),
        ({"messages": about("What is it?", b"not a picture")}, "image"),
        ({"n": 2}, "n"),
        ({"temperature": 2.1}, "temperature"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"tools": []}, "tools"),
        ({"logprobs": True}, "logprobs"),
        ({"response_format": {"type": "json_object"}}, "response_format.type"),
        ({"extra_body": {"temprature": 1}}, "temprature"),
    ],
    ids=lambda value: str(value)[:50],
)
def test_chat_refuses_and_names_the_field(client: openai.OpenAI, fields: dict[str, Any], named: str) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(**{"model": "gpt-4o", "messages": about("What is it?"), **fields})
    assert caught.value.param == named


def test_pictures_are_read(client: openai.OpenAI) -> None:
    """OpenAI has no such route; its client reaches it all the same."""
    form: Any = {"headers": {"content-type": "multipart/form-data"}}
    files = {"image": ("page.png", PICTURE)}
    answer = client.post("/ocr", body={"model": "eyes"}, files=files, options=form, cast_to=httpx2.Response)
    assert answer.json()["text"] == PAGE


def test_models_are_listed_and_retrieved(client: openai.OpenAI) -> None:
    models = client.models.list().data
    assert {model.id for model in models} == {"paint", "tones", "ears", "eyes"}
    for model in models:
        assert client.models.retrieve(model.id) == model
        assert (model.object, model.owned_by) == ("model", "atelier")


_SEES_NOTHING = re.compile(
    r"audio|search|o1-mini|o1-preview|o3-mini|codex-mini|gpt-3\.5|gpt-4(-32k)?(-0314|-0613)?$|gpt-4-(0125|1106|turbo)-preview"
)
"""Models of OpenAI's that take no pictures."""


def test_names_of_openais_models_are_the_defaults(client: openai.OpenAI) -> None:
    """Every one that the client's own types list for pictures and sound."""
    for name in get_args(ImageModel):
        assert client.images.generate(prompt="a square", model=name).model_dump()["model"] == "paint"
    for name in get_args(AudioModel):
        assert client.audio.transcriptions.create(file=RECORDING, model=name).text
    for name in get_args(SpeechModel):
        assert client.audio.speech.create(input="one", voice="alloy", model=name).read()
    for name in get_args(ChatModel):
        if not _SEES_NOTHING.search(name):
            assert client.models.retrieve(name).id == name
    assert client.chat.completions.create(model="gpt-4o-2024-08-06", messages=about("What is it?")).model == "eyes"


def test_a_model_that_is_not_there(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as retrieved:
        client.models.retrieve("another/model")
    assert retrieved.value.param == "model"

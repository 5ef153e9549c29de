"""OpenAI's Python client asks for pictures: every option that is taken, ignored or refused."""

from __future__ import annotations

import base64
import io
from typing import Any

import httpx2
import openai
import pytest
from contract_gateway import ContractGateway
from files_to_send import MASK, PICTURE
from openai.types import ImagesResponse
from PIL import Image
from small_engines import Painter

from atelier.contracts.images import ImageRequest, ImageToImageRequest, TextToImageRequest

FORMATS = ("png", "jpeg", "webp")

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:contract|small|test_openai")


def pictures(answer: ImagesResponse) -> list[Image.Image]:
    assert answer.data
    return [opened(image.b64_json) for image in answer.data]


def opened(encoded: str | None) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(encoded or "")))


def asked() -> ImageRequest:
    """What the engine was asked last."""
    return Painter.newest.asked[-1]


@pytest.mark.parametrize("kind", FORMATS)
def test_generate_in_every_format(client: openai.OpenAI, kind: Any) -> None:
    answer = client.images.generate(model="gpt-image-1", prompt="a square", output_format=kind, output_compression=50)
    (picture,) = pictures(answer)
    assert (picture.format, picture.size) == (kind.upper(), (64, 64))
    assert (answer.output_format, answer.size) == (kind, "64x64")
    assert asked().output_compression == 50


def test_generate_passes_on_what_is_taken(client: openai.OpenAI) -> None:
    ours = {"seed": 7, "num_inference_steps": 3, "guidance_scale": 2.5, "negative_prompt": "blur"}
    answer = client.images.generate(prompt="a square", size="512x768", n=3, extra_body=ours)
    assert len(pictures(answer)) == 3
    assert asked() == TextToImageRequest(prompt="a square", size="512x768", n=3, **ours)  # type: ignore[arg-type]
    assert answer.usage
    assert answer.usage.total_tokens == answer.usage.input_tokens_details.text_tokens == 7


def test_what_has_no_meaning_here_is_ignored(client: openai.OpenAI) -> None:
    client.images.generate(
        prompt="a square",
        quality="high",
        moderation="low",
        style="vivid",
        background="auto",
        user="ann",
        safety_identifier="ann",
        complexity="low",
    )
    assert asked() == TextToImageRequest(prompt="a square")


def test_null_is_a_field_left_out(client: openai.OpenAI) -> None:
    client.images.generate(
        prompt="a square", n=None, size=None, quality=None, model=None, response_format=None, output_format=None
    )
    assert asked() == TextToImageRequest(prompt="a square")


def test_links_lead_to_the_pictures(client: openai.OpenAI) -> None:
    answers = [
        client.images.generate(prompt="a square", n=2, response_format="url"),
        client.images.edit(image=PICTURE, prompt="a square", n=2, response_format="url"),
        client.images.create_variation(image=PICTURE, n=2, response_format="url"),
    ]
    for answer in answers:
        assert answer.data
        links = {image.url for image in answer.data}
        assert len(links) == 2
        for link in links:
            found = httpx2.get(link or "")
            assert (found.status_code, found.headers["content-type"]) == (200, "image/png")


@pytest.mark.parametrize("kind", FORMATS)
def test_a_stream_brings_previews_and_every_picture(client: openai.OpenAI, kind: Any) -> None:
    stream = client.images.generate(
        prompt="a square",
        n=2,
        stream=True,
        partial_images=3,
        output_format=kind,
        extra_body={"num_inference_steps": 4},
    )
    events = list(stream)
    assert [event.type for event in events] == [
        *["image_generation.partial_image"] * 3,
        *["image_generation.completed"] * 2,
    ]
    assert [event.partial_image_index for event in events if event.type.endswith("partial_image")] == [0, 1, 2]  # type: ignore[union-attr]
    assert {opened(event.b64_json).format for event in events} == {kind.upper()}
    assert events[-1].usage.total_tokens == 7  # type: ignore[union-attr]


async def test_the_asynchronous_client_streams_too(contract: ContractGateway) -> None:
    async with contract.async_client() as client:
        stream = await client.images.generate(prompt="a square", stream=True, extra_body={"num_inference_steps": 2})
        assert [event.type async for event in stream] == ["image_generation.completed"]


def test_an_edit_with_a_mask(client: openai.OpenAI) -> None:
    answer = client.images.edit(
        model="gpt-image-1",
        image=("room.png", PICTURE),
        mask=("hole.png", MASK),
        prompt="a window",
        n=2,
        size="256x256",
        input_fidelity="high",
        quality="low",
    )
    assert len(pictures(answer)) == 2
    assert asked() == ImageToImageRequest(
        image=PICTURE, mask=MASK, prompt="a window", n=2, size="256x256", strength=1.0
    )


def test_an_edit_without_one_keeps_more(client: openai.OpenAI) -> None:
    client.images.edit(image=[("room.png", PICTURE)], prompt="a window", extra_body={"seed": 3})
    assert asked() == ImageToImageRequest(image=PICTURE, prompt="a window", strength=0.8, seed=3)
    client.images.edit(image=PICTURE, prompt="a window", n=None, size=None, extra_body={"strength": 0.25})
    assert asked() == ImageToImageRequest(image=PICTURE, prompt="a window", strength=0.25)


def test_an_edit_is_streamed(client: openai.OpenAI) -> None:
    stream = client.images.edit(
        image=PICTURE,
        mask=MASK,
        prompt="a window",
        stream=True,
        partial_images=1,
        extra_body={"num_inference_steps": 2},
    )
    assert [event.type for event in stream] == ["image_edit.partial_image", "image_edit.completed"]


def test_variations(client: openai.OpenAI) -> None:
    file = ("room.png", PICTURE)
    answer = client.images.create_variation(image=file, n=3, size="256x256", response_format="b64_json")
    assert len(pictures(answer)) == 3
    assert asked() == ImageToImageRequest(image=PICTURE, n=3, size="256x256", strength=0.5)


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"n": 9}, "n"),
        ({"n": 0}, "n"),
        ({"size": "513x512"}, "size"),
        ({"size": "4096x4096"}, "size"),
        ({"size": "large"}, "size"),
        ({"prompt": ""}, "prompt"),
        ({"prompt": "x" * 4001}, "prompt"),
        ({"output_format": "gif"}, "output_format"),
        ({"output_format": "svg", "svg": {"model": "pen"}}, "output_format"),
        ({"output_compression": 101}, "output_compression"),
        ({"background": "transparent"}, "background"),
        ({"response_format": "file"}, "response_format"),
        ({"partial_images": 2}, "partial_images"),
        ({"frame_count": 4}, "frame_count"),
        ({"extra_body": {"sise": "64x64"}}, "sise"),
        ({"extra_body": {"num_inference_steps": 151}}, "num_inference_steps"),
        ({"extra_body": {"seed": -1}}, "seed"),
        ({"extra_body": {"guidance_scale": "strong"}}, "guidance_scale"),
    ],
    ids=str,
)
def test_generate_refuses_and_names_the_field(client: openai.OpenAI, fields: dict[str, Any], named: str) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.images.generate(**{"prompt": "a square", **fields})
    assert caught.value.param == named
    assert caught.value.type == "invalid_request_error"
    assert named in caught.value.message


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"image": [PICTURE, PICTURE]}, "image"),
        ({"image": b"not a picture"}, "image"),
        ({"image": b""}, "image"),
        ({"mask": b""}, "mask"),
        ({"markup": MASK}, "markup"),
        ({"prompt": ""}, "prompt"),
        ({"n": 9}, "n"),
        ({"extra_body": {"strength": 2}}, "strength"),
        ({"extra_body": {"stregth": 0.2}}, "stregth"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_edit_refuses_and_names_the_field(client: openai.OpenAI, fields: dict[str, Any], named: str) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.images.edit(**{"image": PICTURE, "prompt": "a window", **fields})
    assert caught.value.param == named


def test_an_edit_needs_a_picture(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.post("/images/edits", body={"prompt": "a window"}, cast_to=ImagesResponse)
    assert caught.value.param == "image"

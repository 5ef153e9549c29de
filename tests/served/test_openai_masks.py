"""Painting inside a mask, by the model that ships with the product: OpenAI's client, and the native face."""

from __future__ import annotations

import base64
import io

import httpx2
import numpy as np
import openai
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from atelier.wire.media import data_uri
from serving import Served

SIDE = 64  # the miniature's own
HOLE = (30, 10, 58, 50)
PROMPT = "a green square on the right of a white background"
QUICKLY = {"num_inference_steps": 6, "seed": 5}

Pixels = NDArray[np.uint8]


def png(picture: Image.Image) -> bytes:
    sink = io.BytesIO()
    picture.save(sink, "PNG")
    return sink.getvalue()


def room(side: int = SIDE) -> Image.Image:
    """Noise on white: nothing that a VAE could give back exactly."""
    grain = np.random.default_rng(3).integers(150, 256, (side, side, 3), dtype=np.uint8)
    return Image.fromarray(grain)


def hole(side: int = SIDE, mode: str = "RGBA") -> Image.Image:
    made = Image.new(mode, (side, side), "black")
    ImageDraw.Draw(made).rectangle(box(side), fill=(0, 0, 0, 0)[: len(mode)])
    return made


def box(side: int) -> tuple[int, ...]:
    return tuple(place * side // SIDE for place in HOLE)


def read(data: bytes) -> Pixels:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def assert_painted_inside_only(painted: Pixels, side: int = SIDE) -> None:
    before = np.asarray(room(side))
    inside = np.asarray(hole(side).getchannel("A")) == 0
    assert (painted[~inside] == before[~inside]).all()
    assert np.abs(painted[inside].astype(int) - before[inside]).mean() > 20


def test_an_edit_paints_inside_its_mask_only(served: Served) -> None:
    made = served.openai().images.edit(
        image=("room.png", png(room())), mask=("hole.png", png(hole())), prompt=PROMPT, n=2, extra_body=QUICKLY
    )
    first, second = (read(base64.b64decode(image.b64_json or "")) for image in made.data or [])
    assert_painted_inside_only(first)
    assert_painted_inside_only(second)
    assert (first != second).any()


def test_a_larger_picture_keeps_its_own_pixels(served: Served) -> None:
    files = {"image": png(room(256)), "mask": png(hole(256))}
    made = served.openai().images.edit(prompt=PROMPT, size="256x256", extra_body=QUICKLY, **files)
    assert made.data
    assert_painted_inside_only(read(base64.b64decode(made.data[0].b64_json or "")), side=256)


def test_a_variation_takes_a_mask_too(served: Served) -> None:
    made = served.post("/v1/images/variations", files={"image": png(room()), "mask": png(hole())}, data=QUICKLY).json()
    assert_painted_inside_only(read(base64.b64decode(made["data"][0]["b64_json"])))


def test_the_native_face_takes_a_mask(served: Served) -> None:
    asked = {"prompt": PROMPT, **QUICKLY}
    files = {"file": png(room()), "mask": png(hole())}
    as_parts = served.post("/api/image-to-image", files=files, data=asked).json()
    first = httpx2.get(as_parts["image_url"]).content
    assert_painted_inside_only(read(first))
    texts = {"image": data_uri(png(room()), "image/png"), "mask": data_uri(png(hole()), "image/png")}
    as_texts = served.post("/api/image-to-image", json={**asked, **texts}).json()
    assert httpx2.get(as_texts["image_url"]).content == first


@pytest.mark.parametrize(
    ("mask", "words"),
    [
        (png(hole(128)), "is 128x128 pixels and the picture 64x64"),
        (png(hole(mode="RGB")), "has no transparency"),
        (png(Image.new("RGBA", (SIDE, SIDE), "black")), "no pixel is fully transparent"),
        (b"not a picture", "not a picture that can be read"),
    ],
    ids=["another size", "no transparency", "nothing to paint", "no picture"],
)
def test_a_mask_that_does_not_fit_is_named(served: Served, mask: bytes, words: str) -> None:
    with pytest.raises(openai.BadRequestError, match=words) as caught:
        served.openai().images.edit(image=png(room()), mask=mask, prompt=PROMPT)
    assert caught.value.param == "mask"
    native = served.post("/api/image-to-image", files={"file": png(room()), "mask": mask})
    assert (native.status_code, native.json()["field"]) == (422, "mask")

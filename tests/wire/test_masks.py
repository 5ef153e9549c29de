"""A mask reaches the typed request from every place that it can be in, on both faces."""

from __future__ import annotations

import pytest

from atelier.contracts.images import ImageToImageRequest
from atelier.errors import InvalidRequest
from atelier.gateway.faces.native import NATIVE_ROUTES
from atelier.wire.body import Body
from atelier.wire.call import Route
from atelier.wire.media import data_uri
from atelier.wire.routes import ROUTES

PICTURE, MASK = b"the picture", b"the mask"
AT = "https://example.com/"

edit, variation = (next(row for row in ROUTES if row.path == f"/v1/images/{name}") for name in ("edits", "variations"))
native = next(row for row in NATIVE_ROUTES if row.service == "image-to-image")


async def load(reference: str, field: str, kind: str) -> bytes:
    """As a server does, where the web has two files."""
    assert kind == "image"
    return {AT + "picture": PICTURE, AT + "mask": MASK, data_uri(MASK, "image/png"): MASK}[reference]


async def asked(row: object, body: Body) -> ImageToImageRequest:
    call = await row.read(body, load)  # type: ignore[attr-defined]
    assert isinstance(call.request, ImageToImageRequest)
    return call.request


@pytest.mark.parametrize(
    "body",
    [
        Body({}, {"image": [PICTURE], "mask": [MASK]}),
        Body({"mask": data_uri(MASK, "image/png")}, {"image": [PICTURE]}),
        Body({"image": AT + "picture", "mask": AT + "mask"}),
    ],
    ids=["parts", "data URI", "addresses"],
)
@pytest.mark.parametrize("row", [edit, variation], ids=lambda row: row.path)
async def test_openai_takes_a_mask(row: Route, body: Body) -> None:
    body = Body(body.fields | ({"prompt": "a dog"} if row is edit else {}), body.files)
    request = await asked(row, body)
    assert (request.image, request.mask, request.strength) == (PICTURE, MASK, 1.0)


@pytest.mark.parametrize(
    "body",
    [
        Body({}, {"file": [PICTURE], "mask": [MASK]}),
        Body({"mask": data_uri(MASK, "image/png")}, {"image": [PICTURE]}),
        Body({"image_url": AT + "picture", "mask_url": AT + "mask"}),
    ],
    ids=["parts", "data URI", "addresses"],
)
async def test_the_native_face_takes_a_mask(body: Body) -> None:
    request = await asked(native, body)
    assert (request.image, request.mask, request.strength) == (PICTURE, MASK, 1.0)


@pytest.mark.parametrize(("row", "usual"), [(edit, 0.8), (variation, 0.5), (native, 0.8)])
async def test_without_a_mask_less_is_changed(row: object, usual: float) -> None:
    body = Body({"prompt": "a dog"} if row is edit else {}, {"image": [PICTURE]})
    assert (await asked(row, body)).strength == usual
    masked = Body({**body.fields, "strength": 0.3}, body.files | {"mask": [MASK]})
    assert (await asked(row, masked)).strength == 0.3


@pytest.mark.parametrize(
    ("row", "body", "field"),
    [
        (edit, Body({}, {"image": [PICTURE], "mask": [MASK, MASK]}), "mask"),
        (edit, Body({}, {"image": [PICTURE, PICTURE], "mask": [MASK]}), "image"),
        (edit, Body({"mask": ["a", "b"]}, {"image": [PICTURE]}), "mask"),
        (edit, Body({}, {"image": [PICTURE], "mask": [b""]}), "mask"),
        (edit, Body({}, {"image": [PICTURE], "masc": [MASK]}), "masc"),
        (edit, Body({}, {"image": [PICTURE], "prompt": [b"a file"]}), "prompt"),
        (native, Body({"mask_url": AT + "mask"}, {"file": [PICTURE], "mask": [MASK]}), "mask"),
        (native, Body({"mask_url": AT, "mask": AT}, {"file": [PICTURE]}), "mask"),
    ],
)
async def test_what_is_amiss_is_named(row: object, body: Body, field: str) -> None:
    prompt = {} if "prompt" in body.files else {"prompt": "a dog"}
    with pytest.raises(InvalidRequest) as caught:
        await asked(row, Body(prompt | body.fields, body.files))
    assert caught.value.field == field

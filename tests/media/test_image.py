"""Pictures in and out: every format upright and in RGB, and nothing unpacked that is too large."""

from __future__ import annotations

import io
import json
import struct
import zlib

import numpy as np
import pytest
from PIL import ExifTags, Image

from atelier.errors import TooLarge, UnreadableMedia
from atelier.media.image import encode_image, read_image


def encoded(picture: Image.Image, kind: str, **options: object) -> bytes:
    sink = io.BytesIO()
    picture.save(sink, kind, **options)
    return sink.getvalue()


def claims(width: int, height: int) -> bytes:
    """A small PNG whose header claims a size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
@pytest.mark.parametrize("mode", ["RGB", "L", "1", "P", "CMYK", "RGBA", "LA", "I;16"])
def test_every_kind_of_picture_becomes_rgb(kind: str, mode: str) -> None:
    try:
        data = encoded(Image.new(mode, (20, 10)), kind)
    except (OSError, ValueError):
        return  # the format has no such mode
    read = read_image(data)
    assert (read.mode, read.size) == ("RGB", (20, 10))


def test_a_picture_is_turned_as_its_exif_says() -> None:
    picture = Image.new("RGB", (20, 10), "red")
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    assert read_image(encoded(picture, "JPEG", exif=exif)).size == (10, 20)


def test_transparency_is_laid_on_white() -> None:
    clear = Image.new("RGBA", (4, 4), (255, 0, 0, 0))
    assert read_image(encoded(clear, "PNG")).getpixel((0, 0)) == (255, 255, 255)


def test_light_shapes_on_nothing_are_laid_on_black() -> None:
    clear = Image.new("RGBA", (8, 8), (255, 255, 255, 0))
    clear.putpixel((4, 4), (255, 255, 255, 255))
    read = read_image(encoded(clear, "PNG"))
    assert (read.getpixel((0, 0)), read.getpixel((4, 4))) == ((0, 0, 0), (255, 255, 255))


@pytest.mark.parametrize(("width", "height"), [(8000, 6000), (30_000, 30_000), (60_000, 60_000)])
def test_a_decompression_bomb_is_never_unpacked(width: int, height: int) -> None:
    with pytest.raises(TooLarge, match="40 megapixels"):
        read_image(claims(width, height))


@pytest.mark.parametrize("data", [b"", b"text", b"\x89PNG\r\n\x1a\n", b"<svg/>", claims(100, 100)])
def test_what_is_no_picture_is_refused_and_names_its_field(data: bytes) -> None:
    with pytest.raises(UnreadableMedia, match=r"^picture: ") as refusal:
        read_image(data, field="picture")
    assert refusal.value.field == "picture"


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_pictures_are_written_in_the_format_asked_for(kind: str) -> None:
    pixels = np.full((8, 16, 3), 200, dtype=np.uint8)
    picture = Image.open(io.BytesIO(encode_image(pixels, kind, 90)))
    assert (picture.format, picture.size) == (kind.upper(), (16, 8))
    assert np.abs(np.asarray(picture.convert("RGB")).astype(int) - 200).max() <= 2


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_a_file_says_how_it_was_made(kind: str) -> None:
    pixels = np.full((8, 8, 3), 128, dtype=np.uint8)
    about = {"model": "paint", "seed": 7, "loras": ["a:0.5"]}
    picture = Image.open(io.BytesIO(encode_image(pixels, kind, 90, about)))
    exif = picture.getexif()
    said = picture.info.get("parameters") or exif[ExifTags.Base.ImageDescription]
    assert json.loads(said) == about
    assert "Atelier" in {picture.info.get("Software"), exif.get(ExifTags.Base.Software)}
    silent = Image.open(io.BytesIO(encode_image(pixels, kind, 90)))
    assert "parameters" not in silent.info
    assert not silent.getexif()

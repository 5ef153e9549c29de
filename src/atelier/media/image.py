"""Pictures: from encoded bytes to pixels, and back."""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from PIL import ExifTags, Image, ImageOps, ImageStat, UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo

from atelier.errors import InvalidRequest, TooLarge, UnreadableMedia

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_PIXELS = 40_000_000
LIGHT = 200
"""Of 255: on average, what can be seen of a transparent picture is white or nearly so."""

SOFTWARE = "Atelier"
"""What files that were made here name as their program."""

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")


def read_image(data: bytes, *, field: str = "image") -> Image.Image:
    """An RGB picture, upright as its EXIF orientation says; transparency is laid on white, or light shapes on black.

    Raises UnreadableMedia for what is not a picture, TooLarge for one over `MOST_PIXELS`.
    """
    with _in_words(field):
        return _flatten(_upright(data, field))


def read_mask(data: bytes, *, size: tuple[int, int], field: str = "mask") -> Image.Image:
    """Where a picture of `size` (width, height) is to be painted: 255 where the mask is fully transparent, else 0.

    Raises InvalidRequest for a mask of another size, without transparency, or without a fully transparent pixel, and
    what `read_image` raises.
    """
    with _in_words(field):
        mask = _upright(data, field)
        holes = mask.convert("RGBA").getchannel("A").point(lambda alpha: 0 if alpha else 255)
    if mask.size != size:
        raise InvalidRequest(
            "{}: is {}x{} pixels and the picture {}x{}; send a mask of the picture's size".format(
                field, *mask.size, *size
            ),
            field=field,
        )
    if not mask.has_transparency_data:
        raise InvalidRequest(
            f"{field}: has no transparency; send a PNG with an alpha channel that is 0 where to paint", field=field
        )
    if holes.getbbox() is None:
        raise InvalidRequest(
            f"{field}: no pixel is fully transparent; make those so that are to be painted", field=field
        )
    return holes


def _upright(data: bytes, field: str) -> Image.Image:
    """The unpacked picture. The header is asked before anything is unpacked: a decompression bomb costs nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        picture = Image.open(io.BytesIO(data), formats=FORMATS)
    width, height = picture.size
    if width * height > MOST_PIXELS:
        raise _too_large(field)
    picture.load()
    return ImageOps.exif_transpose(picture)


@contextmanager
def _in_words(field: str) -> Iterator[None]:
    """Pillow's errors as ours."""
    try:
        yield
    except UnidentifiedImageError:
        raise UnreadableMedia(
            f"{field}: not a picture that can be read; send PNG, JPEG, WebP, GIF, BMP or TIFF", field=field
        ) from None
    except Image.DecompressionBombError:  # Pillow's own bound, which it sees first in the largest
        raise _too_large(field) from None
    except (OSError, ValueError, SyntaxError, EOFError) as problem:
        raise UnreadableMedia(f"{field}: the picture is damaged or cut short; send it again", field=field) from problem


def _too_large(field: str) -> TooLarge:
    most = MOST_PIXELS // 1_000_000
    return TooLarge(f"{field}: the picture is over the limit of {most} megapixels; send a smaller one", field=field)


def _flatten(picture: Image.Image) -> Image.Image:
    if picture.mode in {"RGBA", "LA", "PA"} or "transparency" in picture.info:
        layers = picture.convert("RGBA")
        ground = Image.new("RGBA", layers.size, _ground(layers))
        return Image.alpha_composite(ground, layers).convert("RGB")
    return picture.convert("RGB")


def _ground(layers: Image.Image) -> str:
    """White, unless what can be seen is so light that it would vanish on it."""
    opaque = layers.getchannel("A").point(lambda alpha: 255 if alpha > 127 else 0)
    if opaque.getbbox() is None:
        return "white"
    return "black" if ImageStat.Stat(layers.convert("L"), opaque).mean[0] > LIGHT else "white"


def encode_image(
    pixels: NDArray[np.uint8], image_format: str, quality: int = 100, about: Mapping[str, object] | None = None
) -> bytes:
    """A file of an array of shape (height, width, 3), RGB: `png`, or `jpeg` or `webp` of a quality from 0 to 100.

    about: how it was made, written into the file as JSON: PNG's text `parameters`, or EXIF's ImageDescription.
    """
    sink = io.BytesIO()
    picture = Image.fromarray(pixels)
    said = json.dumps(about) if about else None
    if image_format == "png":
        picture.save(sink, "PNG", compress_level=4, pnginfo=_png_texts(said))
    else:
        exif = _exif(said) if said else None
        picture.save(sink, image_format.upper(), quality=max(1, quality), **({"exif": exif} if exif else {}))
    return sink.getvalue()


def _png_texts(said: str | None) -> PngInfo | None:
    if said is None:
        return None
    texts = PngInfo()
    texts.add_text("Software", SOFTWARE)
    texts.add_text("parameters", said)
    return texts


def _exif(said: str) -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.Software] = SOFTWARE
    exif[ExifTags.Base.ImageDescription] = said
    return exif

"""Pictures: from encoded bytes to pixels, and back."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING

from PIL import Image, ImageOps, ImageStat, UnidentifiedImageError

from atelier.errors import TooLarge, UnreadableMedia

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_PIXELS = 40_000_000
LIGHT = 200
"""Of 255: on average, what can be seen of a transparent picture is white or nearly so."""

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")


def read_image(data: bytes, *, field: str = "image") -> Image.Image:
    """An RGB picture, upright as its EXIF orientation says; transparency is laid on white, or light shapes on black.

    Raises UnreadableMedia for what is not a picture, TooLarge for one over `MOST_PIXELS` (the header is asked
    before anything is unpacked, so a decompression bomb costs nothing).
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            picture = Image.open(io.BytesIO(data), formats=FORMATS)
        width, height = picture.size
        if width * height > MOST_PIXELS:
            raise _too_large(field)
        picture.load()
        return _flatten(ImageOps.exif_transpose(picture))
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


def encode_image(pixels: NDArray[np.uint8], image_format: str, quality: int = 100) -> bytes:
    """A file of an array of shape (height, width, 3), RGB: `png`, or `jpeg` or `webp` of a quality from 0 to 100."""
    sink = io.BytesIO()
    picture = Image.fromarray(pixels)
    if image_format == "png":
        picture.save(sink, "PNG", compress_level=4)
    else:
        picture.save(sink, image_format.upper(), quality=max(1, quality))
    return sink.getvalue()

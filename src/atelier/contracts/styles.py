"""The styles of the image services: a name, and the words that it adds to the prompt."""

from __future__ import annotations

STYLES: dict[str, str] = {
    "realistic": "realistic, natural light, true colours, fine detail",
    "photographic": "photograph, 50 mm lens, shallow depth of field, sharp focus, natural colours",
    "cinematic": "film still, dramatic lighting, wide shot, colour graded, film grain",
    "artistic": "expressive painting, visible brush strokes, rich colours, strong composition",
    "watercolor": "watercolour painting, soft washes, bleeding edges, textured paper",
    "oil-painting": "oil painting on canvas, thick impasto, layered colour, gallery light",
    "pencil-sketch": "graphite pencil sketch, hatched shading, white paper",
    "line-art": "clean line art, black ink on white, even strokes, no shading",
    "digital-art": "digital illustration, crisp edges, vivid colours, polished lighting",
    "concept-art": "concept art, atmospheric perspective, bold shapes, production design",
    "comic-book": "comic book panel, inked outlines, halftone shading, bold colours",
    "cartoon": "cartoon, simple rounded shapes, thick outlines, flat bright colours",
    "anime": "anime illustration, cel shading, clean lines, expressive eyes, bright colours",
    "pixel-art": "pixel art, low resolution, limited palette, hard edges",
    "low-poly": "low-poly render, flat shaded triangles, simple geometry, soft light",
    "3d-render": "3D render, physically based materials, global illumination, studio lighting",
    "isometric": "isometric illustration, orthographic view, clean geometry, soft shadows",
    "minimalist": "minimalist design, few shapes, generous empty space, restrained palette",
}
"""Style → what follows the prompt. Subject first: what stands at the front of a prompt weighs most."""


def apply(style: str, prompt: str) -> str:
    """`prompt` with the words of `style` after it; the words alone where the prompt is empty.

    Case does not count, and a space or an underscore is as good as a hyphen ("Pixel Art"). Raises ValueError,
    naming the styles there are, for any other.
    """
    words = STYLES.get("-".join(style.lower().replace("_", " ").split()))
    if words is None:
        raise ValueError(f"{style!r} is not a style; choose one of {', '.join(sorted(STYLES))}")
    return f"{prompt}, {words}" if prompt else words

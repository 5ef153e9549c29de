"""The pipelines of diffusers that are served by their own call, and how each family is asked."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Family:
    """Names are those of diffusers' classes and of their calls' arguments.

    draw: from words alone; None: it only changes pictures. repaint: from a picture. inside: of a picture where a mask
    says so; None: it cannot. follows_picture: it looks at the picture and does what the prompt says, with no strength.
    guidance: the argument. negative: whether it takes a negative prompt; no_negative is what it wants in place of none.
    most_tokens: of a prompt with what its template adds; None: as many as are sent. fewest_steps: of its sampler.
    """

    draw: str | None
    repaint: str
    inside: str | None
    follows_picture: bool = False
    guidance: str = "guidance_scale"
    negative: bool = True
    no_negative: str | None = None
    most_tokens: int | None = None
    fewest_steps: int = 1


FAMILIES: dict[str, Family] = {
    "ZImagePipeline": Family(
        draw="ZImagePipeline", repaint="ZImageImg2ImgPipeline", inside="ZImageInpaintPipeline", most_tokens=512
    ),
    "Flux2KleinPipeline": Family(
        draw="Flux2KleinPipeline",
        repaint="Flux2KleinPipeline",
        inside="Flux2KleinInpaintPipeline",
        follows_picture=True,
        negative=False,
        most_tokens=512,
    ),
    "QwenImageEditPipeline": Family(
        draw=None,
        repaint="QwenImageEditPipeline",
        inside="QwenImageEditInpaintPipeline",
        follows_picture=True,
        guidance="true_cfg_scale",
        no_negative=" ",
        fewest_steps=2,
    ),
    "QwenImageEditPlusPipeline": Family(
        draw=None,
        repaint="QwenImageEditPlusPipeline",
        inside=None,
        follows_picture=True,
        guidance="true_cfg_scale",
        no_negative=" ",
        fewest_steps=2,
    ),
}
"""By the class that a folder's model_index.json names."""

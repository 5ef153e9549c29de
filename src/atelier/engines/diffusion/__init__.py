"""Stable Diffusion XL: text to image and image to image, batched while it runs. See `engine`."""

from atelier.engines.diffusion.engine import DiffusionEngine

__all__ = ["DiffusionEngine"]

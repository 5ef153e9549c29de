"""Models that look at a picture and write words: BLIP-2, and transformers' image-text-to-text kind. One token a step.

Read `engine.py` first: `model.py` is what it asks of a model, `blip2.py` and `chat.py` open folders of the two kinds,
`company.py` lets several runs write together.
"""

from atelier.engines.vision_language.engine import Blip2Engine, VisionLanguageEngine

__all__ = ["Blip2Engine", "VisionLanguageEngine"]

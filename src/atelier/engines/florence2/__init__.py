"""Florence-2: short and long captions, and the text of a picture with its corners. One token a step.

Read `engine.py` first: `model.py` opens a folder and words a request, `search.py` is the beam search of one answer,
`company.py` lets several of them go on together, `lines.py` reads lines and corners out of an answer.
"""

from atelier.engines.florence2.engine import Florence2Engine

__all__ = ["Florence2Engine"]

"""Whisper: speech to text in many languages, and translation to English, by faster-whisper on CTranslate2.

Read `engine.py` first: it turns requests into windows of speech, which `recognition.py` turns into text.
"""

from atelier.engines.whisper.engine import WhisperEngine

__all__ = ["WhisperEngine"]

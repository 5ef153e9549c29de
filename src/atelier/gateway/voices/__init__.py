"""Voices of tenants' own: who may speak like whom, with whose consent, and the recordings that they are learnt from."""

from atelier.gateway.voices.voices import Voices, create_voices, object_of

__all__ = ["Voices", "create_voices", "object_of"]

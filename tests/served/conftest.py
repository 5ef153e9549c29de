"""Fixtures of the tests against a whole `atelier serve`."""

from serving import served

__all__ = ["served"]

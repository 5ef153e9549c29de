"""Fixtures of the tests against a whole `atelier serve`."""

from node_programs import node, web
from serving import served

__all__ = ["node", "served", "web"]

"""Fixtures of the tests that run programs of web/."""

from node_programs import node, web

__all__ = ["node", "web"]

"""Fixtures of the gateway's tests."""

from artifact_stores import kept
from running_gateway import gateway

__all__ = ["gateway", "kept"]

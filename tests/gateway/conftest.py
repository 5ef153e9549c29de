"""Fixtures of the gateway's tests."""

from artifact_stores import kept
from running_gateway import gateway
from web_site import site

__all__ = ["gateway", "kept", "site"]

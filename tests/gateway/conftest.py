"""Fixtures of the gateway's tests."""

from running_gateway import gateway
from web_site import site

__all__ = ["gateway", "site"]

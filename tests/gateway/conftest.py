"""Fixtures of the gateway's tests."""

from running_gateway import gateway

__all__ = ["gateway"]

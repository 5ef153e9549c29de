"""Limits: requests, units, money and concurrent requests of each tenant, taken at once and never exceeded."""

from atelier.gateway.limits.admission import Limits, create_limits
from atelier.gateway.limits.pace import Pace
from atelier.gateway.limits.place import Ask, LimitState, Place

__all__ = ["Ask", "LimitState", "Limits", "Pace", "Place", "create_limits"]

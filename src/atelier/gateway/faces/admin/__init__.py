"""The administration's face, /admin/*: a table of routes, each for callers of the role admin alone."""

from __future__ import annotations

from fastapi import FastAPI

from atelier.gateway.faces import reference
from atelier.gateway.faces.admin import audit, keys, limits, tenants, usage
from atelier.gateway.faces.admin.routes import AdminRoute, admin_endpoint

ADMIN_ROUTES: tuple[AdminRoute, ...] = (*tenants.ROUTES, *limits.ROUTES, *keys.ROUTES, *usage.ROUTES, *audit.ROUTES)


def add_admin(app: FastAPI) -> None:
    """Register the routes, with their bodies and answers in the OpenAPI document."""
    for row in ADMIN_ROUTES:
        reference.add_admin(app, row, admin_endpoint(row))


__all__ = ["ADMIN_ROUTES", "AdminRoute", "add_admin"]

"""One header of a request: a mapping of them all looks at each as carefully for one that is not there."""

from __future__ import annotations

from starlette.requests import Request


def header(request: Request, name: bytes) -> str | None:
    """The first of that name, which is given in small letters; None where there is none."""
    value = dict(reversed(request.scope["headers"])).get(name)
    return None if value is None else str(value, "latin-1")

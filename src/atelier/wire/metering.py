"""What a worker's answer was made of, told in a header: who passes the answer on need not read it to meter it."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import ValidationError
from starlette.responses import Response

from atelier.contracts.base import Contract, Result, Usage
from atelier.errors import UpstreamFailed

METERED_HEADER = "x-atelier-metered"


class Metered(Contract):
    """model: who made the answer. usage: with its units."""

    model: str
    usage: Usage


def tell(response: Response, result: Result, usage: Usage) -> None:
    metered = Metered(model=result.model, usage=usage)
    response.headers[METERED_HEADER] = metered.model_dump_json(exclude_defaults=True, ensure_ascii=True)


def told(headers: Mapping[str, str]) -> Metered | None:
    """None where the server is not a worker of ours. Raises UpstreamFailed for a header that cannot be read."""
    value = headers.get(METERED_HEADER)
    if value is None:
        return None
    try:
        return Metered.model_validate_json(value)
    except ValidationError:
        raise UpstreamFailed("the service's answer could not be metered") from None


def passed_on(headers: Mapping[str, str]) -> dict[str, str]:
    """Of a worker's answer what its reader wants: the content type, and what our shapes tell in headers."""
    return {name: value for name, value in headers.items() if _is_told(name.lower())}


def _is_told(name: str) -> bool:
    return name == "content-type" or (name.startswith("x-") and not name.startswith(("x-atelier-", "x-request-")))

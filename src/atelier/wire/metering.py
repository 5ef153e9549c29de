"""What a worker's answer was made of, told in a header: who passes the answer on need not read it to meter it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from pydantic import ValidationError
from starlette.responses import Response

from atelier.contracts.base import Contract, Result, Usage
from atelier.errors import UpstreamFailed

METERED_HEADER = "x-atelier-metered"
METERED_FIELD = METERED_HEADER.encode()


class Metered(Contract):
    """model: who made the answer. usage: with its units."""

    model: str
    usage: Usage


def tell(response: Response, result: Result, usage: Usage) -> None:
    metered = Metered(model=result.model, usage=usage)
    response.headers[METERED_HEADER] = metered.model_dump_json(exclude_defaults=True, ensure_ascii=True)


def told(value: str | bytes | None) -> Metered | None:
    """What that header says; None where the server is not a worker of ours, and sends none. Raises UpstreamFailed for
    one that cannot be read."""
    if value is None:
        return None
    try:
        read: Metered = Metered.__pydantic_validator__.validate_json(value)  # which model_validate_json comes to
    except ValidationError:
        raise UpstreamFailed("the service's answer could not be metered") from None
    return read


class PassedOn(Response):
    """A worker's whole answer: its body as it came, and of its headers what its reader wants: the content type, and
    what our shapes tell in headers. fields: its header."""

    def __init__(self, body: bytes, fields: Mapping[bytes, bytes]) -> None:
        # Made of what is bytes already: to take it apart and encode it again would be most of the work.
        self.status_code = 200
        self.background = None
        self.body = body
        self.raw_headers = [(told, value) for name, value in fields.items() if (told := _told_as(name))]
        self.raw_headers.append((b"content-length", b"%d" % len(body)))


@lru_cache(maxsize=256)  # the same few come with every answer
def _told_as(name: bytes) -> bytes | None:
    """How a header is told to the reader; None for one that is not."""
    name = name.lower()
    if name == b"content-type" or (name.startswith(b"x-") and not name.startswith((b"x-atelier-", b"x-request-"))):
        return name
    return None

"""Answers that are given again instead of made again: to a request that is repeated, and to one that is equal."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from atelier.gateway.answers import (
    Copy,
    Idempotency,
    StoredAnswer,
    Turn,
    fingerprint,
    idempotency_key,
    kept_headers,
)
from atelier.wire.aside import aside
from atelier.wire.body import Body
from atelier.wire.header import header
from atelier.wire.metering import METERED_HEADER, Metered
from atelier.wire.serving import ClosingStream, until_disconnect

IDEMPOTENCY_HEADER = b"idempotency-key"
REPLAYED_HEADER = "idempotent-replayed"
CACHE_HEADER = "x-cache"

Run = Callable[[], Awaitable[Response]]


async def once(
    idempotency: Idempotency, request: Request, tenant: str, body: Body, run: Run, *, beside: str | None = None
) -> Response:
    """What `run` answers; with an Idempotency-Key only the first of several equal requests runs.

    beside: what else is asked for than the body says: another voice may have its name by now.
    Raises InvalidRequest for a malformed key, Conflict for one that another request has, Cancelled where the client
    leaves while it waits, and what `run` raises.
    """
    key = header(request, IDEMPOTENCY_HEADER)
    if key is None:
        return await run()
    path = request.scope["path"]
    asked = await aside(body.weight, fingerprint, path, body, beside)
    # Who leaves while another's answer is made holds no place meanwhile.
    found = await until_disconnect(request, idempotency.begin(tenant, idempotency_key(path, key), asked))
    if isinstance(found, StoredAnswer):
        return given_again(found, REPLAYED_HEADER, "true")
    return await _kept(found, run, request.scope["state"]["request_id"])


async def _kept(turn: Turn, run: Run, request_id: str) -> Response:
    try:
        response = await run()
    except BaseException:
        await turn.give_up()
        raise
    if isinstance(response, ShownOnce):
        await turn.keep(stored(response, response.again, request_id))
    else:
        await when_whole(response, lambda body: turn.keep(stored(response, body, request_id)), turn.give_up)
    return response


class ShownOnce(Response):
    """An answer that holds what is never kept. again: the body that a repeat gets in its place."""

    def __init__(self, body: str, *, again: str, status_code: int, media_type: str) -> None:
        super().__init__(body, status_code=status_code, media_type=media_type)
        self.again = again.encode()


async def _nothing() -> None:
    """Nobody has to hear of it."""


async def when_whole(
    response: Response, whole: Callable[[bytes], Awaitable[None]], lost: Callable[[], Awaitable[None]] = _nothing
) -> None:
    """`whole` gets the body: now, or when a stream has ended. `lost` hears of a stream that broke off, told an error,
    or that nobody wanted."""
    if not isinstance(response, ClosingStream):
        await whole(bytes(response.body))
        return
    copy = Copy()

    async def ended(complete: bool) -> None:
        await (whole(copy.body()) if complete else lost())

    response.watch(copy.add, ended)


def stored(response: Response, body: bytes, request_id: str, metered: Metered | None = None) -> StoredAnswer:
    """metered: what the answer was made of, for who counts when it is given again."""
    headers = kept_headers(response.headers.items())
    if metered is not None:
        headers = (*headers, (METERED_HEADER, metered.model_dump_json(ensure_ascii=True)))
    return StoredAnswer(response.status_code, headers, body, request_id)


def given_again(answer: StoredAnswer, name: str, value: str) -> Response:
    """The answer as it was, with a header that says so."""
    response = Response(answer.body, status_code=answer.status, headers={name: value})
    response.headers.update({key: told for key, told in answer.headers if key != METERED_HEADER})
    return response

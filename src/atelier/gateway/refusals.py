"""Errors as answers, in the words of the face that was asked."""

from __future__ import annotations

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Match

from atelier.errors import (
    AtelierError,
    Internal,
    MethodNotAllowed,
    NotFound,
    RateLimited,
    native_envelope,
    openai_envelope,
    openai_status,
    whole_seconds,
)

LONGEST_RETRY_SECONDS = 60
"""OpenAI's clients heed a `Retry-After` of no more."""

log = structlog.get_logger()


def refusal(request: Request, problem: AtelierError) -> Response:
    """The answer to a request that failed; the error's code, and the limit's measure, are left for the log."""
    headers = dict(problem.headers)
    if problem.retry_after is not None:
        headers["retry-after"] = str(whole_seconds(problem.retry_after))
        if problem.retry_after > LONGEST_RETRY_SECONDS:  # OpenAI's clients would come back before, in vain
            headers["x-should-retry"] = "false"
    if problem.status == 401:
        headers["www-authenticate"] = "Bearer"
    request.state.error = problem.code
    if isinstance(problem, RateLimited):
        request.state.limit = problem.measure
    if request.url.path.startswith("/v1/"):
        return JSONResponse(openai_envelope(problem), status_code=openai_status(problem), headers=headers)
    envelope = native_envelope(problem, request.state.request_id)
    return JSONResponse(envelope, status_code=problem.status, headers=headers)


def fault(request: Request, problem: Exception) -> Response:
    """For what nobody expected: the log has it, the answer its number in the log."""
    log.error("request failed", request_id=request.state.request_id, exc_info=problem)
    return refusal(
        request, Internal(f"Something went wrong here; request {request.state.request_id} finds it in the log")
    )


def worded(request: Request, problem: Exception) -> Response:
    return refusal(request, problem) if isinstance(problem, AtelierError) else fault(request, problem)


async def refuse(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, AtelierError)
    return refusal(request, problem)


async def refuse_http(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, HTTPException)
    if problem.status_code == 405:
        wrong = MethodNotAllowed(f"This address does not answer to {request.method}")
        wrong.headers["allow"] = ", ".join(_methods(request))
        return refusal(request, wrong)
    return refusal(request, NotFound("There is nothing at this address; /docs lists what there is"))


def _methods(request: Request) -> list[str]:
    """What the address answers to, whichever of its routes does."""
    matching = (route for route in request.app.routes if route.matches(request.scope)[0] != Match.NONE)
    return sorted({method for route in matching for method in getattr(route, "methods", None) or ()})


async def nobody(_: Request, __: Exception) -> Response:
    """The client has gone."""
    return Response(status_code=499)

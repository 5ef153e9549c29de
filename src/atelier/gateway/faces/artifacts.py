"""What a tenant may do with its artifacts: list them, look at one, delete them; and all their routes."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from atelier.catalog import SERVICES
from atelier.errors import Forbidden, InvalidRequest
from atelier.gateway.artifacts import Artifact
from atelier.gateway.artifacts.names import is_id
from atelier.gateway.auth import Caller
from atelier.gateway.faces import artifact_file, reference
from atelier.gateway.faces.endpoints import gateway_of

MOST_LISTED = 200
USUALLY_LISTED = 50

Answers = dict[int | str, dict[str, Any]]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_CURSOR = rf"[0-9]{{1,16}}_{_UUID}"


class ArtifactEntry(BaseModel):
    """What is known of an artifact. url: a signed link. expires_at: null where it is kept until it is deleted.
    service: which one made it; null where its request's usage record is not written yet, or deleted."""

    id: str
    url: str
    media_type: str
    bytes: int
    created_at: datetime
    expires_at: datetime | None
    request_id: str
    service: str | None
    sha256: str


class ArtifactPage(BaseModel):
    """Newest first. next: what to send as `after` for the page that follows; null on the last."""

    artifacts: list[ArtifactEntry]
    next: str | None


class Deleted(BaseModel):
    """How many artifacts were deleted."""

    deleted: int


async def list_own(request: Request) -> Response:
    gateway = gateway_of(request)
    caller, _ = await gateway.caller(request)
    query, base = request.query_params, gateway.base_url(request)
    found, more = await gateway.artifacts.list_page(
        caller.tenant,
        after=_cursor(query.get("after")),
        limit=_limit(query.get("limit")),
        request_id=_request_id(query.get("request_id")),
        services=_services(query.get("service"), caller),
    )
    following = f"{(found[-1].created_at - _EPOCH) // timedelta(microseconds=1)}_{found[-1].id}" if more else None
    page = ArtifactPage(
        artifacts=[_entry(artifact, gateway.artifacts.link(artifact.id, base)) for artifact in found], next=following
    )
    return _json(page)


async def show(request: Request) -> Response:
    gateway = gateway_of(request)
    found = await gateway.artifact(request, request.path_params["artifact"])
    return _json(_entry(found, gateway.artifacts.link(found.id, gateway.base_url(request))))


async def delete(request: Request) -> Response:
    gateway = gateway_of(request)
    caller = await gateway.owner(request)
    await gateway.artifacts.delete(request.path_params["artifact"], caller.tenant)
    return Response(status_code=204)


async def delete_many(request: Request) -> Response:
    """All of them only where it is said: a forgotten parameter must not delete anything."""
    gateway = gateway_of(request)
    caller = await gateway.owner(request)
    everything, before = request.query_params.get("all"), request.query_params.get("before")
    if (everything == "true") == (before is not None):
        raise InvalidRequest("Send either before=<time>, or all=true to delete every artifact", field="before")
    count = await gateway.artifacts.delete_all(caller.tenant, before=None if before is None else _moment(before))
    return _json(Deleted(deleted=count))


def _entry(found: Artifact, url: str) -> ArtifactEntry:
    return ArtifactEntry(
        id=found.id,
        url=url,
        media_type=found.media_type,
        bytes=found.bytes,
        created_at=found.created_at,
        expires_at=found.expires_at,
        request_id=found.request_id,
        service=found.service,
        sha256=found.sha256,
    )


def _json(shown: BaseModel) -> JSONResponse:
    return JSONResponse(shown.model_dump(mode="json"))


def _limit(given: str | None) -> int:
    if given is None:
        return USUALLY_LISTED
    if not re.fullmatch(r"[0-9]{1,9}", given) or not 1 <= int(given) <= MOST_LISTED:
        raise InvalidRequest(f"limit: must be 1 to {MOST_LISTED}", field="limit")
    return int(given)


def _cursor(given: str | None) -> tuple[datetime, str] | None:
    if given is None:
        return None
    if not re.fullmatch(_CURSOR, given):
        raise InvalidRequest("after: send what the page before gave as next", field="after")
    microseconds, _, artifact = given.partition("_")
    return _EPOCH + timedelta(microseconds=int(microseconds)), artifact


def _request_id(given: str | None) -> str | None:
    if given is not None and not is_id(given):
        raise InvalidRequest("request_id: must be one that an answer gave", field="request_id")
    return given


def _services(given: str | None, caller: Caller) -> Collection[str] | None:
    """The one that is asked for, else those that the credentials are for; None is every one."""
    if given is None:
        return caller.services
    if given not in SERVICES:
        raise InvalidRequest(f"service: must be one of {', '.join(SERVICES)}", field="service")
    if not caller.may(given):
        raise Forbidden(f"These credentials are not for {given}; use some that are, or ask your operator")
    return [given]


def _moment(given: str) -> datetime:
    """In UTC where no zone is given."""
    try:
        moment = datetime.fromisoformat(given)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidRequest("before: must look like 2026-01-31 or 2026-01-31T12:00:00Z", field="before") from None


def add_routes(app: FastAPI) -> None:
    """With what the reference says of them."""
    one = {"name": "artifact", "in": "path", "required": True, "schema": {"type": "string"}, "description": "Its id"}
    reference.add_own(
        app,
        "GET",
        "/artifacts/{artifact}",
        "A stored file, or the part of it that Range names",
        artifact_file.content,
        parameters=[
            one,
            _query("expires", "Of a signed link: until when it is good", {"type": "string"}),
            _query("signature", "Of a signed link, which needs no credentials", {"type": "string"}),
        ],
        answers=_FILE,
        refusals=(401, 403, 404, 416, 503),
    )
    reference.add_own(
        app,
        "GET",
        "/api/artifacts",
        "The tenant's artifacts, newest first",
        list_own,
        parameters=[
            _query("after", "What the page before gave as next", {"type": "string", "pattern": rf"^{_CURSOR}$"}),
            _query("limit", "How many at most", {"type": "integer", "minimum": 1, "maximum": MOST_LISTED}),
            _query("request_id", "Only those of one request", {"type": "string", "pattern": rf"^{_UUID}$"}),
            _query("service", "Only those of one service's finished requests", {"enum": list(SERVICES)}),
        ],
        answers={200: {"model": ArtifactPage}},
        refusals=(401, 403, 422, 503),
    )
    reference.add_own(
        app,
        "DELETE",
        "/api/artifacts",
        "Delete the tenant's artifacts",
        delete_many,
        parameters=[
            _query(
                "before",
                "Those made before this time (UTC unless it says a zone)",
                {"type": "string", "format": "date-time"},
            ),
            _query("all", "Every one", {"enum": ["true"]}),
        ],
        answers={200: {"model": Deleted}},
        refusals=(401, 403, 422, 503),
    )
    path = "/api/artifacts/{artifact}"
    entry: Answers = {200: {"model": ArtifactEntry}}
    reference.add_own(
        app,
        "GET",
        path,
        "What is known of an artifact",
        show,
        parameters=[one],
        answers=entry,
        refusals=(401, 403, 404, 503),
    )
    gone: Answers = {204: {"description": "It is deleted"}}
    reference.add_own(
        app, "DELETE", path, "Delete an artifact", delete, parameters=[one], answers=gone, refusals=(401, 403, 404, 503)
    )


def _query(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": description}


_BYTES = {"content": {"*/*": {"schema": {"type": "string", "format": "binary"}}}}
_FILE: Answers = {
    200: {"description": "The file", **_BYTES},
    206: {"description": "A part of it", **_BYTES},
    304: {"description": "The client has it already"},
    307: {"description": "It is at `Location`, in the store itself"},
}

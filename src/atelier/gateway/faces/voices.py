"""What a tenant may do with voices of its own: make one with consent, list, hear and delete them; and their routes."""

from __future__ import annotations

from functools import partial
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from atelier.catalog import SERVICES
from atelier.contracts.text_to_speech import OPENAI_VOICES
from atelier.errors import InvalidRequest, TooLarge, Unavailable
from atelier.gateway.auth import Caller
from atelier.gateway.faces import reference
from atelier.gateway.faces.endpoints import Gateway, gateway_of
from atelier.gateway.faces.repeats import once
from atelier.gateway.tenants import TenantFacts
from atelier.gateway.voices.voices import MEDIA_TYPE
from atelier.state.audit import Actor
from atelier.state.records import NewVoice, Voice, VoiceEntry
from atelier.wire.body import Body, read_body, validated
from atelier.wire.exchange import Outgoing
from atelier.wire.speech import REFERENCE, REFERENCES_PATH, SERVICE

PATH = "/api/voices"

MOST_SENT_BYTES = 20_000_000
"""Half a minute of the best recordings; what is kept of it has a fifteenth."""


class VoiceList(BaseModel):
    """The oldest first. most: how many there may be."""

    voices: list[VoiceEntry]
    most: int


async def create(request: Request) -> Response:
    gateway = gateway_of(request)
    who = caller, _ = await gateway.known(request, SERVICE)
    body = await read_body(request, most_file_bytes=gateway.most_body_bytes)

    async def run() -> Response:
        made = await _made(gateway, request, who, body)
        return _json(VoiceEntry(**dict(made)), status=201)

    return await once(gateway.idempotency, request, caller.tenant, body, run)


async def _made(gateway: Gateway, request: Request, who: tuple[Caller, TenantFacts], body: Body) -> Voice:
    caller, _ = who
    wanted = validated(NewVoice, body.beside(REFERENCE))
    recording = body.file(REFERENCE)
    if recording is None:
        raise InvalidRequest(f"{REFERENCE}: send a recording of the voice as this part of a form", field=REFERENCE)
    if len(recording) > MOST_SENT_BYTES:
        raise TooLarge(f"{REFERENCE}: has over {MOST_SENT_BYTES / 1e6:.0f} MB", field=REFERENCE)
    if wanted.name.lower() in OPENAI_VOICES or gateway.upstreams.speaks_as(wanted.name):
        raise InvalidRequest(f"name: {wanted.name} is a voice that everyone has; take another name", field="name")
    return await gateway.voices.create(
        caller.tenant, wanted, recording, partial(_copied, gateway, request, who), by=_actor(request, caller)
    )


async def _copied(gateway: Gateway, request: Request, who: tuple[Caller, TenantFacts], recording: bytes) -> bytes:
    """By a worker: the gateway decodes nothing. It counts as a request, and is not metered."""
    caller, facts = who
    if all(upstream.foreign for upstream in gateway.upstreams.pools[SERVICE]):
        raise Unavailable("No worker that can look at the recording serves speech here; ask your operator")
    outgoing = Outgoing(REFERENCES_PATH, files={REFERENCE: recording})
    request_id = request.scope["state"]["request_id"]
    place = await gateway.pipeline.admit_unmetered(request_id, caller, facts, SERVICES[SERVICE])
    try:
        return await gateway.upstreams.posted(SERVICE, outgoing, tenant=caller.tenant, request_id=request_id)
    finally:
        gateway.limits.settle(place, units=0, cost=0)


async def list_own(request: Request) -> Response:
    gateway = gateway_of(request)
    caller, _ = await gateway.known(request, SERVICE)
    found = await gateway.voices.of_tenant(caller.tenant)
    return _json(VoiceList(voices=[VoiceEntry(**dict(voice)) for voice in found], most=gateway.voices.most))


async def show(request: Request) -> Response:
    gateway = gateway_of(request)
    caller, _ = await gateway.known(request, SERVICE)
    return _json(VoiceEntry(**dict(await gateway.voices.read(caller.tenant, request.path_params["voice"]))))


async def hear(request: Request) -> Response:
    """The recording, as it is kept."""
    gateway = gateway_of(request)
    caller, _ = await gateway.known(request, SERVICE)
    found = await gateway.voices.read(caller.tenant, request.path_params["voice"])
    recording = await gateway.voices.recording(found)
    return Response(recording, media_type=MEDIA_TYPE, headers={"cache-control": "no-store"})


async def delete(request: Request) -> Response:
    gateway = gateway_of(request)
    caller, _ = await gateway.known(request, SERVICE)
    await gateway.voices.delete(caller.tenant, request.path_params["voice"], by=_actor(request, caller))
    return Response(status_code=204)


def _actor(request: Request, caller: Caller) -> Actor:
    return Actor(caller.name, request_id=request.scope["state"]["request_id"])


def _json(shown: BaseModel, *, status: int = 200) -> Response:
    return Response(shown.model_dump_json(), status_code=status, media_type="application/json")


def add_routes(app: FastAPI) -> None:
    """With what the reference says of them."""
    one = [{"name": "voice", "in": "path", "required": True, "schema": {"type": "string"}, "description": "Its id"}]
    entry: dict[int | str, dict[str, Any]] = {200: {"model": VoiceEntry}}
    path, kept = PATH, f"{PATH}/{{voice}}"
    reference.add_own(
        app,
        "GET",
        path,
        "The tenant's own voices",
        list_own,
        parameters=[],
        answers={200: {"model": VoiceList}},
        refusals=(401, 403, 503),
    )
    reference.add_own(
        app,
        "POST",
        path,
        "Make a voice from a recording, with the consent of who speaks in it",
        create,
        parameters=[],
        answers={201: {"model": VoiceEntry}},
        form=(NewVoice, REFERENCE),
        refusals=(401, 403, 408, 409, 413, 415, 422, 429, 500, 502, 503, 504),
    )
    reference.add_own(
        app,
        "GET",
        kept,
        "What is known of a voice",
        show,
        parameters=one,
        answers=entry,
        refusals=(401, 403, 404, 503),
    )
    reference.add_own(
        app,
        "GET",
        f"{kept}/recording",
        "The recording that a voice is learnt from",
        hear,
        parameters=one,
        answers={200: {"description": "The file", "content": {MEDIA_TYPE: {}}}},
        refusals=(401, 403, 404, 503),
    )
    reference.add_own(
        app, "DELETE", kept, "Delete a voice and its recording", delete,
        parameters=one, answers={204: {"description": "It is deleted"}}, refusals=(401, 403, 404, 503),
    )  # fmt: skip

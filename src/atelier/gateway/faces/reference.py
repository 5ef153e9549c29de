"""How routes enter the app and its OpenAPI document: bodies from the tables, errors in each face's shape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from pydantic import BaseModel
from starlette.responses import JSONResponse, Response

from atelier.contracts.text_to_speech import MEDIA_TYPES
from atelier.gateway.faces import account_answers as told
from atelier.gateway.faces.native import NativeRoute
from atelier.gateway.front import Endpoint
from atelier.wire import chat, images, ocr, speech, sse, transcription
from atelier.wire.call import Route

if TYPE_CHECKING:
    from atelier.gateway.faces.admin.routes import AdminRoute

_REFUSALS = {
    401: "No credentials, or bad ones",
    403: "The credentials are not for this, a LoRA is not for this tenant, or the account is suspended",
    404: "No such model or thing",
    409: "The `Idempotency-Key` stands for a different request",
    408: "The body did not arrive in time",
    413: "The body or a file is too large",
    415: "Not that content type",
    429: "A limit is used up; `Retry-After` says when to come back",
    500: "A fault of the server's",
    502: "The service failed",
    503: "The service is not available or overloaded; `Retry-After` says when to come back",
    504: "The service took too long",
}
_OWN_REFUSALS = {**_REFUSALS, 416: "The file has no such part", 422: "A parameter is malformed; the error names it"}
_NATIVE_ERROR: dict[str, Any] = {
    "type": "object",
    "required": ["error", "code", "request_id"],
    "properties": {
        "error": {"type": "string"},
        "code": {"type": "string"},
        "field": {"type": "string"},
        "retry_after": {"type": "integer"},
        "request_id": {"type": "string"},
    },
}
_OPENAI_ERROR: dict[str, Any] = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {
                "message": {"type": "string"},
                "type": {"type": "string"},
                "param": {"type": ["string", "null"]},
                "code": {"type": ["string", "null"]},
            },
        }
    },
}
_MODEL_NAME = {"name": "model", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
_MONTH = {
    "name": "month",
    "in": "query",
    "required": False,
    "description": "YYYY-MM, in UTC; none: the present one",
    "schema": {"type": "string", "pattern": "^[1-9][0-9]{3}-(0[1-9]|1[0-2])$"},
}
_REPEATED = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "A request that is sent again with its key is not run again: it gets the first one's answer",
    "schema": {"type": "string", "pattern": "^[!-~]([ -~]{0,253}[!-~])?$"},
}


@dataclass(frozen=True)
class _Shown:
    """What a GET takes, what it answers, and which refusals it has beside those of credentials."""

    answer: type[BaseModel] | None = None
    parameters: tuple[dict[str, Any], ...] = ()
    media_type: str = "application/json"
    refusals: tuple[int, ...] = (401, 403, 503)


_GETS = {
    "/v1/models": _Shown(told.ModelList),
    "/v1/models/{model:path}": _Shown(told.ModelEntry, (_MODEL_NAME,), refusals=(401, 403, 404, 503)),
    "/api/usage": _Shown(told.UsageMonth, (_MONTH,), refusals=(401, 403, 422, 503)),
    "/api/usage/days": _Shown(told.UsageDays, (_MONTH,), refusals=(401, 403, 422, 503)),
    "/api/caller": _Shown(told.CallerAnswer),
    "/api/limits": _Shown(told.LimitList),
    "/health": _Shown(told.HealthReport),
    "/metrics": _Shown(media_type="text/plain"),
}

_EVENTS: dict[str, type[BaseModel] | None] = {sse.MEDIA_TYPE: None}
_IMAGES = {"application/json": images.ImagesAnswer, **_EVENTS}
_TRANSCRIPT = {"application/json": transcription.TranscriptAnswer, "text/plain": None, **_EVENTS}
_ANSWERS: dict[str, dict[str, type[BaseModel] | None]] = {
    "/v1/images/generations": _IMAGES,
    "/v1/images/edits": _IMAGES,
    "/v1/images/variations": _IMAGES,
    "/v1/audio/speech": {**dict.fromkeys(MEDIA_TYPES.values()), **_EVENTS},
    "/v1/audio/transcriptions": _TRANSCRIPT,
    "/v1/audio/translations": _TRANSCRIPT,
    "/v1/chat/completions": {"application/json": chat.ChatAnswer, **_EVENTS},
    "/v1/ocr": {"application/json": ocr.OcrAnswer},
}
"""The content types of a 200 by path, and the model of those that are JSON."""


def add_native(app: FastAPI, row: NativeRoute, endpoint: Endpoint) -> None:
    """POST /api/<service>."""
    contents = {"application/json": _schema(row.body)}
    if row.file:
        contents["multipart/form-data"] = _form(row.body, row.file, required=False)
    app.add_api_route(
        f"/api/{row.service}",
        endpoint,
        methods=["POST"],
        summary=row.summary,
        tags=["native"],
        response_model=None,
        responses={200: _native_answer(row), **_refusals(_NATIVE_ERROR, malformed=422)},
        openapi_extra=_body(contents) | {"parameters": [_REPEATED]},
    )


def _native_answer(row: NativeRoute) -> dict[str, Any]:
    """JSON, and what a stream of the service sends."""
    streamed = MEDIA_TYPES.values() if row.shape is speech.SHAPE else (sse.MEDIA_TYPE,) if row.shape else ()
    return {"model": row.answer_type, "content": {"application/json": {}, **{kind: {} for kind in streamed}}}


def add_openai(app: FastAPI, row: Route, endpoint: Endpoint) -> None:
    """POST /v1/…"""
    kind = "multipart/form-data" if row.file else "application/json"
    schema = _form(row.fields, row.file, required=True) if row.file else _schema(row.fields)
    app.add_api_route(
        row.path,
        endpoint,
        methods=["POST"],
        summary=row.summary,
        tags=["openai"],
        response_model=None,
        response_class=Response,
        responses={200: _worded(row.path), **_refusals(_OPENAI_ERROR, malformed=400)},
        openapi_extra=_body({kind: schema}) | {"parameters": [_REPEATED]},
    )


def add_get(app: FastAPI, path: str, summary: str, endpoint: Endpoint, tag: str) -> None:
    error = _OPENAI_ERROR if tag == "openai" else _NATIVE_ERROR
    shown = _GETS.get(path, _Shown())
    open_to_all = tag == "health"
    done: dict[str, Any] = {"content": {shown.media_type: {}}} | ({"model": shown.answer} if shown.answer else {})
    answers: dict[int | str, dict[str, Any]] = {200: {"description": "Done", **done}}
    if open_to_all:
        answers[503] = {"description": "Nothing can be served", **done}
    else:
        answers |= {status: _refusal(_OWN_REFUSALS[status], error) for status in shown.refusals}
    app.add_api_route(path, endpoint, methods=["HEAD"], include_in_schema=False, response_model=None)
    app.add_api_route(
        path,
        endpoint,
        methods=["GET"],
        summary=summary,
        tags=[tag],
        response_model=None,
        response_class=Response,
        responses=answers,
        openapi_extra={"parameters": list(shown.parameters)} | ({} if open_to_all else {"security": [{"bearer": []}]}),
    )


def add_admin(app: FastAPI, row: AdminRoute, endpoint: Endpoint) -> None:
    """A route of the administration, with the parts of its address, its query, its body and its answer."""
    if row.method == "GET":
        app.add_api_route(row.path, endpoint, methods=["HEAD"], include_in_schema=False, response_model=None)
    repeated = row.method == "POST"
    documented: dict[str, Any] = {"security": [{"bearer": []}], "parameters": _parameters(row) + [_REPEATED] * repeated}
    if row.body.model_fields:
        documented |= _body({"application/json": _schema(row.body)})
    app.add_api_route(
        row.path,
        endpoint,
        methods=[row.method],
        status_code=row.status,
        summary=row.summary,
        tags=["admin"],
        response_model=None,
        responses={row.status: _answer(row), **_ADMIN_REFUSALS, **(_WAITED if repeated else {})},
        openapi_extra=documented,
    )


def _refusal(text: str, error: dict[str, Any]) -> dict[str, Any]:
    return {"description": text, "content": {"application/json": {"schema": error}}}


_ADMIN_REFUSALS: dict[int | str, dict[str, Any]] = {
    status: _refusal(text, _NATIVE_ERROR)
    for status, text in {
        **{status: _REFUSALS[status] for status in (401, 413, 415, 500, 503)},
        403: "The caller has not the role admin",
        404: "No such tenant or key",
        409: "What is there already, or still, stands in the way; or the `Idempotency-Key` is another request's",
        422: "The query or the body is malformed or a field is out of range; the error names it",
    }.items()
}


_WAITED: dict[int | str, dict[str, Any]] = {
    504: _refusal("The first request with this `Idempotency-Key` is still running", _NATIVE_ERROR)
}


def _answer(row: AdminRoute) -> dict[str, Any]:
    if row.answer is not None:
        return {"description": "Done", "content": {"application/json": {"schema": _schema(row.answer)}}}
    if row.documents:
        kinds = {media: {"schema": {"type": "string"}} for media in row.documents.values()}
        return {"description": "The file", "content": kinds}
    return {"description": "Done"}


def _parameters(row: AdminRoute) -> list[dict[str, Any]]:
    text = {"type": "string", "minLength": 1, "maxLength": 128}
    named = [{"name": row.named, "in": "path", "required": True, "schema": text}] if row.named else []
    schema = _schema(row.query)
    required = schema.get("required", [])
    return named + [
        {"name": name, "in": "query", "required": name in required, "schema": _without_null(field)}
        for name, field in schema.get("properties", {}).items()
    ]


def _without_null(field: dict[str, Any]) -> dict[str, Any]:
    """A part of a query is there or is not."""
    kinds = [kind for kind in field.get("anyOf", []) if kind.get("type") != "null"]
    kept = {key: value for key, value in field.items() if key != "anyOf" and value is not None}
    return {**kinds[0], **kept} if len(kinds) == 1 else kept | ({"anyOf": kinds} if kinds else {})


def add_own(
    app: FastAPI,
    method: str,
    path: str,
    summary: str,
    endpoint: Endpoint,
    *,
    parameters: Sequence[dict[str, Any]],
    answers: dict[int | str, dict[str, Any]],
    refusals: Sequence[int],
    form: tuple[type[BaseModel], str] | None = None,
) -> None:
    """A route to what is the tenant's own: what it takes beside a body, what it answers and how it refuses.

    answers: the first is the usual one; those without a `model` are not JSON. form: the fields of its body, and the
    part beside them that holds a file.
    """
    usual = next(iter(answers))
    if method == "GET":
        app.add_api_route(path, endpoint, methods=["HEAD"], include_in_schema=False, response_model=None)
    app.add_api_route(
        path,
        endpoint,
        methods=[method],
        status_code=int(usual),
        response_class=JSONResponse if "model" in answers[usual] else Response,
        summary=summary,
        tags=["account"],
        response_model=None,
        responses={**answers, **{status: _refusal(_OWN_REFUSALS[status], _NATIVE_ERROR) for status in refusals}},
        openapi_extra={
            **(_body({"multipart/form-data": _form(*form, required=True)}) if form else {}),
            "parameters": [*parameters, *([_REPEATED] if form else [])],
            "security": [{"bearer": []}],
        },
    )


def declare_bearer(app: FastAPI) -> None:
    """Name the security scheme that the routes above refer to."""
    described = app.openapi

    def openapi() -> dict[str, Any]:
        document = described()
        schemes = document.setdefault("components", {}).setdefault("securitySchemes", {})
        schemes["bearer"] = {"type": "http", "scheme": "bearer", "description": "A JSON Web Token or an API key"}
        return document

    app.openapi = openapi  # type: ignore[method-assign]


def _refusals(error: dict[str, Any], *, malformed: int) -> dict[int | str, dict[str, Any]]:
    described = {malformed: "The body is malformed or a field is out of range; the error names it", **_REFUSALS}
    return {status: _refusal(text, error) for status, text in sorted(described.items())}


def _body(contents: dict[str, dict[str, Any]]) -> dict[str, Any]:
    content = {kind: {"schema": schema} for kind, schema in contents.items()}
    return {"requestBody": {"required": True, "content": content}, "security": [{"bearer": []}]}


def _worded(path: str) -> dict[str, Any]:
    kinds = _ANSWERS[path]
    models = [model for model in kinds.values() if model]
    described = {"description": "Done", "content": {kind: {} for kind in kinds}}
    return {**described, "model": models[0]} if models else described


def _schema(model: type[BaseModel]) -> dict[str, Any]:
    """The model's schema with its definitions folded in, so that it stands alone."""
    described = _described(model)
    folded = _folded({key: value for key, value in described.items() if key != "$defs"}, described.get("$defs", {}))
    assert isinstance(folded, dict)
    return folded


@cache
def _described(model: type[BaseModel]) -> dict[str, Any]:
    """Kept, and not to be changed: making these took most of the time in which an app is made."""
    return model.model_json_schema()


def _folded(node: object, definitions: dict[str, Any]) -> object:
    if isinstance(node, list):
        return [_folded(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _folded(definitions[node["$ref"].rpartition("/")[2]], definitions)
    return {key: _folded(value, definitions) for key, value in node.items() if key != "discriminator"}


def _form(model: type[BaseModel], file: str, *, required: bool) -> dict[str, Any]:
    """The model's fields as parts of a form, beside the part that holds the file."""
    schema = _schema(model)
    schema["properties"] = {**schema.get("properties", {}), file: {"type": "string", "format": "binary"}}
    schema["required"] = [*schema.get("required", []), *([file] if required else [])]
    return schema

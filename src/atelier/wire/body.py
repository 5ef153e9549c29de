"""Request bodies: JSON or multipart in, plain fields out."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic_core import ErrorDetails, from_json
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message

from atelier.contracts.base import Contract
from atelier.errors import InvalidRequest, UnsupportedMedia, UploadTooSlow
from atelier.wire.aside import LARGE_BYTES
from atelier.wire.header import header

Model = TypeVar("Model", bound=BaseModel)

UPLOAD_SECONDS = 120.0
"""How long a body may be on its way: who sends a byte now and then holds a place that others need."""

ARRIVED = "arrived"
"""What a request's state says where all of its body was there before it began: our own server does (corked.py)."""

MOST_FILES = 16
MOST_FIELDS = 64

MOST_FAULTS = 1000
"""Each is described, though the first is told: of millions that takes seconds and gigabytes."""


@dataclass(slots=True)  # not frozen: every request makes one, and freezing trebles the time
class Body:
    """fields: what JSON or the form's text parts hold. files: the uploaded parts by name. weight: bytes of all.

    raw: the JSON as it came.
    """

    fields: dict[str, object]
    files: dict[str, list[bytes]] = field(default_factory=dict)
    weight: int = 0
    raw: bytes | None = None

    def file(self, name: str) -> bytes | None:
        """The one file of that name. Raises InvalidRequest for several, or for an empty one."""
        found = self.files.get(name, [])
        if len(found) > 1:
            raise InvalidRequest(f"{name}: send one file, not {len(found)}", field=name)
        if found and not found[0]:
            raise InvalidRequest(f"{name}: the file is empty", field=name)
        return found[0] if found else None

    def beside(self, *files: str) -> dict[str, object]:
        """What came beside these files. Any other file is among it, for the fields to refuse."""
        if not files and not self.files:
            return self.fields
        return {name: value for name, value in {**self.fields, **self.files}.items() if name not in files}


def _nullable(schema: dict[str, Any]) -> None:
    """Say in a JSON schema that every field which may be left out may also be null."""
    for name, field_ in schema.get("properties", {}).items():
        if name not in schema.get("required", []) and {"type": "null"} not in field_.get("anyOf", []):
            kept = {key: field_.pop(key) for key in ("default", "title", "description") if key in field_}
            schema["properties"][name] = {"anyOf": [field_, {"type": "null"}], **kept}


class Fields(Contract):
    """The body of an OpenAI route, where null stands for a field that is left out: its clients send both, also for
    fields that are not known here."""

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, fields: object) -> object:
        if not isinstance(fields, dict) or None not in fields.values():
            return fields
        return {name: value for name, value in fields.items() if value is not None}


class JsonFields(Fields):
    """One that is always JSON, so that its schema has the nulls."""

    model_config = ConfigDict(json_schema_extra=_nullable)


async def read_body(request: Request, *, most_file_bytes: int, seconds: float = UPLOAD_SECONDS) -> Body:
    """Raises UnsupportedMedia, InvalidRequest, TooLarge (from the limit on the whole body), UploadTooSlow."""
    if ARRIVED in request.scope.get("state", ()):
        return await _read(request, most_file_bytes)
    deadline = _Deadline(seconds)
    try:
        return await _read(request, most_file_bytes)
    except asyncio.CancelledError:
        if not deadline.has_ended_it():
            raise
        said = f"body: did not arrive within {seconds:.0f} s; send less, or faster"
        raise UploadTooSlow(said, field="body") from None
    finally:
        deadline.drop()


class _Deadline:
    """Cancels the task that made it when its time is up: asyncio.timeout, for a tenth of its cost."""

    __slots__ = ("_late", "_task", "_timer")

    def __init__(self, seconds: float) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._task: asyncio.Task[Any] = task
        self._late = False
        self._timer = asyncio.get_running_loop().call_later(seconds, self._end)

    def drop(self) -> None:
        self._timer.cancel()

    def has_ended_it(self) -> bool:
        """Whether it alone has cancelled the task; asked once, for that takes the cancellation back."""
        return self._late and not self._task.uncancel()

    def _end(self) -> None:
        self._late = True
        self._task.cancel()


async def _read(request: Request, most_file_bytes: int) -> Body:
    content_type = (header(request, b"content-type") or "").partition(";")[0].strip().lower()
    if content_type in {"application/json", ""} or content_type.endswith("+json"):
        message = await request.receive()
        if message["type"] == "http.request" and not message.get("more_body"):
            raw = bytes(message.get("body", b""))  # most bodies come in one piece
        else:
            raw = await _whole(request, message)
        return _json_body(raw) if len(raw) <= LARGE_BYTES else await asyncio.to_thread(_json_body, raw)
    if content_type in {"multipart/form-data", "application/x-www-form-urlencoded"}:
        return await _form_body(request, most_file_bytes)
    raise UnsupportedMedia(
        f"content-type: {content_type[:80]} is not understood; send application/json or multipart/form-data",
        field="content-type",
    )


async def _whole(request: Request, message: Message) -> bytes:
    """The body that begins with `message`. Raises ClientDisconnect where the client goes before its end."""
    pieces = []
    while message["type"] == "http.request":
        pieces.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(pieces)
        message = await request.receive()
    raise ClientDisconnect


def _json_body(raw: bytes) -> Body:
    try:
        # NaN passes here and fails in its own field, whose name the caller then reads.
        fields = from_json(raw, allow_inf_nan=True)
    except ValueError as problem:
        raise InvalidRequest(f"body: not valid JSON ({problem})"[:300], field="body") from None
    if not isinstance(fields, dict):
        raise InvalidRequest("body: must be a JSON object", field="body")
    if len(fields) > MOST_FIELDS:
        raise InvalidRequest(f"body: has {len(fields)} fields; no request has over {MOST_FIELDS}", field="body")
    return Body(fields, weight=len(raw), raw=raw)


async def _form_body(request: Request, most_file_bytes: int) -> Body:
    try:
        form = await request.form(max_files=MOST_FILES, max_fields=MOST_FIELDS, max_part_size=most_file_bytes)
    except MultiPartException as problem:
        raise _no_form(problem.message) from None
    except (UnicodeError, LookupError):
        raise InvalidRequest("body: the form's character set is not known; leave it out", field="body") from None
    except HTTPException as problem:  # Starlette's wrapper of the first, inside an application
        raise _no_form(problem.detail) from None
    try:
        return await _parts(form)
    finally:
        await form.close()


def _no_form(why: str) -> InvalidRequest:
    return InvalidRequest(f"body: cannot be read as a form with parts: {why or 'it is cut short'}"[:300], field="body")


async def _parts(form: FormData) -> Body:
    fields: dict[str, object] = {}
    files: dict[str, list[bytes]] = {}
    for key, value in form.multi_items():
        name = key.removesuffix("[]")  # how clients spell a list in a form
        if isinstance(value, UploadFile):
            files.setdefault(name, []).append(await value.read())
        elif key.endswith("[]"):
            listed = fields.setdefault(name, [])
            if not isinstance(listed, list):
                raise InvalidRequest(f"{name}: given both once and as a list", field=name)
            listed.append(value)
        elif name in fields:
            raise InvalidRequest(f"{name}: given twice", field=name)
        else:
            fields[name] = value
    return Body(fields, files, sum(len(file) for found in files.values() for file in found))


def validated(model: type[Model], fields: Mapping[str, object], *, called: Mapping[str, str] | None = None) -> Model:
    """Raises InvalidRequest naming the first field at fault and the remedy.

    called: what the caller calls a field, where that is not the model's own name for it.
    """
    try:
        read: Model = model.__pydantic_validator__.validate_python(fields)  # which model_validate comes to
    except ValidationError as problem:
        if (count := problem.error_count()) > MOST_FAULTS:
            raise InvalidRequest(f"body: has {count} faults; send what the reference names", field="body") from None
        raise _in_words(*_first(problem, fields), list(model.model_fields), called or {}) from None
    return read


_Place = tuple[int | str, ...]


def _first(problem: ValidationError, fields: object) -> tuple[ErrorDetails, str]:
    """The first fault, and where it is. Of what may be one thing or another, it is the one that came closest."""
    found = [(error, _place(error, fields)) for error in problem.errors(include_url=False)]
    first = found[0][1]
    error, place = max((one for one in found if one[1][: len(first)] == first), key=lambda one: len(one[1]))
    return error, ".".join(map(str, place))


def _place(error: ErrorDetails, fields: object) -> _Place:
    """Its `loc` without what pydantic calls the kinds of a thing that may be of several."""
    if error["type"] == "missing":
        return (*_way(error["loc"][:-1], fields), error["loc"][-1])
    if error["type"] in {"union_tag_invalid", "union_tag_not_found"}:
        return (*_way(error["loc"], fields), error["ctx"]["discriminator"].strip("'"))
    return _way(error["loc"], fields)


def _way(loc: _Place, found: Any) -> _Place:
    """Along those parts of `loc` that are there, to its end where that can be: a kind may have the name of a field."""
    if not loc:
        return ()
    past = _way(loc[1:], found)
    try:
        through = (loc[0], *_way(loc[1:], found[loc[0]]))
    except (LookupError, TypeError):
        return past
    return max(through, past, key=lambda way: (way[-1:] == loc[-1:], len(way)))


def _in_words(error: ErrorDetails, name: str, known: list[str], called: Mapping[str, str]) -> InvalidRequest:
    name = called.get(name, name) or "body"
    if error["type"] in {"missing", "union_tag_not_found"}:
        return InvalidRequest(f"{name}: is required", field=name)
    if error["type"] == "union_tag_invalid":
        return InvalidRequest(f"{name}: must be one of {error['ctx']['expected_tags']}", field=name)
    if error["type"] == "dict_type":
        return InvalidRequest(f"{name}: should be an object{_shown(error['input'])}", field=name)
    if error["type"] == "extra_forbidden":
        close = get_close_matches(name, known, n=1)
        hint = f"; did you mean {close[0]}?" if close else "; remove it"
        return InvalidRequest(f"{name[:80]}: unknown field{hint}", field=name[:80])
    message = _LENGTHS.get(error["type"], "") or error["msg"].removeprefix("Value error, ").removeprefix("Input ")
    if message in _LENGTHS.values():
        bounds = error.get("ctx", {})
        what = "characters" if isinstance(error["input"], str) else "items"
        bound = bounds.get("min_length", bounds.get("max_length"))
        message = "must not be empty" if bound == 1 else message.format(bound, what)
    return InvalidRequest(f"{name}: {message}{_shown(error['input'])}", field=name)


_LENGTHS = {
    "too_short": "must have at least {} {}",
    "string_too_short": "must have at least {} {}",
    "too_long": "must have at most {} {}",
    "string_too_long": "must have at most {} {}",
}


def _shown(value: object) -> str:
    """What was sent, where it is short enough to help."""
    return f" (got {value!r})" if isinstance(value, str | int | float | bool) and len(repr(value)) <= 60 else ""

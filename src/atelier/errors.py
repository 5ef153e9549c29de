"""The error tree: every failure a caller can see, with its HTTP status and its code.

    AtelierError
    ├── InvalidRequest          422  the body is malformed or a field is out of range (400 on the OpenAI face)
    │   └── UnreadableMedia     422  a picture or a recording that cannot be decoded
    ├── Unauthenticated         401  no credentials, or bad ones
    ├── Forbidden               403  known, but not allowed
    ├── NotFound                404  nothing there, or another tenant's
    ├── MethodNotAllowed        405
    ├── UploadTooSlow           408  the body did not arrive in time
    ├── Conflict                409  what is there already, or still, stands in the way
    │   └── KeyReused           409  an idempotency key that stands for a different request
    ├── TooLarge                413  the body or a file is over the limit
    ├── UnsupportedMedia        415  not that content type
    ├── RangeNotSatisfiable     416  the file has no such part
    ├── RateLimited             429  a limit is used up; retry_after says when it is not
    ├── Cancelled               499  the client went away
    ├── Internal                500  a fault of ours; the log has the details, the answer has the request id
    ├── UpstreamFailed          502  the worker answered with nonsense or broke off
    ├── Unavailable             503  no healthy upstream
    │   ├── Overloaded          503  the queue is full
    │   └── ModelMissing        503  the model is not installed, or cannot be loaded
    └── TooSlow                 504  the upstream took longer than the limit

Messages are written for people: what happened and what to do. They never hold a path, a host name or a stack trace.
"""

from __future__ import annotations

from typing import ClassVar


class AtelierError(Exception):
    """Base of the tree. `field` names the request field at fault, `retry_after` is in seconds.

    `headers` go out with the answer (a 429 tells the limits that way).
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    openai_type: ClassVar[str] = "server_error"

    def __init__(self, message: str, *, field: str | None = None, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.retry_after = retry_after
        self.headers: dict[str, str] = {}


class InvalidRequest(AtelierError):
    status, code, openai_type = 422, "invalid_request", "invalid_request_error"


class UnreadableMedia(InvalidRequest):
    code = "unreadable_media"


class Unauthenticated(AtelierError):
    status, code, openai_type = 401, "unauthenticated", "authentication_error"


class Forbidden(AtelierError):
    status, code, openai_type = 403, "forbidden", "permission_error"


class NotFound(AtelierError):
    status, code, openai_type = 404, "not_found", "invalid_request_error"


class MethodNotAllowed(AtelierError):
    status, code, openai_type = 405, "method_not_allowed", "invalid_request_error"


class UploadTooSlow(AtelierError):
    status, code, openai_type = 408, "upload_too_slow", "invalid_request_error"


class Conflict(AtelierError):
    status, code, openai_type = 409, "conflict", "invalid_request_error"


class KeyReused(Conflict):
    code = "idempotency_conflict"


class TooLarge(AtelierError):
    status, code, openai_type = 413, "too_large", "invalid_request_error"


class UnsupportedMedia(AtelierError):
    status, code, openai_type = 415, "unsupported_media_type", "invalid_request_error"


class RangeNotSatisfiable(AtelierError):
    status, code, openai_type = 416, "range_not_satisfiable", "invalid_request_error"


class RateLimited(AtelierError):
    """measure: what the limit counts that is used up."""

    measure: str | None = None
    status, code, openai_type = 429, "rate_limited", "rate_limit_error"


class Cancelled(AtelierError):
    status, code = 499, "cancelled"


class Internal(AtelierError):
    status, code = 500, "internal_error"


class UpstreamFailed(AtelierError):
    status, code = 502, "upstream_failed"


class Unavailable(AtelierError):
    status, code = 503, "unavailable"


class Overloaded(Unavailable):
    code = "overloaded"


class ModelMissing(Unavailable):
    code = "model_missing"


class TooSlow(AtelierError):
    status, code = 504, "too_slow"


def error_classes() -> dict[str, type[AtelierError]]:
    """Every class of the tree by its code: how the gateway turns a worker's answer back into an error."""
    found: dict[str, type[AtelierError]] = {}
    pending: list[type[AtelierError]] = [AtelierError]
    while pending:
        cls = pending.pop(0)
        found.setdefault(cls.code, cls)
        pending.extend(cls.__subclasses__())
    return found


def native_envelope(error: AtelierError, request_id: str) -> dict[str, object]:
    """`{"error", "code", "request_id"}`, and `field` and `retry_after` (whole seconds) where they apply."""
    body: dict[str, object] = {"error": error.message, "code": error.code, "request_id": request_id}
    if error.field is not None:
        body["field"] = error.field
    if error.retry_after is not None:
        body["retry_after"] = whole_seconds(error.retry_after)
    return body


def openai_envelope(error: AtelierError) -> dict[str, object]:
    """The error object of https://platform.openai.com/docs/guides/error-codes."""
    return {
        "error": {
            "message": error.message,
            "type": error.openai_type,
            "param": error.field,
            "code": error.code,
        }
    }


def openai_status(error: AtelierError) -> int:
    """OpenAI answers 400, not 422, to a malformed request."""
    return 400 if error.status == 422 else error.status


def whole_seconds(seconds: float) -> int:
    """`Retry-After` counts whole seconds; rounding up keeps a client from coming back too early."""
    return max(1, -int(-seconds // 1))

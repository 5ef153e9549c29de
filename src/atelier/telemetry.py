"""Logs: structured, one event a line; for a person on a terminal, JSON elsewhere."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from contextvars import Context, ContextVar, copy_context
from typing import Any

import structlog
from pydantic_core import to_json

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The request that this code runs for: what is logged meanwhile carries it."""


def of_no_request() -> Context:
    """A context for a task that a request begins and others wait for too, or that outlives it: it is nobody's."""
    context = copy_context()
    context.run(request_id.set, None)
    return context


def configure_logs(level: str) -> None:
    """Set structlog up for this process, and quieten what libraries log on their own."""
    person = sys.stderr.isatty()
    renderer: structlog.types.Processor = (
        # The plain formatter: a rich one would print local variables, prompts among them.
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if person
        else structlog.processors.JSONRenderer(serializer=_json)
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            with_request_id,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *([] if person else [structlog.processors.format_exc_info]),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr)
        if person
        else structlog.BytesLoggerFactory(sys.stderr.buffer),
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)


def with_request_id(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor."""
    found = request_id.get()
    if found is not None:
        event.setdefault("request_id", found)
    return event


def _json(event: dict[str, Any], **_: object) -> bytes:
    """A line of the log; what JSON has no form for is written as text."""
    return to_json(event, fallback=str)

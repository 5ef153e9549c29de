"""Logs: structured, one event a line; for a person on a terminal, JSON elsewhere."""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog
from pydantic_core import to_json


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


def _json(event: dict[str, Any], **_: object) -> bytes:
    """A line of the log; what JSON has no form for is written as text."""
    return to_json(event, fallback=str)

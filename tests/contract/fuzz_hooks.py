"""What Schemathesis is told beside the document: how a run does not stumble over itself."""

from __future__ import annotations

import itertools
from typing import Any

import schemathesis

OPERATOR = "operator-of-this-run"
"""The tenant whose token the run has."""

_counted = itertools.count()


@schemathesis.hook
def before_call(_context: schemathesis.HookContext, case: schemathesis.Case, _kwargs: dict[str, Any]) -> None:
    """A good key is used once, or all but its first request would be conflicts; and the run's own tenant lives on."""
    key = case.headers.get("Idempotency-Key")
    if isinstance(key, str) and 0 < len(key) < 200 and key.isascii() and key.isprintable():
        case.headers["Idempotency-Key"] = f"{key}-{next(_counted)}"
    if case.path_parameters.get("tenant") == OPERATOR:
        case.path_parameters["tenant"] = "somebody-else"

"""Modules that stand in for libraries which another one imports and an engine has no use for."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType


@contextmanager
def standing_in(stand_ins: Mapping[str, ModuleType]) -> Iterator[None]:
    """While it lasts, each is imported by its name; afterwards the names are what they were."""
    before = {name: sys.modules.get(name) for name in stand_ins}
    sys.modules.update(stand_ins)
    try:
        yield
    finally:
        for name, module in before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module

"""What objects are called: the tenant's folder, then the SHA-256 of the bytes and what sets two of the same apart."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

_ID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_NAME = re.compile(rf"(?P<folder>[0-9a-f]{{32}})/(?:(?P<sha256>[0-9a-f]{{64}})-{_ID}|(?P<id>{_ID}))")
_WHOLE_ID = re.compile(_ID)


@dataclass(frozen=True)
class Name:
    """An object's name, taken apart: `sha256`, or the `id` that Atelier 0.1.0 called its files by."""

    folder: str
    sha256: str | None
    id: str | None


def is_id(text: str) -> bool:
    """Whether it can be the id of an artifact or a request. PostgreSQL refuses some signs even in a question."""
    return _WHOLE_ID.fullmatch(text) is not None


def folder_of(tenant: str) -> str:
    """A tenant's id may hold any character: its folder is named by a hash."""
    return hashlib.sha256(tenant.encode()).hexdigest()[:32]


def new_name(tenant: str, sha256: str, artifact: str) -> str:
    """A name that was never used: what a deletion removes can then not be what somebody is putting there again."""
    return f"{folder_of(tenant)}/{sha256}-{artifact}"


def first_name(tenant: str, artifact: str) -> str:
    """The name that Atelier 0.1.0 gave."""
    return f"{folder_of(tenant)}/{artifact}"


def parse_name(name: str) -> Name | None:
    """None for what Atelier did not put there."""
    found = _NAME.fullmatch(name)
    return found and Name(found["folder"], found["sha256"], found["id"])

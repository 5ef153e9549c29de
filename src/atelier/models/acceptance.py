"""Licences that do not allow commercial use: asked before such a model is fetched, and who accepted is kept."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict, TypeAdapter, ValidationError

from atelier.errors import Forbidden
from atelier.models.entry import ModelEntry
from atelier.models.lockfile import write_whole
from atelier.settings import SettingsProblem

NAME = "accepted-licences.json"


class Acceptance(BaseModel):
    """by: the user, and the machine."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str
    licence: str
    link: str
    by: str
    at: AwareDatetime


_RECORD = TypeAdapter(list[Acceptance])


def accepted(models_folder: Path) -> list[Acceptance]:
    """Raises SettingsProblem for a record that cannot be understood."""
    file = models_folder / NAME
    try:
        return _RECORD.validate_json(file.read_bytes())
    except FileNotFoundError:
        return []
    except ValidationError:
        raise SettingsProblem(f"{file} cannot be read: put back a copy of it, or delete it and accept again") from None


def require_acceptance(
    entries: Sequence[ModelEntry],
    models_folder: Path,
    given: Sequence[str],
    ask: Callable[[ModelEntry], bool] | None,
    *,
    by: str,
) -> None:
    """Of every licence that forbids commercial use, once: `given` names its model or the licence, else `ask` does.

    Raises Forbidden where it is not accepted, or nobody can be asked (`ask` is None).
    """
    closed = [one for one in entries if one.licence.commercial == "no" and not is_accepted(one, models_folder)]
    refused = [one for one in closed if not ({one.id, one.licence.name} & set(given) or (ask and ask(one)))]
    if refused:
        about = "; ".join(f"{one.id} ({one.licence.name}, {one.licence.link})" for one in refused)
        words = " ".join(f"--accept-licence {one.id}" for one in refused)
        raise Forbidden(f"Licences that forbid commercial use: {about}. Read them; to accept them, add: {words}")
    for entry in closed:
        _record(entry, models_folder, by)


def is_accepted(entry: ModelEntry, models_folder: Path) -> bool:
    """A licence that has changed since has to be accepted anew."""
    licence = entry.licence
    return any(
        (one.model, one.licence, one.link) == (entry.id, licence.name, licence.link) for one in accepted(models_folder)
    )


def _record(entry: ModelEntry, models_folder: Path, by: str) -> None:
    models_folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    new = Acceptance(
        model=entry.id,
        licence=entry.licence.name,
        link=entry.licence.link,
        by=f"{by} on {socket.gethostname()}",
        at=datetime.now(UTC).replace(microsecond=0),
    )
    everything = _RECORD.dump_json([*accepted(models_folder), new], indent=2).decode()
    write_whole(models_folder / NAME, everything + "\n")

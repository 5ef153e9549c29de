"""What catalog.toml says of a model: the schema that every entry is checked against."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

HERE = Path(__file__).parent

Precision = Literal["float32", "float16", "bfloat16", "int8"]
Tier = Literal["small", "full"]
PAPERS = ("README.md", "LICENSE*")
"""The card and the licence, which come along where a repository has them."""

Gigabytes = Annotated[float, Field(gt=0)]


class _Checked(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())


class Licence(_Checked):
    name: str
    link: Annotated[str, Field(pattern="^https://")]
    commercial: Literal["yes", "no", "conditional"]


class Source(_Checked):
    """Files of one repository of the hub.

    files: paths there, where `*` stands for any letters but `/`; each must match something. into: the folder of the
    model that they go to; empty: the model's own.
    """

    repository: Annotated[str, Field(pattern=r"^[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*$")]
    files: Annotated[tuple[str, ...], Field(min_length=1)]
    into: str = ""

    @model_validator(mode="after")
    def _inside(self) -> Self:
        for path in (*self.files, self.into):
            if not is_inside(path):
                raise ValueError(f"{path!r} must be a path below the model's folder")
        return self

    @property
    def wanted(self) -> tuple[str, ...]:
        """The same in the model's folder."""
        return tuple(self.lands(path) for path in self.files)

    def lands(self, path: str) -> str:
        """Where a file of the repository goes in the model's folder."""
        return f"{self.into}/{path}" if self.into else path

    def takes(self, path: str) -> bool:
        """Whether a file that would land there belongs to the model."""
        papers = () if self.into else PAPERS
        return any(matches(path, pattern) for pattern in (*self.wanted, *papers))


class Defaults(_Checked):
    """What suits the model where a request does not say: denoising steps, and how closely to follow the prompt."""

    steps: Annotated[int, Field(ge=1)] | None = None
    guidance: Annotated[float, Field(ge=0)] | None = None


class ModelEntry(_Checked):
    """One model of catalog.toml, with the checksums of its files where they are published with this package.

    source: where a download takes it from; empty: a library or this package brings it. size: of the download, in GB,
    about. memory: in GB, about, by precision. languages: ISO 639 codes, or `multilingual`; empty: none, or any. sizes:
    in pixels, that it draws best. replaces: ids of models that it does the work of. tiers: what to install together.
    base: the folder of the model that it is laid over, which must be here too. parts: part of the model → the folder
    that takes its place, where that is here. pipelines: diffusers' classes that its folder may be laid out for. clones:
    it speaks with the voice of a recording.
    """

    id: str
    engine: str
    extra: str
    services: tuple[str, ...]
    tasks: tuple[str, ...]
    folder: str | None = None
    packaged: str | None = None
    base: str | None = None
    beside: bool = False
    parts: Mapping[str, str] = {}
    pipelines: tuple[str, ...] = ()
    one_size: bool = False
    clones: bool = False
    words: frozenset[str] = frozenset()
    note: str | None = None
    licence: Licence
    source: tuple[Source, ...] = ()
    size: Gigabytes | None = None
    memory: Mapping[Precision, Gigabytes] = {}
    languages: tuple[str, ...] = ()
    sizes: tuple[Annotated[str, Field(pattern=r"^\d+x\d+$")], ...] = ()
    defaults: Defaults = Defaults()
    replaces: tuple[str, ...] = ()
    tiers: tuple[Tier, ...] = ()
    files: Mapping[str, str] = {}

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.folder is not None and not is_inside(self.folder):
            raise ValueError(f"folder: {self.folder!r} must be a path below the models folder")
        if self.source and not (self.folder and self.size):
            raise ValueError("a model with a source needs a folder to go to, and its size")
        if self.tiers and not self.source:
            raise ValueError("tiers are of models that can be downloaded: it has no source")
        return self

    def place(self, models_folder: Path) -> Path | None:
        """Where its weights lie, or would; None where a library brings them."""
        if self.packaged:
            return HERE / self.packaged
        return models_folder / self.folder if self.folder else None

    def here(self, models_folder: Path) -> bool:
        """Whether it can be loaded without fetching anything."""
        if self.base and not (models_folder / self.base).is_dir():
            return False
        place = self.place(models_folder)
        return place is None or self.packaged is not None or place.is_dir()


def matches(path: str, pattern: str) -> bool:
    """Whether `path` is what `pattern` means: `*` stands for any letters but `/`."""
    parts, wanted = path.split("/"), pattern.split("/")
    return len(parts) == len(wanted) and all(map(fnmatchcase, parts, wanted))


def is_inside(path: str) -> bool:
    """Whether it leads to a place below the folder that it is joined to, on every system."""
    return not (PurePosixPath(path).is_absolute() or ".." in path.split("/") or "\\" in path or ":" in path)

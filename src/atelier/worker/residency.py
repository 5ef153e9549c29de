"""One model of a worker: it is loaded and unloaded on the scheduler's thread, and says what became of it."""

from __future__ import annotations

import ctypes
import gc
import importlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal

import structlog

from atelier.contracts.engine import Engine, EngineInfo, ModelSource
from atelier.errors import AtelierError, ModelMissing
from atelier.worker.checksums import check_files

State = Literal["waiting", "loading", "ready", "resting", "failed"]
"""resting: not in memory, and loaded again when it is asked for."""

_WEIGHTS = frozenset({".safetensors", ".bin", ".onnx", ".pt", ".pth", ".ckpt"})

CARD = "README.md"
"""Where a published model's folder says what it is, how it was made and what it is for."""

MOST_CARD_CHARACTERS = 20_000

log = structlog.get_logger()


@dataclass(frozen=True)
class ModelPlan:
    """A model that this worker is to hold.

    engine: `package.module:Class`. extra: what to install when its libraries are absent. tasks: the work it does.
    words: all that it knows, where these are few; empty: any. files: path in its folder → SHA-256, checked before it
    is loaded; empty: not known. remedy: what to do about a file that is damaged. licence: name, link, commercial.
    memory: bytes that it takes once loaded; None: as many as its weights' files have. check: called before each load;
    raises ModelMissing for files that are not as they should be. clones: it speaks with the voice of a recording.
    """

    source: ModelSource
    engine: str
    extra: str
    services: Sequence[str]
    tasks: Sequence[str]
    words: frozenset[str] = frozenset()
    files: Mapping[str, str] = field(default_factory=dict)
    remedy: str = "download it again"
    licence: Mapping[str, str] | None = None
    memory: int | None = None
    check: Callable[[], None] | None = None
    clones: bool = False


class Resident:
    """One model and its engine. `load` and `engine` belong to the scheduler's thread. card: Markdown, once loaded."""

    def __init__(self, plan: ModelPlan) -> None:
        self.plan = plan
        self.state: State = "waiting"
        self.problem: str | None = None
        self.info: EngineInfo | None = None
        self.card: str | None = None
        self._engine: Engine | None = None

    @property
    def model(self) -> str:
        return self.plan.source.model

    @cached_property
    def size(self) -> int:
        """Bytes of memory, roughly."""
        return _weight(self.plan.source.folder) if self.plan.memory is None else self.plan.memory

    @property
    def engine(self) -> Engine:
        if self._engine is None:
            raise ModelMissing(self.problem or f"{self.model} is still loading; try again in a moment", retry_after=5)
        return self._engine

    def load(self) -> None:
        """Build the engine and load its weights; a failure is kept in words and the worker lives on."""
        if self.state == "ready":
            return
        self.state, self.problem = "loading", None
        try:
            self._check()
            engine = _imported(self.plan.engine)(self.plan.source)
            engine.load()
            info = engine.info()
            self.card = _card(self.plan.source.folder)
        except Exception as problem:
            self._refuse(problem)
            return
        self._engine, self.info, self.state = engine, info, "ready"
        log.info("model loaded", model=self.model, device=info.device, precision=info.precision)

    def rest(self) -> None:
        """It is not loaded until it is asked for."""
        self.state = "resting"

    def unload(self) -> None:
        """Give its memory back. An engine that fails at it is dropped all the same."""
        engine, self._engine, self.state = self._engine, None, "resting"
        if engine is not None:
            try:
                engine.unload()
            except Exception as fault:
                log.error("engine failed to unload", model=self.model, exc_info=fault)
        del engine
        gc.collect()  # modules of a model know each other
        with suppress(OSError, AttributeError):  # glibc alone keeps what was freed: gigabytes of a model on a processor
            ctypes.CDLL("libc.so.6").malloc_trim(0)

    def _check(self) -> None:
        """Before any library reads a file. Raises ModelMissing for one that is not as it was published."""
        if self.plan.files and self.plan.source.folder:
            check_files(self.model, self.plan.source.folder, self.plan.files, self.plan.remedy)
        if self.plan.check:
            self.plan.check()

    def _refuse(self, problem: Exception) -> None:
        self.state = "failed"
        if isinstance(problem, ImportError):
            self.problem = f"{self.model} needs a library: pip install 'atelier[{self.plan.extra}]'"
        elif isinstance(problem, AtelierError):
            self.problem = problem.message
        else:
            self.problem = f"{self.model} could not be loaded ({type(problem).__name__}); the worker's log says why"
        log.error("model not loaded", model=self.model, problem=self.problem, exc_info=problem)


def _weight(folder: Path | None) -> int:
    if folder is None or not folder.is_dir():
        return folder.stat().st_size if folder and folder.is_file() else 0
    return sum(file.stat().st_size for file in folder.rglob("*") if file.suffix in _WEIGHTS)


def _card(folder: Path | None) -> str | None:
    file = folder / CARD if folder else None
    return file.read_text(errors="replace")[:MOST_CARD_CHARACTERS] if file and file.is_file() else None


def _imported(name: str) -> Callable[..., Engine]:
    module, _, attribute = name.partition(":")
    found: Callable[..., Engine] = getattr(importlib.import_module(module), attribute)
    return found

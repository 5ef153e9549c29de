"""Which models are in memory: each is loaded once, on the scheduler's thread, and says what became of it."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import structlog

from atelier.contracts.engine import Engine, EngineInfo, ModelSource
from atelier.errors import AtelierError, ModelMissing

State = Literal["waiting", "loading", "ready", "failed"]

log = structlog.get_logger()


@dataclass(frozen=True)
class ModelPlan:
    """A model that this worker is to hold.

    engine: `package.module:Class`. extra: what to install when its libraries are absent. build: makes the folder
    of a stand-in, `package.module:function`, called where the folder is not there yet. tasks: the work it does.
    """

    source: ModelSource
    engine: str
    extra: str
    services: Sequence[str]
    tasks: Sequence[str]
    build: str | None = None


class Resident:
    """One model and its engine. `load` and `engine` belong to the scheduler's thread."""

    def __init__(self, plan: ModelPlan) -> None:
        self.plan = plan
        self.state: State = "waiting"
        self.problem: str | None = None
        self.info: EngineInfo | None = None
        self._engine: Engine | None = None

    @property
    def model(self) -> str:
        return self.plan.source.model

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
            self._build()
            engine = _imported(self.plan.engine)(self.plan.source)
            engine.load()
        except Exception as problem:
            self._refuse(problem)
            return
        self._engine, self.info, self.state = engine, engine.info(), "ready"
        log.info("model loaded", model=self.model, device=self.info.device, precision=self.info.precision)

    def _build(self) -> None:
        folder = self.plan.source.folder
        if self.plan.build and folder and not folder.exists():
            _imported(self.plan.build)(folder)

    def _refuse(self, problem: Exception) -> None:
        self.state = "failed"
        if isinstance(problem, ImportError):
            self.problem = f"{self.model} needs a library: pip install 'atelier[{self.plan.extra}]'"
        elif isinstance(problem, AtelierError):
            self.problem = problem.message
        else:
            self.problem = f"{self.model} could not be loaded ({type(problem).__name__}); the worker's log says why"
        log.error("model not loaded", model=self.model, problem=self.problem, exc_info=problem)


def _imported(name: str) -> Callable[..., Engine]:
    module, _, attribute = name.partition(":")
    found: Callable[..., Engine] = getattr(importlib.import_module(module), attribute)
    return found

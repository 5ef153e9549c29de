"""A worker whose engine says each word in a set time, as a device would: for tests and measurements of what is around.

SLOW_SECONDS says how long; requests that share a step take no longer than one. SLOW_NOTE is what its model says of
itself. What begins with "hush" gives out nothing before its last word.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from atelier.contracts.base import Contract
from atelier.contracts.engine import EngineInfo, ModelSource, Run, Sound, SpeechMade
from atelier.contracts.text_to_speech import SpeechRequest
from atelier.settings import Settings
from atelier.worker.host import Host
from atelier.worker.residency import ModelPlan

AT_ONCE = 4
"""Requests that share a step."""

SECONDS, NOTE = "SLOW_SECONDS", "SLOW_NOTE"
SERVICE = "text-to-speech"


@dataclass
class SlowRun(Run):
    words: list[str] = field(default_factory=list)
    spoken: int = 0
    characters: int = 0
    heard: list[Sound] = field(default_factory=list)


class SlowEngine:
    def __init__(self, source: ModelSource) -> None:
        self.source = source
        self._seconds = float(os.environ.get(SECONDS, "0"))

    def load(self) -> None: ...

    def unload(self) -> None: ...

    def info(self) -> EngineInfo:
        return EngineInfo(self.source.model, voices=["tone"], languages=["en"])

    def cost(self, request: Contract) -> float:
        return 1 / AT_ONCE

    def start(self, request: Contract) -> Run:
        assert isinstance(request, SpeechRequest)
        return SlowRun(key="speak", words=request.text.split())

    def step(self, runs: Sequence[Run]) -> None:
        time.sleep(self._seconds)
        for run in runs:
            assert isinstance(run, SlowRun)
            word = run.words[run.spoken]
            run.spoken += 1
            run.characters += len(word) + (run.spoken < len(run.words))
            run.heard.append(Sound(np.zeros(240, dtype=np.int16), 24_000, run.characters))
            if run.words[0] != "hush" or run.spoken == len(run.words):
                run.outputs += run.heard
                run.heard = []
            if run.spoken == len(run.words):
                run.outputs.append(SpeechMade(voice="tone", language="en"))
                run.done = True

    def close(self, run: Run) -> None: ...


def slow_host(settings: Settings, services: Sequence[str], share: float) -> Host:
    """Its model is as large as its share of a device of 1 GB."""
    source = ModelSource("slow", note=os.environ.get(NOTE, ""))
    plan = ModelPlan(source, "slow_speech:SlowEngine", "none", (SERVICE,), (SERVICE,), memory=int(share * 1e9))
    return Host([plan], aliases=settings.aliases, most_waiting=settings.most_waiting, seconds=settings.request_seconds)

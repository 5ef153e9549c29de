"""What is measured of every contender in turn: captions, pictures of a megabyte, streams, and too much load."""

from __future__ import annotations

import base64
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from contenders import Contender
from load import Call, Run, Stream, ask, load, stream
from processes import cpu_seconds
from standin import CAPTIONER, PAINTER, SIDES, noise_png

_PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC"


def _question(picture: str, more: str = "") -> Call:
    parts = (
        '{"type":"text","text":"What is it?"},'
        f'{{"type":"image_url","image_url":{{"url":"data:image/png;base64,{picture}"}}}}'
    )
    messages = f'[{{"role":"user","content":[{parts}]}}]'
    return Call("/v1/chat/completions", f'{{"model":"{CAPTIONER}",{more}"messages":{messages}}}')


CAPTION = _question(_PIXEL)
STREAM = _question(_PIXEL, '"stream":true,')
SENT = _question(base64.b64encode(noise_png(*SIDES)).decode())
PICTURE = Call("/v1/images/generations", f'{{"model":"{PAINTER}","prompt":"a red square"}}')

THINK_MS = 250
"""Under too much load each connection waits so long on average before it asks again."""

_LONGEST_ROUND = 30.0


@dataclass(frozen=True)
class Course:
    """Who runs, against which stand-in, how often and how long (seconds)."""

    entered: Sequence[Contender]
    upstream: Contender
    rounds: int
    seconds: float

    def turns(self) -> Iterator[Contender]:
        """A B C A B C …: what disturbs the machine for a while disturbs all."""
        for _ in range(self.rounds):
            for contender in self.entered:
                yield contender
                settle(contender, self.upstream)

    def load(self, contender: Contender, call: Call, connections: int, *, think_ms: float = 0) -> Run:
        seconds = max(self.seconds, min(_LONGEST_ROUND, 10 * connections * contender.seconds_each))
        return load(contender, call, connections=connections, seconds=seconds, standin=self.upstream, think_ms=think_ms)


Runs = dict[tuple[str, int], list[Run]]
"""The rounds of each contender at so many connections."""


def settle(*contenders: Contender, seconds: float = 15) -> None:
    """Until nothing is left of the requests whose clients have gone, or the time is up."""
    pids = [pid for contender in contenders for group in (contender.pids, *contender.with_it.values()) for pid in group]
    end = time.monotonic() + seconds
    used = cpu_seconds(pids)
    while time.monotonic() < end:
        time.sleep(0.3)
        before, used = used, cpu_seconds(pids)
        if used - before < 0.03:
            return


def check(contender: Contender) -> None:
    """What is fast must also be right. Ends the program where it is not."""
    picture = ask(contender, PICTURE)
    for what, right in (
        ("caption", b"a red square on a white page" in ask(contender, CAPTION)),
        ("picture", len(picture) > 1_300_000),
    ):
        if not right:
            sys.exit(f"{contender.name} does not pass on the {what}: {picture[:1000].decode(errors='replace')}")


def warm_up(course: Course) -> None:
    """What happens once is not what a request costs; and how long a round must be is found out."""
    for contender in course.entered:
        check(contender)
        load(contender, CAPTION, connections=16, seconds=2, standin=course.upstream)
        settle(contender)
        run = load(contender, CAPTION, connections=4, seconds=1, standin=course.upstream)
        contender.seconds_each = 1 / max(1.0, run.per_second)
        settle(contender)


def captions(course: Course, connections: Sequence[int]) -> Runs:
    runs: Runs = {}
    for number in connections:
        for contender in course.turns():
            runs.setdefault((contender.name, number), []).append(course.load(contender, CAPTION, number))
    return runs


def pictures(course: Course, call: Call, connections: Sequence[int] = (1, 8)) -> Runs:
    runs: Runs = {}
    for number in connections:
        for contender in course.turns():
            runs.setdefault((contender.name, number), []).append(course.load(contender, call, number))
    return runs


def streams(course: Course, each: int) -> dict[str, list[Stream]]:
    """So many streams of each contender in a round, one after another."""
    found: dict[str, list[Stream]] = {}
    for contender in course.turns():
        stream(contender, STREAM)
        found.setdefault(contender.name, []).extend(stream(contender, STREAM) for _ in range(each))
    return found


def too_much(course: Course, contender: Contender, capacity: float) -> list[Run]:
    """Twice the requests a second that it can serve, from callers who do not wait for each other."""
    connections = round(2 * capacity * THINK_MS / 1000)
    runs = []
    for _ in range(course.rounds):
        runs.append(course.load(contender, CAPTION, max(16, connections), think_ms=THINK_MS))
        settle(contender)
    return runs

"""Whatever goes wrong between admission and answer: charged once or not at all, and the place is closed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import Response

from atelier.catalog import SERVICES
from atelier.contracts.base import Event, Result, Usage
from atelier.contracts.text_to_speech import SpeechRequest, SpeechResult
from atelier.errors import RateLimited, Unavailable
from atelier.gateway.auth import Caller
from atelier.gateway.limits import create_limits
from atelier.gateway.pipeline import Exchange, Pipeline
from atelier.gateway.tenants import TenantFacts
from atelier.gateway.usage import Ledger, UsageRecord
from atelier.rules import FREE, LimitRule, Price
from atelier.settings import Settings
from atelier.state.database import open_database

SPEECH = SERVICES["text-to-speech"]
REQUEST = SpeechRequest(text="hello")
CALLER = Caller("acme")


class Speaks:
    """Stands in for the upstreams."""

    async def call(self, *_: Any, **__: Any) -> AsyncGenerator[Event, None]:
        yield SpeechResult(
            model="tones",
            data=b"x",
            media_type="audio/wav",
            duration=1.0,
            sample_rate=1,
            voice="",
            language="en",
            usage=Usage(compute_ms=100),
        )


class Books:
    """Stands in for the ledger. hold: settling waits for it. away: it cannot be written."""

    def __init__(self) -> None:
        self.rows: list[UsageRecord] = []
        self.hold = asyncio.Event()
        self.hold.set()
        self.entered = asyncio.Event()
        self.away = False

    async def settle(self, record: UsageRecord) -> None:
        self.entered.set()
        await self.hold.wait()
        if self.away:
            raise Unavailable("away", retry_after=1)
        record.settled = True
        self.rows.append(record)


class Scene:
    def __init__(self, ledger: Any, tmp_path: Path, *rules: LimitRule, price: Price = FREE) -> None:
        limits = rules or (LimitRule(requests=3, per="hour"), LimitRule(concurrent=1))
        self.limits = create_limits(Settings(home=tmp_path, limits=list(limits)))
        self.pipeline = Pipeline(self.limits, Speaks(), None, ledger, {SPEECH.name: price})  # type: ignore[arg-type]

    async def exchange(self, number: int = 1) -> Exchange:
        place = await self.pipeline.admit(f"r{number}", CALLER, TenantFacts(), SPEECH, REQUEST)
        return Exchange(f"r{number}", CALLER, SPEECH, "speak", REQUEST, place)

    async def left(self) -> dict[str, float]:
        states = await self.limits.states("acme")
        return {state.measure: state.left for state in states if state.service == SPEECH.name}


def word(_: Result) -> Response:
    return Response(b"hello")


async def test_an_answer_is_charged_and_its_slot_is_free(tmp_path: Path) -> None:
    books = Books()
    scene = Scene(books, tmp_path)
    exchange = await scene.exchange()
    assert (await scene.pipeline.whole(exchange, word)).body == b"hello"
    [row] = books.rows
    assert (row.status, row.delivered.units) == ("succeeded", 5)
    assert exchange.metered is not None
    assert await scene.left() == {"requests": 2, "concurrent": 1}


async def test_what_cannot_be_metered_is_refused_and_takes_nothing(tmp_path: Path) -> None:
    books = Books()
    books.away = True
    scene = Scene(books, tmp_path)
    with pytest.raises(Unavailable):
        await scene.pipeline.whole(await scene.exchange(), word)
    assert await scene.left() == {"requests": 3, "concurrent": 1}


async def test_an_answer_that_cannot_be_worded_costs_nothing(tmp_path: Path) -> None:
    def stumbles(_: Result) -> Response:
        raise UnicodeEncodeError("latin-1", "…", 0, 1, "a header")

    books = Books()
    scene = Scene(books, tmp_path)
    with pytest.raises(UnicodeEncodeError):
        await scene.pipeline.whole(await scene.exchange(), stumbles)
    [row] = books.rows
    assert (row.status, row.error, row.counted.units) == ("failed", "internal_error", 0)
    assert await scene.left() == {"requests": 3, "concurrent": 1}


async def test_a_client_that_goes_while_its_row_is_written_has_one_row_and_an_answer_to_keep(tmp_path: Path) -> None:
    database = await open_database(f"sqlite+aiosqlite:///{tmp_path / 'atelier.db'}")

    class Slow(Ledger):
        written, held = asyncio.Event(), asyncio.Event()

        async def _write(self, line: bytes) -> None:
            await super()._write(line)
            self.written.set()
            await self.held.wait()

    ledger = Slow(database)
    scene = Scene(ledger, tmp_path)
    exchange = await scene.exchange()
    answering = asyncio.create_task(scene.pipeline.whole(exchange, word))
    await ledger.written.wait()
    answering.cancel()
    await asyncio.sleep(0)
    ledger.held.set()
    assert (await answering).body == b"hello"
    assert exchange.metered is not None
    assert (await ledger.month("acme", None))["total"] == 1
    assert await scene.left() == {"requests": 2, "concurrent": 1}
    await database.dispose()


async def test_a_client_that_goes_before_the_answer_is_recorded_as_cancelled(tmp_path: Path) -> None:
    class Hangs(Speaks):
        async def call(self, *_: Any, **__: Any) -> AsyncGenerator[Event, None]:
            called.set()
            await asyncio.Event().wait()
            yield Result(model="")

    called, books = asyncio.Event(), Books()
    scene = Scene(books, tmp_path)
    scene.pipeline = Pipeline(scene.limits, Hangs(), None, books, {})  # type: ignore[arg-type]
    answering = asyncio.create_task(scene.pipeline.whole(await scene.exchange(), word))
    await called.wait()
    answering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await answering
    assert [row.status for row in books.rows] == ["cancelled"]
    assert await scene.left() == {"requests": 2, "concurrent": 1}


async def test_compute_time_that_is_paid_for_is_reserved(tmp_path: Path) -> None:
    """A currency unit a second; an answer takes 0.1 s of a device for one second of speech."""
    rules = LimitRule(cost=10, per="month"), LimitRule(requests=99)
    scene = Scene(Books(), tmp_path, *rules, price=Price(compute_second=1))
    first = await scene.exchange()
    assert await money_left(scene) < 10 - 1, "nothing is known of its devices yet: what a processor takes"
    await scene.pipeline.whole(first, word)
    assert await money_left(scene) == 9.9
    for number in range(2, 100):
        try:
            await scene.exchange(number)
        except RateLimited:
            break
    assert number == 13, "twice the slowest that was seen, for the 4.75 s that `hello` may last: 0.95 each, or the rest"


async def test_what_only_the_work_can_tell_gets_the_rest_and_only_one_does(tmp_path: Path) -> None:
    scene = Scene(Books(), tmp_path, LimitRule(cost=1, per="month"), price=Price(audio_second=0.5))
    edge = await scene.exchange()
    with pytest.raises(RateLimited):
        await scene.exchange(2)
    await scene.pipeline.whole(edge, word)
    assert await money_left(scene) == 0.5


async def test_what_is_known_beforehand_must_fit(tmp_path: Path) -> None:
    scene = Scene(Books(), tmp_path, LimitRule(cost=1, per="month"), price=Price(character=0.3))
    with pytest.raises(RateLimited, match=r"1\.00 per month"):
        await scene.exchange()


async def money_left(scene: Scene) -> float:
    return next(state.left for state in await scene.limits.states("acme") if state.measure == "cost")

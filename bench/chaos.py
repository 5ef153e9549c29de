"""Nothing lost, nothing twice: kills a gateway, Redis and PostgreSQL in turn under a steady load, then counts.

    python bench/chaos.py                         # 200 requests a second, 20 s each: about two and a half minutes
    python bench/chaos.py --rate 50 --seconds 4   # a short form

Two gateways on one PostgreSQL and one Redis (with its append-only file), a stand-in upstream, and a client that does
what a load balancer does: where a connection is refused it asks the other gateway. Half of its requests come with a
token, half with an API key. It prints, and exits with 1 unless:

- every answered request has exactly one row;
- every row is of a request that was sent, and no request has two: by the id of its answer or, where it was broken off,
  by the id with which it reached the upstream;
- no request failed but those that were inside the killed gateway (and, with --redis-away closed, those refused while
  Redis was away);
- no gateway grew by 50 MB.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import secrets
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "bench"), str(ROOT / "src")]

from atelier.gateway.auth import make_token  # noqa: E402
from atelier.state.audit import Actor  # noqa: E402
from atelier.state.database import open_database  # noqa: E402
from atelier.state.keys import create_key  # noqa: E402
from gateway_process import GatewayProcess  # noqa: E402
from postgres_server import Postgres, running_postgres  # noqa: E402
from processes import answers, running  # noqa: E402
from redis_server import Redis, running_redis  # noqa: E402
from standin import CAPTIONER, free_port  # noqa: E402
from witness import marked, read_seen  # noqa: E402

MOST_GROWTH_MB = 50
SETTLED_SECONDS = 180
"""A batch whose reader lost the answer comes again after half a minute, on a busy machine several times."""

_PICTURE = base64.b64encode(bytes(64)).decode()  # the stand-in does not look at it
_IMAGE = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{_PICTURE}"}}


@dataclass
class Tally:
    """What the client saw. answered: the ids of answers with 200. refused: how many by phase and status, and their
    ids. broken: in which phase a request, by its number, was left without an answer.
    """

    answered: list[str] = field(default_factory=list)
    refused: Counter[tuple[str, int]] = field(default_factory=Counter)
    refused_ids: set[str] = field(default_factory=set)
    broken: dict[int, str] = field(default_factory=dict)
    phase: str = "steady"


@dataclass
class Scene:
    postgres: Postgres
    database: str
    redis: Redis
    gateways: list[GatewayProcess]
    credentials: tuple[str, str]
    seen: Path


@contextmanager
def scene(folder: Path, redis_away: str) -> Iterator[Scene]:
    with ExitStack() as stack:
        postgres, redis = stack.enter_context(running_postgres()), stack.enter_context(running_redis())
        port, seen = free_port(), folder / "seen"
        upstream = f"http://127.0.0.1:{port}"
        command = [sys.executable, ROOT / "bench" / "witness.py", "--port", str(port), "--seen", seen]
        stack.enter_context(running(command, ready=lambda: answers(f"{upstream}/health"), log=folder / "witness.log"))
        secret, database = secrets.token_hex(32), postgres.new_database()
        env = {
            "JWT_SECRET": secret,
            "DATABASE_URL": database,
            "REDIS_URL": redis.url,
            "ATELIER_REDIS_AWAY": redis_away,
            "ATELIER_GATEWAYS": "2",
            "ATELIER_UPSTREAMS": json.dumps({"text-to-image": [upstream], "image-to-text": [upstream]}),
            "ATELIER_LIMITS": json.dumps([{"requests": 10_000_000, "per": "hour"}, {"concurrent": 100_000}]),
            "ATELIER_LOG_LEVEL": "warning",
        }
        gateways = [GatewayProcess(folder / name, env) for name in ("one", "two")]
        for gateway in gateways:
            stack.callback(gateway.stop, signal.SIGTERM)
            gateway.start()
        _until(lambda: all(gateway.says(CAPTIONER.encode()) for gateway in gateways))
        credentials = (make_token(secret, "acme", seconds=3600), asyncio.run(_new_key(database)))
        yield Scene(postgres, database, redis, gateways, credentials, seen)


async def _new_key(location: str) -> str:
    database = await open_database(location)
    try:
        async with database.begin() as connection:
            return await create_key(connection, "acme", by=Actor("bench"))
    finally:
        await database.dispose()


def _until(condition: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"did not come true within {seconds} s")
        time.sleep(0.2)


async def load(scene: Scene, tally: Tally, rate: float, done: asyncio.Event) -> None:
    """Requests at their times, whatever became of those before; ends with the last answer."""
    timeout = aiohttp.ClientTimeout(total=60)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
        open_requests: set[asyncio.Task[None]] = set()
        begun, number = time.monotonic(), 0
        while not done.is_set():
            request = asyncio.create_task(_request(session, scene, number, tally))
            open_requests.add(request)
            request.add_done_callback(open_requests.discard)
            number += 1
            await asyncio.sleep(max(0.0, begun + number / rate - time.monotonic()))
        await asyncio.gather(*open_requests)


async def _request(session: aiohttp.ClientSession, scene: Scene, number: int, tally: Tally) -> None:
    phase, gateways = tally.phase, scene.gateways
    content = [_IMAGE, {"type": "text", "text": f"What is here? This is {marked(number)}"}]
    body = {"messages": [{"role": "user", "content": content}]}
    headers = {"authorization": f"Bearer {scene.credentials[number // 2 % 2]}"}
    for gateway in (gateways[number % 2], gateways[(number + 1) % 2]):
        try:
            async with session.post(f"{gateway.url}/v1/chat/completions", json=body, headers=headers) as answer:
                await answer.read()
                if answer.status == 200:
                    tally.answered.append(answer.headers["x-request-id"])
                else:
                    tally.refused[phase, answer.status] += 1
                    tally.refused_ids.add(answer.headers["x-request-id"])
                return
        except aiohttp.ClientConnectorError:
            continue  # nobody listens: the other one is asked
        except (aiohttp.ClientError, TimeoutError):
            tally.broken[number] = phase
            return
    tally.refused[phase, 0] += 1


async def play(scene: Scene, tally: Tally, seconds: float) -> None:
    """Each of the three is gone for so long, and as long is waited before the next."""
    one = scene.gateways[0]
    acts: list[tuple[str, Callable[[], None], Callable[[], None]]] = [
        ("gateway away", one.stop, one.start),
        ("redis away", scene.redis.stop, scene.redis.start),
        ("postgres away", scene.postgres.stop, scene.postgres.start),
    ]
    await _wait(scene, min(seconds, 5))
    for name, kill, start in acts:
        tally.phase = name
        await asyncio.to_thread(kill)
        await _wait(scene, seconds)
        await asyncio.to_thread(start)
        tally.phase = f"after {name}"
        await _wait(scene, seconds)


async def _wait(scene: Scene, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        await asyncio.sleep(0.5)
        for gateway in scene.gateways:
            gateway.look_at_memory()


async def run(scene: Scene, rate: float, seconds: float) -> Tally:
    tally, done = Tally(), asyncio.Event()
    client = asyncio.create_task(load(scene, tally, rate, done))
    await play(scene, tally, seconds)
    done.set()
    await client
    return tally


def rows(scene: Scene) -> list[str]:
    return [row[0] for row in scene.postgres.ask(scene.database, 'SELECT id FROM "AIUsage"')]


def verdict(scene: Scene, tally: Tally, *, redis_away: str) -> list[str]:
    """What is wrong, in sentences; waits until what is on its way has arrived."""
    answered = set(tally.answered)
    with suppress(TimeoutError):
        _until(lambda: answered <= set(rows(scene)), SETTLED_SECONDS)
    written = rows(scene)
    phases = Counter(tally.broken.values())
    others = phases.total() - phases["gateway away"] - phases["steady"]
    numbers = read_seen(scene.seen)
    unanswered = {id_: numbers.get(id_) for id_ in set(written) - answered - tally.refused_ids}
    broken_off = [number for number in unanswered.values() if number in tally.broken]
    of_no_request = len(unanswered) - len(broken_off)
    declared = {("redis away", 503), ("after redis away", 503)} if redis_away == "closed" else set()
    refused = {key: count for key, count in tally.refused.items() if key not in declared}
    growth = max(gateway.growth_mb for gateway in scene.gateways)
    print(f"answered {len(tally.answered)}, rows {len(written)}, without a row {len(answered - set(written))}")
    print(f"rows of no request {of_no_request}, of requests broken off {len(broken_off)}; broken off {dict(phases)}")
    print(f"refused {dict(tally.refused)}; most growth of a gateway {growth:.1f} MB")
    wrong = {
        "answered requests have no row": len(answered - set(written)),
        "rows are twice there": len(written) - len(set(written)),
        "ids were given twice": len(tally.answered) - len(answered),
        "rows belong to no request": of_no_request,
        "rows are a second one of a request that was broken off": len(broken_off) - len(set(broken_off)),
        "requests were refused": sum(refused.values()),
        "requests were broken off that were in no killed gateway": others,
        "MB of growth is too much": round(growth) if growth > MOST_GROWTH_MB else 0,
    }
    return [f"{count} {what}" for what, count in wrong.items() if count]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, default=200, help="requests a second")
    parser.add_argument("--seconds", type=float, default=20, help="how long each is away")
    parser.add_argument("--redis-away", choices=("local", "closed"), default="local")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, scene(Path(folder), options.redis_away) as stage:
        tally = asyncio.run(run(stage, options.rate, options.seconds))
        problems = verdict(stage, tally, redis_away=options.redis_away)
    sys.exit("\n".join(problems) or 0)


if __name__ == "__main__":
    main()

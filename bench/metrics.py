"""What metrics cost the gateway: the same load with and without them, in turn, round after round.

    python bench/metrics.py                    # one process, then two: about five minutes
    python bench/metrics.py --rounds 3 --seconds 2 --processes 1

Both are read by a Prometheus (a request for /metrics every five seconds), so that reading is in the figures too.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import contenders
import measures
from atelier.gateway.shared_metrics import FOLDER
from contenders import Contender
from load import Run
from measures import Course

CONNECTIONS = 64
SCRAPE_SECONDS = 5.0
MOST_PERCENT = 3.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=24)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--processes", type=int, choices=(1, 2), help="of the gateway; none: first one, then two")
    parser.add_argument("--state", choices=contenders.STATES, default="production")
    options = parser.parse_args()
    for processes in [options.processes] if options.processes else [1, 2]:
        _compare(options, processes)


def _compare(options: argparse.Namespace, processes: int) -> None:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="atelier-bench-")))
        folder.chmod(0o755)
        upstream = stack.enter_context(contenders.standin(folder))
        pair = [
            stack.enter_context(
                contenders.gateway(upstream.url, folder, state=options.state, processes=processes, metered=metered)
            )
            for metered in (True, False)
        ]
        for contender in pair:
            stack.enter_context(_scraped(contender))
        course = Course(pair, upstream, options.rounds, options.seconds)
        measures.warm_up(course)
        runs = measures.captions(course, [CONNECTIONS])
        _print(processes, *(runs[contender.name, CONNECTIONS] for contender in pair), [c.name for c in pair])


@contextmanager
def _scraped(contender: Contender) -> Iterator[None]:
    done = threading.Event()
    request = urllib.request.Request(
        f"{contender.url}/metrics", headers={"authorization": f"Bearer {contenders.METRICS_TOKEN}"}
    )

    def scrape() -> None:
        while not done.wait(SCRAPE_SECONDS):
            with urllib.request.urlopen(request, timeout=30) as answer:
                answer.read()

    thread = threading.Thread(target=scrape, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _print(processes: int, metered: list[Run], unmetered: list[Run], names: list[str]) -> None:
    print(f"\ngateway processes: {processes}; {CONNECTIONS} connections, {len(metered)} rounds in turn")
    for name, rounds in zip(names, (metered, unmetered), strict=True):
        spent = [run.cost[name] for run in rounds]
        print(
            f"  {name:<20}{_median(run.per_second for run in rounds):>7,.0f} requests a second, "
            f"{_median(spent):.1f} µs of processor time a request (each round {_each(spent, '.0f')}); "
            f"others {_median(run.others for run in rounds):.2f} cores"
        )
    ours, theirs = (
        [run.cost[name] for run in rounds] for name, rounds in zip(names, (metered, unmetered), strict=True)
    )
    more = [100 * (a / b - 1) for a, b in zip(ours, theirs, strict=True)]
    counting = _counting_microseconds(shared=processes > 1)
    print(
        f"  of a request's processor time metrics cost (target: under {MOST_PERCENT:g} %)\n"
        f"    {100 * (_least(ours) / _least(theirs) - 1):+.1f} % by the least disturbed quarter of the rounds\n"
        f"    {_median(more):+.1f} % by the median of the pairs: {_each(more, '+.0f')}\n"
        f"    {100 * counting / _least(ours):.1f} % by {counting:.1f} µs, which counting one takes alone in a loop"
    )


def _least(found: list[float]) -> float:
    """Their lower quarter's mean: what others on the machine do only ever adds."""
    return statistics.mean(sorted(found)[: max(1, len(found) // 4)])


def _counting_microseconds(*, shared: bool) -> float:
    """Where several processes share their metrics each writes its own into files."""
    program = (
        "import timeit; from atelier.gateway.metrics import Metrics; metrics = Metrics();"
        "count = lambda: metrics.count('image-to-text', 200, 'tier-0', seconds=0.02, first_byte=0.02, limit=None);"
        "print(min(timeit.repeat(count, number=20_000, repeat=15)) / 20_000 * 1e6)"
    )
    with tempfile.TemporaryDirectory() as folder:
        env = os.environ | ({FOLDER: folder} if shared else {}) | {"PYTHONPATH": str(contenders.ROOT / "src")}
        done = subprocess.run([sys.executable, "-c", program], env=env, check=True, capture_output=True, text=True)
    return float(done.stdout)


def _median(found: Iterable[float]) -> float:
    return statistics.median(found)


def _each(found: Iterable[float], form: str) -> str:
    return " ".join(f"{one:{form}}" for one in found)


if __name__ == "__main__":
    main()

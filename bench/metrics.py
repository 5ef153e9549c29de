"""What metrics cost the gateway: under steady load it counts its requests for a moment, or does not, by chance.

    python bench/metrics.py                    # one process, then two: about five minutes
    python bench/metrics.py --seconds 30 --processes 1

Two figures: what a request takes of the processor with counting beside without, and how sure that is where others use
the machine too; and what counting itself takes, in the same gateway under the same load, which hardly depends on who
else runs. A Prometheus reads /metrics every five seconds meanwhile.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import threading
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import contenders
import measures
from contenders import Contender
from load import load
from measures import CAPTION

CONNECTIONS = 64
SCRAPE_SECONDS = 5.0
MOST_PERCENT = 3.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--processes", type=int, choices=(1, 2), help="of the gateway; none: first one, then two")
    parser.add_argument("--state", choices=contenders.STATES, default="production")
    options = parser.parse_args()
    for processes in [options.processes] if options.processes else [1, 2]:
        _measure(options.seconds, options.state, processes)


def _measure(seconds: float, state: str, processes: int) -> None:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="atelier-bench-")))
        folder.chmod(0o755)
        upstream = stack.enter_context(contenders.standin(folder))
        gateway = stack.enter_context(
            contenders.gateway(upstream.url, folder, state=state, processes=processes, flips=folder / "flips")
        )
        stack.enter_context(_scraped(gateway))
        measures.check(gateway)
        load(gateway, CAPTION, connections=CONNECTIONS, seconds=3, standin=upstream)
        warm = {file: len(file.read_text().splitlines()) for file in folder.glob("flips.*")}
        run = load(gateway, CAPTION, connections=CONNECTIONS, seconds=seconds, standin=upstream)
        moments = [moment for file, skip in warm.items() for moment in _moments(file.read_text().splitlines()[skip:])]
        print(
            f"\n{processes} gateway process(es), {CONNECTIONS} connections, {run.per_second:,.0f} requests a second; "
            f"others kept {run.others:.2f} cores busy"
        )
        _print(moments)


class Moment(NamedTuple):
    """spent, counting: seconds of processor time, in all and to count the requests."""

    counted: bool
    requests: int
    spent: float
    counting: float


def _moments(lines: list[str]) -> list[Moment]:
    rows = (line.split() for line in lines)
    return [Moment(row[0] == "1", int(row[1]), float(row[2]), float(row[3])) for row in rows]


def _print(moments: list[Moment]) -> None:
    counted, plain = ([m for m in moments if m.counted == which] for which in (True, False))
    each, without = _microseconds(counted), _microseconds(plain)
    counting = sum(m.counting for m in counted) / sum(m.requests for m in counted) * 1e6
    drawn = sorted(
        _microseconds(random.choices(counted, k=len(counted))) / _microseconds(random.choices(plain, k=len(plain))) - 1
        for _ in range(2000)
    )
    print(
        f"  {sum(m.requests for m in moments):,} requests in {len(moments)} moments; processor time of one: "
        f"{each:.1f} µs counted, {without:.1f} µs not\n"
        f"  counting itself takes {counting:.2f} µs, {100 * counting / without:.2f} % (target: {MOST_PERCENT:g} %)\n"
        f"  with counting beside without: {100 * (each / without - 1):+.1f} %, and with 95 % certainty "
        f"{100 * drawn[50]:+.1f} to {100 * drawn[-51]:+.1f} %",
        flush=True,
    )


def _microseconds(moments: Sequence[Moment]) -> float:
    return sum(m.spent for m in moments) / sum(m.requests for m in moments) * 1e6


@contextmanager
def _scraped(gateway: Contender) -> Iterator[None]:
    done = threading.Event()
    token = {"authorization": f"Bearer {contenders.METRICS_TOKEN}"}
    request = urllib.request.Request(f"{gateway.url}/metrics", headers=token)

    def scrape() -> None:
        while not done.wait(SCRAPE_SECONDS):
            with urllib.request.urlopen(request, timeout=60) as answer:
                answer.read()

    thread = threading.Thread(target=scrape, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


if __name__ == "__main__":
    main()

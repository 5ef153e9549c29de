"""What the gateway costs: requests a second and added time, beside plain nginx and LiteLLM's proxy.

    python bench/gateway.py                        # everything: about half an hour
    python bench/gateway.py --quick --only gateway,nginx --parts captions
    python bench/gateway.py --profile              # where the gateway's time goes

All stand in front of the same stand-in upstream (bench/standin.py) and are asked in turn, round after round, so that
ratios are of one run on one machine. What it needs is fetched into build/bench/ the first time.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path

import contenders
import measures
import report
from contenders import Contender
from hotspots import Sampling
from load import load
from measures import CAPTION, PICTURE, SENT, Course, Runs
from processes import DidNotStart

CONNECTIONS = (1, 16, 64, 256)
CONTENDERS = ("direct", "nginx", "nginx asking", "gateway", "litellm")
PARTS = ("captions", "pictures", "streams", "processes", "overload")


def main() -> None:
    try:
        _run(_options())
    except DidNotStart as problem:
        sys.exit(str(problem))


def _run(options: argparse.Namespace) -> None:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="atelier-bench-")))
        folder.chmod(0o755)  # PostgreSQL and nginx may be other users'
        upstream = stack.enter_context(contenders.standin(folder))
        start = _starters(stack, upstream, folder, options.state)
        if options.profile:
            _profile(start["gateway"](), upstream)
        else:
            _measure([start[name]() for name in options.only], start["gateway x2"], upstream, options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="two short rounds, for trying")
    parser.add_argument("--only", type=_words(CONTENDERS), default=CONTENDERS, help="contenders, with commas between")
    parser.add_argument("--parts", type=_words(PARTS), default=PARTS, help="of the measures, with commas between")
    parser.add_argument("--connections", type=_numbers, default=CONNECTIONS, help="numbers, with commas between")
    parser.add_argument("--state", choices=contenders.STATES, default="production", help="where the gateway keeps it")
    parser.add_argument("--profile", action="store_true", help="where the gateway's time goes at 64 connections")
    parser.add_argument("--seconds", type=float, help="of each round")
    parser.add_argument("--rounds", type=int)
    options = parser.parse_args()
    options.only = tuple(name for name in CONTENDERS if name in {*options.only, "direct"})
    options.seconds = options.seconds or (2 if options.quick else 5)
    options.rounds = options.rounds or (2 if options.quick else 5)
    return options


def _words(known: Iterable[str]) -> Callable[[str], tuple[str, ...]]:
    def words(text: str) -> tuple[str, ...]:
        wanted = tuple(text.split(","))
        if unknown := set(wanted) - set(known):
            raise argparse.ArgumentTypeError(f"no {', '.join(unknown)}; there are {', '.join(known)}")
        return wanted

    return words


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in text.split(","))


def _starters(stack: ExitStack, upstream: Contender, folder: Path, state: str) -> Mapping[str, Callable[[], Contender]]:
    """How each contender is started; it runs until the stack ends."""

    def gateway(processes: int) -> Contender:
        return stack.enter_context(contenders.gateway(upstream.url, folder, state=state, processes=processes))

    return {
        "direct": lambda: upstream,
        "nginx": lambda: stack.enter_context(contenders.nginx(upstream.url, folder)),
        "nginx asking": lambda: stack.enter_context(contenders.nginx(upstream.url, folder, asks=True)),
        "gateway": lambda: gateway(1),
        "gateway x2": lambda: gateway(2),
        "litellm": lambda: stack.enter_context(contenders.litellm(upstream.url, folder)),
    }


def _measure(
    entered: list[Contender], start_two: Callable[[], Contender], upstream: Contender, options: argparse.Namespace
) -> None:
    course = Course(entered, upstream, options.rounds, options.seconds)
    measures.warm_up(course)
    runs = Runs()
    if "captions" in options.parts:
        runs = measures.captions(course, options.connections)
        _print(report.captions(runs), report.ratios(runs), report.costs(runs))
    if "pictures" in options.parts:
        for way, call in (("received", PICTURE), ("sent", SENT)):
            _print(report.pictures(measures.pictures(course, call), way))
    if "streams" in options.parts:
        _print(report.streams(measures.streams(course, each=5 if options.quick else 20)))
    _print(report.memory(entered), report.metering(runs, entered))
    ours = [contender for contender in entered if contender.name == "gateway"]
    if ours and "processes" in options.parts:
        _measure_processes(Course([*ours, start_two()], upstream, options.rounds, options.seconds))
    if ours and "overload" in options.parts:
        _measure_overload(Course(ours, upstream, options.rounds, options.seconds))


def _measure_processes(course: Course) -> None:
    measures.warm_up(course)
    _print(report.processes(measures.captions(course, [64]), course.entered))


def _measure_overload(course: Course) -> None:
    (ours,) = course.entered
    capacity = max(run.per_second for run in measures.captions(course, [64])[ours.name, 64])
    _print(report.too_much(measures.too_much(course, ours, capacity), capacity), report.memory([ours]))


def _profile(contender: Contender, upstream: Contender) -> None:
    """Warm first: what happens once is not what a request costs."""
    measures.check(contender)
    load(contender, CAPTION, connections=64, seconds=3, standin=upstream)
    sampling = Sampling(contender.pids[0], seconds=10)
    run = load(contender, CAPTION, connections=64, seconds=12, standin=upstream)
    print(f"{run.per_second:,.0f} requests a second while sampled; {report.cost([run])}\n")
    _print(sampling.report())


def _print(*parts: Iterable[str]) -> None:
    for part in parts:
        for line in part:
            print(line, flush=True)


if __name__ == "__main__":
    main()

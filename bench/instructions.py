"""How many instructions of the processor a request takes of the gateway, the kernel's not counted.

    python bench/instructions.py

The figure is the same within half a per cent however busy the machine is, so that two checkouts can be compared where
times say nothing: run each one's own. It is not a time: an instruction may wait for memory. Callgrind counts, on a
processor of its own making that is some fifty times slower.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import tempfile
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import contenders
import measures
from load import load
from measures import CAPTION
from programs import Program, set_up_valgrind

CONNECTIONS = 16
_FUNCTION = re.compile(r"\s*([\d,]+) \(.*\[(.*)\]$")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--state", choices=contenders.STATES, default="production")
    options = parser.parse_args()
    valgrind = set_up_valgrind()
    os.environ.update(valgrind.env)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="atelier-bench-")))
        folder.chmod(0o755)
        upstream = stack.enter_context(contenders.standin(folder))
        counts = folder / "counts"
        under = [valgrind.path, "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={counts}"]
        gateway = stack.enter_context(contenders.gateway(upstream.url, folder, state=options.state, under=under))
        measures.check(gateway)
        load(gateway, CAPTION, connections=CONNECTIONS, seconds=3, standin=upstream)
        _tell(valgrind, gateway.pids[0], "instrumentation on")
        run = load(gateway, CAPTION, connections=CONNECTIONS, seconds=options.seconds, standin=upstream)
        _tell(valgrind, gateway.pids[0], "instrumentation off")
        _tell(valgrind, gateway.pids[0], "dump")
        _print(_by_library(valgrind, max(folder.glob("counts.*"))), run.answered)


def _tell(valgrind: Program, pid: int, what: str) -> None:
    command = [valgrind.path.with_name("vgdb"), f"--pid={pid}", *what.split()]
    subprocess.run(command, env=valgrind.env, check=True, capture_output=True)


def _by_library(valgrind: Program, counts: Path) -> Counter[str]:
    command = [valgrind.path.with_name("callgrind_annotate"), "--threshold=100", "--auto=no", counts]
    said = subprocess.run(command, env=valgrind.env, check=True, capture_output=True, text=True).stdout
    found: Counter[str] = Counter()
    for line in said.splitlines():
        if function := _FUNCTION.match(line):
            found[Path(function[2]).name.partition(".")[0]] += int(function[1].replace(",", ""))
    return found


def _print(libraries: Counter[str], requests: int) -> None:
    print(f"{libraries.total() / requests:,.0f} instructions a request, of {requests:,} requests; by library:")
    for name, count in libraries.most_common(12):
        print(f"  {count / requests:10,.0f}  {name}")


if __name__ == "__main__":
    main()

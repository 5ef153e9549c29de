"""The command `atelier`: serve, look, and administer. Rich on a terminal, plain or JSON elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Sequence

__all__ = ["main"]


def main(words: Sequence[str] | None = None) -> None:
    """Run the command (`words`, or the process's own); a problem is a sentence on stderr and exit status 1."""
    given = list(sys.argv[1:] if words is None else words)
    if len(given) == 2 and given[0] == "probe" and "://" in given[1]:
        # Each container asks itself every few seconds: the short way, without the libraries of the other commands.
        from atelier.cli.probe import probe

        return probe(given[1])
    from atelier.cli.root import main as command

    return command(given)

"""A stand-in that writes down what reached it: the gateway's id of each request, and which of the client's it was.

python bench/witness.py --port 9100 --seen FILE
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TextIO

import uvloop

from standin import Answers, Connection, serve

_NUMBER = re.compile(rb"request (\d+)\.")


def marked(number: int) -> str:
    """The words that the text of a client's request must hold."""
    return f"request {number}."


def read_seen(file: Path) -> dict[str, int]:
    """The numbers of the client's requests, by the ids that gateways gave them."""
    lines = (line.split() for line in file.read_text().splitlines())
    return {request_id: int(number) for request_id, number in lines}


class _Watched(Connection):
    def __init__(self, answers: Answers, seen: TextIO) -> None:
        super().__init__(answers)
        self._seen = seen
        self._id = ""

    def on_url(self, url: bytes) -> None:
        self._id = ""
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"x-request-id":
            self._id = value.decode()

    def on_message_complete(self) -> None:
        if self._id and (found := _NUMBER.search(self._body)):
            self._seen.write(f"{self._id} {int(found[1])}\n")
        super().on_message_complete()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--seen", type=Path, required=True, help="the file that is written")
    options = parser.parse_args()
    answers = Answers(0.0)
    with options.seen.open("w", buffering=1) as seen:
        uvloop.run(serve(options.port, lambda: _Watched(answers, seen)))


if __name__ == "__main__":
    main()

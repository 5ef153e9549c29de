"""One file of the hub, by byte ranges: what is on the disk is kept through cuts and kills, and checked at the end."""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

import httpx2
from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status

from atelier import __version__
from atelier.errors import TooLarge, UpstreamFailed
from atelier.models.hub.patience import Patience
from atelier.models.hub.refusals import endpoint, understood
from atelier.models.hub.repository import Published
from atelier.worker.checksums import sha256

TIMEOUT = httpx2.Timeout(30.0, read=60.0)
MOST_CORRUPT = 3
"""So often a file may arrive with other bytes than were published."""


class Account(Protocol):
    """Counts a file's bytes on the disk; negative where some are given up."""

    def __call__(self, count: int) -> None: ...


@dataclass(frozen=True)
class Transfer:
    """A file, and where its bytes are gathered until all are there and right."""

    file: Published
    part: Path

    @property
    def done(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0


def fetch(transfer: Transfer, patience: Callable[[], Patience], account: Account, say: Callable[[str], None]) -> None:
    """Every byte of the file into its part, which then is what was published.

    Raises what `understood` does, UpstreamFailed for bytes that never are those that were published, TooLarge where
    the disk is full, Cancelled once the download is to stop. What was fetched is kept, but for wrong bytes.
    """
    file = transfer.file
    transfer.part.parent.mkdir(parents=True, exist_ok=True)
    for _ in range(MOST_CORRUPT):
        until = patience()
        with understood(file.repository, f"{file.repository}: {file.path}"):
            until.try_out(partial(_rest, transfer, until, account))
        if is_published(transfer.part, file):
            return
        account(-min(transfer.done, file.size))
        transfer.part.unlink()
        say(f"{file.path} did not arrive as it was published; fetching it again")
    raise UpstreamFailed(
        f"{file.repository}: {file.path} arrived {MOST_CORRUPT} times with other bytes than were published "
        f"({file.digest[:12]}…); check the mirror (HF_ENDPOINT), the proxy, and this machine's memory and disk"
    )


def _rest(transfer: Transfer, patience: Patience, account: Account) -> None:
    """What lacks. Raises TransportError where less came."""
    file, done = transfer.file, transfer.done
    if done >= file.size and transfer.part.exists():
        return
    url = f"{endpoint()}/{file.repository}/resolve/{file.commit}/{quote(file.path)}"
    headers = build_hf_headers(library_name="atelier", library_version=__version__) | {"Accept-Encoding": "identity"}
    if done:
        headers["Range"] = f"bytes={done}-"
    with get_session().stream("GET", url, headers=headers, timeout=TIMEOUT, follow_redirects=True) as answer:
        if not answer.is_success:
            answer.read()
        hf_raise_for_status(answer)
        if answer.status_code != 206 and done:  # a server that knows no ranges sends the whole file
            account(-done)
            done = 0
        _check_range(answer, done, file)
        with transfer.part.open("r+b" if done else "wb", buffering=0) as opened:
            opened.seek(done)
            for more in answer.iter_raw():
                piece = more[: file.size - done]
                _write(opened.write, piece, file)
                done += len(piece)
                account(len(piece))
                patience.progressed(done)
                patience.check()
    if done < file.size:
        raise httpx2.RemoteProtocolError(f"ended after {done} of {file.size} bytes")


def _check_range(answer: httpx2.Response, done: int, file: Published) -> None:
    """Raises UpstreamFailed where the answer is about a file of another length, or begins elsewhere."""
    span, _, total = answer.headers.get("content-range", "").removeprefix("bytes ").partition("/")
    if answer.status_code == 206 and span.partition("-")[0] != str(done):
        raise httpx2.RemoteProtocolError(f"another range than was asked for: {span}")
    length = total if answer.status_code == 206 else answer.headers.get("content-length", "")
    if length.isdigit() and int(length) != file.size:
        raise UpstreamFailed(
            f"{file.repository}: {file.path} has {length} bytes at the hub and was published with {file.size}; "
            "check the mirror (HF_ENDPOINT) and the proxy"
        )


def _write(write: Callable[[bytes], int | None], piece: bytes, file: Published) -> None:
    try:
        written = 0
        while written < len(piece):
            written += write(piece[written:]) or 0
    except OSError as problem:
        if problem.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        raise TooLarge(
            f"The disk is full, in the middle of {file.path}. What was fetched is kept: make room, and type the same "
            "again"
        ) from None


def is_published(place: Path, file: Published) -> bool:
    """Whether it is that file, to the byte."""
    if not place.is_file() or place.stat().st_size != file.size:
        return False
    return (sha256(place) if file.is_large else _git_name(place)) == file.digest


def _git_name(place: Path) -> str:
    """As git names the content of a file; what it is for here does not ask for a strong hash."""
    content = place.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()

"""A small model hub that speaks huggingface.co's protocol, with a content network beside it, and faults on demand."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

LARGE = (".bin", ".safetensors", ".onnx", ".pth")
"""Endings of files that the hub keeps outside git, and whose SHA-256 it tells."""

PIECE = 64 * 1024


@dataclass(frozen=True)
class Refuse:
    """Answers with an error."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Cut:
    """Closes the connection when this share of the file is sent."""

    at: float


@dataclass(frozen=True)
class Flip:
    """One bit of the byte at this place is another."""

    at: int


@dataclass(frozen=True)
class Instead:
    """Answers with these bytes, as if they were the file, or as the range that was asked for."""

    data: bytes


@dataclass(frozen=True)
class Ignore:
    """Sends the whole file, whatever part is asked for."""


@dataclass
class Stall:
    """Sends this share of the file, then nothing until it is let go; then the rest, this many seconds a piece."""

    at: float
    slowly: float = 0.0
    reached: threading.Event = field(default_factory=threading.Event)
    let_go: threading.Event = field(default_factory=threading.Event)


Fault = Refuse | Cut | Flip | Instead | Ignore | Stall


@dataclass
class Seen:
    """A request, its headers by their names in small letters, how many bytes of a file went out, and when it came."""

    method: str
    place: str
    path: str
    headers: Mapping[str, str]
    status: int = 0
    sent: int = 0
    at: float = field(default_factory=time.monotonic)


class Repository:
    """Files by commit. The newest commit is what `main` means."""

    def __init__(self, files: Mapping[str, bytes], gated: bool = False) -> None:
        self.commits: dict[str, dict[str, bytes]] = {}
        self.gated = gated
        self.commit(files)

    def commit(self, files: Mapping[str, bytes]) -> str:
        content = repr(sorted((name, _sha256(data)) for name, data in files.items()))
        self.newest = hashlib.sha1(content.encode()).hexdigest()
        self.commits[self.newest] = dict(files)
        return self.newest

    def at(self, revision: str) -> tuple[str, dict[str, bytes]] | None:
        commit = self.newest if revision == "main" else revision
        return (commit, self.commits[commit]) if commit in self.commits else None


class Hub:
    """The hub at `url`; large files are redirected to the content network at `content_url`.

    faults: path of a file, or `api`, → what goes wrong, once each, in order.
    """

    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = {}
        self.faults: dict[str, list[Fault]] = {}
        self.token: str | None = None
        self.seen: list[Seen] = []
        self._servers = [ThreadingHTTPServer(("127.0.0.1", 0), self._handler(place)) for place in ("hub", "content")]
        self.url, self.content_url = (f"http://127.0.0.1:{server.server_address[1]}" for server in self._servers)
        self._threads = [threading.Thread(target=server.serve_forever, daemon=True) for server in self._servers]

    def sent(self, path: str) -> int:
        """Bytes of that file that went out."""
        return sum(seen.sent for seen in self.seen if seen.path.endswith(path))

    def add(self, repository: str, files: Mapping[str, bytes], *, gated: bool = False) -> Repository:
        self.repositories[repository] = Repository(files, gated)
        return self.repositories[repository]

    def next_fault(self, name: str) -> Fault | None:
        waiting = next((faults for path, faults in self.faults.items() if name.endswith(path)), [])
        return waiting.pop(0) if waiting else None

    def __enter__(self) -> Hub:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()

    def _handler(self, place: str) -> type[BaseHTTPRequestHandler]:
        return type("Handler", (_Exchange,), {"hub": self, "place": place})


class _Exchange(BaseHTTPRequestHandler):
    hub: Hub
    place: str
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.asked = Seen(self.command, self.place, path, {name.lower(): value for name, value in self.headers.items()})
        self.hub.seen.append(self.asked)
        with contextlib.suppress(ConnectionError):
            if self.place == "content":
                self._content(path)
            elif path.startswith("/api/models/"):
                self._api(path.removeprefix("/api/models/"))
            else:
                self._resolve(path)

    def _api(self, path: str) -> None:
        name, _, revision = path.partition("/revision/")
        fault = self.hub.next_fault("api")
        if isinstance(fault, Refuse):
            self._refuse(fault.status, fault.headers)
            return
        repository = self.hub.repositories.get(name)
        if repository is None:
            self._refuse(404, {"X-Error-Code": "RepoNotFound", "X-Error-Message": "Repository not found"})
            return
        found = repository.at(revision or "main")
        if found is None:
            self._refuse(404, {"X-Error-Code": "RevisionNotFound", "X-Error-Message": f"Invalid rev id: {revision}"})
            return
        commit, files = found
        self._send(json.dumps(_described(name, repository, commit, files)).encode(), "application/json")

    def _resolve(self, path: str) -> None:
        split = re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path)
        repository = self.hub.repositories.get(split[1]) if split else None
        found = repository.at(split[2]) if repository and split else None
        if repository is None or split is None or found is None or split[3] not in found[1]:
            self._refuse(404, {"X-Error-Code": "EntryNotFound", "X-Error-Message": "Entry not found"})
            return
        if repository.gated and self.headers.get("Authorization") != f"Bearer {self.hub.token}":
            status = 403 if self.headers.get("Authorization") else 401
            self._refuse(status, {"X-Error-Code": "GatedRepo", "X-Error-Message": "Access to this model is restricted"})
            return
        commit, files = found
        data, name = files[split[3]], split[3]
        headers = {"X-Repo-Commit": commit, "ETag": f'"{_blob(data)}"'}
        if name.endswith(LARGE):
            address = f"{self.hub.content_url}/{_sha256(data)}/{split[1]}/{commit}/{name}"
            headers |= {"Location": address, "X-Linked-Size": str(len(data)), "X-Linked-ETag": f'"{_sha256(data)}"'}
            self._head(302, headers | {"Content-Length": "0"})
        else:
            self._file(name, data, headers)

    def _content(self, path: str) -> None:
        """As a signed address of an object store: who asks does not matter, and a token that is shown is refused."""
        if "Authorization" in self.headers:
            self._refuse(400, {})
            return
        _, _, owner, name, commit, file = path.split("/", 5)
        self._file(file, self.hub.repositories[f"{owner}/{name}"].commits[commit][file], {})

    def _file(self, name: str, data: bytes, headers: Mapping[str, str]) -> None:
        fault = self.hub.next_fault(name)
        if isinstance(fault, Refuse):
            self._refuse(fault.status, fault.headers)
            return
        data = fault.data if isinstance(fault, Instead) else data
        begin = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        first = 0 if begin is None or isinstance(fault, Ignore) else int(begin[1])
        if first >= len(data) > 0:
            self._refuse(416, {"Content-Range": f"bytes */{len(data)}"})
            return
        if isinstance(fault, Flip):
            data = data[: fault.at] + bytes([data[fault.at] ^ 1]) + data[fault.at + 1 :]
        partial = {"Content-Range": f"bytes {first}-{len(data) - 1}/{len(data)}"} if first else {}
        length = {"Content-Length": str(len(data) - first), "Accept-Ranges": "bytes"}
        self._head(206 if first else 200, {**headers, **partial, **length})
        if self.command == "GET":
            self._body(data, first, fault)

    def _body(self, data: bytes, first: int, fault: Fault | None) -> None:
        stop = int(len(data) * fault.at) if isinstance(fault, Cut | Stall) else len(data)
        self._pieces(data[first:stop])
        if isinstance(fault, Stall):
            fault.reached.set()
            fault.let_go.wait(30)
            self._pieces(data[max(first, stop) :], fault.slowly)
        self.close_connection = self.close_connection or isinstance(fault, Cut)

    def _pieces(self, data: bytes, seconds: float = 0.0) -> None:
        for start in range(0, len(data), PIECE):
            time.sleep(seconds)
            piece = data[start : start + PIECE]
            self.wfile.write(piece)
            self.asked.sent += len(piece)

    def _refuse(self, status: int, headers: Mapping[str, str]) -> None:
        self._head(status, {"Content-Length": "0", **headers})

    def _send(self, body: bytes, kind: str) -> None:
        self._head(200, {"Content-Type": kind, "Content-Length": str(len(body))})
        self.wfile.write(body)

    def _head(self, status: int, headers: Mapping[str, str]) -> None:
        self.asked.status = status
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()


def _described(name: str, repository: Repository, commit: str, files: Mapping[str, bytes]) -> dict[str, object]:
    """What the hub says of a model, with `blobs=true`."""
    return {
        "id": name,
        "modelId": name,
        "sha": commit,
        "private": False,
        "gated": "manual" if repository.gated else False,
        "tags": [],
        "downloads": 0,
        "siblings": [_sibling(path, data) for path, data in files.items()],
    }


def _sibling(path: str, data: bytes) -> dict[str, object]:
    if not path.endswith(LARGE):
        return {"rfilename": path, "size": len(data), "blobId": _blob(data)}
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{_sha256(data)}\nsize {len(data)}\n".encode()
    lfs = {"sha256": _sha256(data), "size": len(data), "pointerSize": len(pointer)}
    return {"rfilename": path, "size": len(data), "blobId": _blob(pointer), "lfs": lfs}


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _blob(data: bytes) -> str:
    """As git names the content of a file."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


@contextlib.contextmanager
def running_hub() -> Iterator[Hub]:
    with Hub() as hub:
        yield hub

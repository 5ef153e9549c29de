"""A real HTTP server that speaks S3 (moto's) on loopback for tests; what it holds is in its memory."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
from pydantic import SecretStr

from ports import free_port
from servers import until

NOWHERE = "http://127.0.0.1:9"  # the discard port: nothing listens


class S3:
    """A test takes a bucket of its own."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._buckets = itertools.count()

    def new_bucket(self) -> str:
        name = f"bucket-{next(self._buckets)}"
        httpx2.put(f"{self.url}/{name}").raise_for_status()
        return name

    def names(self, bucket: str) -> list[str]:
        """What is in the bucket, below the folder that `settings` names."""
        answer = httpx2.get(f"{self.url}/{bucket}", params={"list-type": "2"})
        return [key.partition("</Key>")[0].removeprefix("kept/") for key in answer.text.split("<Key>")[1:]]

    def settings(self, bucket: str) -> dict[str, Any]:
        return s3_settings(self.url, bucket)


def s3_settings(endpoint: str, bucket: str = "bucket") -> dict[str, Any]:
    return {
        "artifacts_url": f"s3://{bucket}/kept",
        "s3_endpoint": endpoint,
        "s3_access_key_id": "tests",
        "s3_secret_access_key": SecretStr("a secret of the tests"),
    }


@contextmanager
def running_s3() -> Iterator[S3]:
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    server = S3(f"http://127.0.0.1:{port}")
    try:
        until(lambda: _answers(server.url), seconds=60)
        yield server
    finally:
        process.kill()
        process.wait(timeout=30)


def _answers(url: str) -> bool:
    try:
        return httpx2.get(f"{url}/moto-api/", timeout=5).status_code < 500
    except httpx2.TransportError:
        return False

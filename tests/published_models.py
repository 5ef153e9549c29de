"""Whisper small as the hub publishes it, and the command that fetches it from a hub on loopback."""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path

from command import Cli
from hub_server import Hub

SMALL = "openai/whisper-small"
SMALL_SOURCE = "Systran/faster-whisper-small"
WEIGHTS = 12_000_000


def some_bytes(count: int, seed: int = 0) -> bytes:
    return random.Random(seed).randbytes(count)


def whisper_files(seed: int = 0) -> dict[str, bytes]:
    return {
        "README.md": b"# Whisper small, converted",
        ".gitattributes": b"*.bin filter=lfs",
        "config.json": b'{"seed": %d}' % seed,
        "model.bin": some_bytes(WEIGHTS, seed),
        "tokenizer.json": b"{}",
        "vocabulary.txt": b"a\nb\n",
    }


def fetching(hub: Hub, folder: Path, **environment: str) -> Cli:
    """The command with a data folder in `folder`, and that hub."""
    own = {"HF_ENDPOINT": hub.url, "HF_HOME": str(folder / "hf"), "HF_HUB_OFFLINE": "0", "HF_TOKEN": ""}
    return Cli(folder / "home", **(own | environment))


def lies_there(folder: Path, files: Mapping[str, bytes]) -> bool:
    """Whether the folder holds these files and no other."""
    there = {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    return there == dict(files)

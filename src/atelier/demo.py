"""`atelier demo`: a sentence is spoken, written down, drawn and described by a running gateway; then it is compared."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import aiohttp
from pydantic_core import from_json
from rich.console import Console

from atelier.errors import AtelierError, Unauthenticated, Unavailable, UpstreamFailed
from atelier.terminal_picture import show_picture
from atelier.wire.chat import ChatAnswer
from atelier.wire.images import ImagesAnswer
from atelier.wire.media import data_uri
from atelier.wire.transcription import TranscriptAnswer
from atelier.worker.vocabulary import words_of

SENTENCE = "a small red circle on the left of a blue background"
LISTENER = "atelier-mini-whisper"
"""Writes down what is said, where it is served: it knows this voice and these sentences better than others do."""

TELLER = "atelier-mini-blip2"
"""The captioner that words pictures as the sentence does."""

SECONDS = 600.0
"""What one stage may take: a full model on a processor is slow."""


@dataclass(frozen=True)
class Stage:
    """What came of one of the four. text: the words that came out, or a remark. data: the file that was made."""

    name: str
    model: str
    file: str
    data: bytes
    text: str
    warnings: list[str]


class Client:
    """The public API of one gateway, as much of it as the demo needs. Every method raises AtelierError in words."""

    def __init__(self, session: aiohttp.ClientSession, url: str, token: str) -> None:
        self._session = session
        self._url = url.rstrip("/")
        self._headers = {"authorization": f"Bearer {token}"}

    async def models(self) -> set[str]:
        """The ids of those that are ready."""
        body, _ = await self._ask("GET", "/v1/models")
        try:
            return {model["id"] for model in from_json(body)["data"]}
        except (ValueError, KeyError, TypeError):
            raise self._stranger() from None

    async def speak(self, sentence: str) -> Stage:
        asked = {"input": sentence, "response_format": "wav", "stream": False}
        wav, headers = await self._ask("POST", "/v1/audio/speech", json=asked)
        warnings = json.loads(headers.get("x-warnings", "[]"))
        said = f"{float(headers.get('x-audio-duration', 0)):.1f} s of speech"
        return Stage("spoken", headers.get("x-model", ""), "1-speech.wav", wav, said, warnings)

    async def write_down(self, wav: bytes, model: str | None) -> Stage:
        form = aiohttp.FormData({"model": model} if model else {})
        form.add_field("file", wav, filename="speech.wav", content_type="audio/wav")
        body, _ = await self._ask("POST", "/v1/audio/transcriptions", data=form)
        heard = TranscriptAnswer.parse(body)
        text = heard.text.strip()
        if not text:
            raise UpstreamFailed(f"{heard.model or 'the recogniser'} found no words in the recording")
        return Stage("written", heard.model or "", "2-transcript.txt", text.encode(), text, heard.warnings or [])

    async def draw(self, prompt: str, seed: int | None) -> Stage:
        asked = {"prompt": prompt} | ({} if seed is None else {"seed": seed})
        body, _ = await self._ask("POST", "/v1/images/generations", json=asked)
        made = ImagesAnswer.parse(body)
        if not made.data or made.data[0].b64_json is None:
            raise UpstreamFailed("the gateway answered without a picture")
        png = base64.b64decode(made.data[0].b64_json)
        return Stage("drawn", made.model, "3-picture.png", png, f"seed {made.data[0].seed}", made.warnings)

    async def describe(self, png: bytes) -> Stage:
        picture = {"type": "image_url", "image_url": {"url": data_uri(png, "image/png")}}
        asked = {"messages": [{"role": "user", "content": [picture]}]}
        told = ChatAnswer.parse((await self._ask("POST", "/v1/chat/completions", json=asked))[0])
        message = told.choices[0].message if told.choices else None
        caption = (message.content or "").strip() if message else ""
        return Stage("described", told.model, "4-caption.txt", caption.encode(), caption, told.warnings or [])

    async def _ask(self, method: str, path: str, **body: Any) -> tuple[bytes, Mapping[str, str]]:
        try:
            async with self._session.request(method, self._url + path, headers=self._headers, **body) as response:
                data = await response.read()
        except TimeoutError:
            raise Unavailable(f"{self._url} took longer than {SECONDS:.0f} s to answer") from None
        except (aiohttp.ClientError, OSError):
            raise Unavailable(
                f"no gateway answers at {self._url}; start one with `atelier serve`, or name another with --url"
            ) from None
        if response.status >= 400:
            raise self._refusal(response.status, data)
        return data, response.headers

    def _refusal(self, status: int, body: bytes) -> AtelierError:
        try:
            message = str(from_json(body)["error"]["message"])
        except (ValueError, KeyError, TypeError):
            return self._stranger()
        if status == 401:
            return Unauthenticated(f"{message}; --token or ATELIER_TOKEN names another token for {self._url}")
        return UpstreamFailed(message)

    def _stranger(self) -> AtelierError:
        return UpstreamFailed(f"what answers at {self._url} is not an Atelier gateway; name another with --url")


class Report:
    """Tells a person what happens, and keeps the files in `folder`. Raises OSError where that cannot be."""

    def __init__(self, console: Console, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._console = console
        self._folder = folder

    async def stage(self, doing: str, work: Awaitable[Stage]) -> Stage:
        """Wait for `work`, then show it and keep its file."""
        started = time.perf_counter()
        with self._console.status(f"{doing} …"):
            made = await work
        seconds = time.perf_counter() - started
        (self._folder / made.file).write_bytes(made.data)
        self.say(f"{made.name:<10}{seconds:6.2f} s  {made.model}: {made.text}")
        if made.file.endswith(".png"):
            show_picture(self._console, made.data)
        for warning in made.warnings:
            self.say(f"           {warning}")
        return made

    def verdict(self, sentence: str, described: Stage) -> bool:
        """Whether the caption says the same; prints which words do not."""
        differing = differences(sentence, described.text)
        self.say("The caption is not the sentence:" if differing else "The caption is the sentence.")
        for said, told in differing:
            self.say(f"  said: {said or '(nothing)'}   described: {told or '(nothing)'}")
        if differing and described.model != TELLER:
            self.say(f"{described.model} describes pictures in words of its own.")
        self.say(f"The files are in {self._folder}.")
        return not differing

    def say(self, line: str) -> None:
        # What a model made up may hold anything, and a terminal obeys more than line ends.
        printable = "".join(sign if sign.isprintable() else " " for sign in line)
        self._console.print(printable, highlight=False, markup=False, soft_wrap=True)


async def round_trip(url: str, token: str, sentence: str, *, seed: int | None, folder: Path, console: Console) -> bool:
    """Whether the caption is the sentence. Each stage is made from what came out of the one before.

    Raises AtelierError in words where a stage fails, OSError where `folder` cannot be written.
    """
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=SECONDS)) as session:
        client = Client(session, url, token)
        listener = LISTENER if LISTENER in await client.models() else None
        report = Report(console, folder)
        report.say(f"sentence            {sentence}")
        spoken = await report.stage("Speaking", client.speak(sentence))
        heard = await report.stage("Writing down", client.write_down(spoken.data, listener))
        drawn = await report.stage("Drawing", client.draw(heard.text, seed))
        described = await report.stage("Describing", client.describe(drawn.data))
    return report.verdict(sentence, described)


def differences(said: str, told: str) -> list[tuple[str, str]]:
    """Where two texts part, in their order: the words of `said` and those that `told` has instead.

    Case and punctuation do not count. Empty: they are the same.
    """
    a, b = (words_of(text) for text in (said, told))
    steps = SequenceMatcher(a=a, b=b, autojunk=False).get_opcodes()
    return [(" ".join(a[i:j]), " ".join(b[k:m])) for kind, i, j, k, m in steps if kind != "equal"]

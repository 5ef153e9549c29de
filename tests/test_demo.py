"""`atelier demo`, against a gateway of this file that says what it is told to say."""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from PIL import Image
from rich.console import Console
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from atelier.demo import differences, round_trip
from atelier.errors import Unauthenticated, Unavailable, UpstreamFailed
from atelier.terminal_picture import COLUMNS, show_picture
from servers import running

SENTENCE = "a small red circle on a blue background"


def png(colour: str = "red") -> bytes:
    sink = io.BytesIO()
    Image.new("RGB", (64, 64), colour).save(sink, "PNG")
    return sink.getvalue()


@dataclass
class FarEnd:
    """A gateway that hears `heard` and sees `seen`; asked: what it was asked, by the path."""

    heard: str = SENTENCE
    seen: str = SENTENCE
    models: tuple[str, ...] = ("atelier-mini-whisper",)
    asked: dict[str, dict[str, object]] = field(default_factory=dict)

    def app(self) -> Starlette:
        routes = {
            "/v1/models": self.list_models,
            "/v1/audio/speech": self.speak,
            "/v1/audio/transcriptions": self.transcribe,
            "/v1/images/generations": self.draw,
            "/v1/chat/completions": self.describe,
        }
        return Starlette(routes=[Route(path, self._guarded(found), methods=["GET", "POST"])
                                 for path, found in routes.items()])  # fmt: skip

    def _guarded(self, found: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def guarded(request: Request) -> Response:
            if request.headers["authorization"] != "Bearer right":
                return JSONResponse({"error": {"message": "The token is not valid"}}, status_code=401)
            return await found(request)

        return guarded

    async def list_models(self, _: Request) -> Response:
        return JSONResponse({"data": [{"id": model} for model in self.models]})

    async def speak(self, request: Request) -> Response:
        self.asked["speech"] = await request.json()
        return Response(b"RIFF", headers={"x-model": "voice", "x-audio-duration": "1.5"})

    async def transcribe(self, request: Request) -> Response:
        form = await request.form()
        self.asked["transcription"] = {name: value for name, value in form.items() if isinstance(value, str)}
        return JSONResponse({"text": self.heard, "model": "ear"})

    async def draw(self, request: Request) -> Response:
        self.asked["picture"] = await request.json()
        datum = {"b64_json": base64.b64encode(png()).decode(), "seed": 7}
        return JSONResponse({"created": 0, "data": [datum], "model": "hand", "warnings": ["a warning"]})

    async def describe(self, request: Request) -> Response:
        self.asked["chat"] = await request.json()
        choices = [{"message": {"role": "assistant", "content": self.seen}}]
        return JSONResponse({"id": "x", "created": 0, "model": "eye", "choices": choices})


@dataclass
class Demo:
    folder: Path
    far_end: FarEnd = field(default_factory=FarEnd)
    printed: str = ""

    async def __call__(self, token: str = "right", seed: int | None = 7) -> bool:
        console = Console(file=io.StringIO(), width=200)
        with running(self.far_end.app()) as url:
            same = await round_trip(url, token, SENTENCE, seed=seed, folder=self.folder / "out", console=console)
        self.printed = console.file.getvalue()  # type: ignore[attr-defined]
        return same


@pytest.fixture
def demo(tmp_path: Path) -> Demo:
    return Demo(tmp_path)


async def test_each_stage_is_made_from_the_one_before_and_kept(demo: Demo) -> None:
    demo.far_end.heard = "a small red ring"
    assert await demo()
    asked = demo.far_end.asked
    assert asked["speech"]["input"] == SENTENCE
    assert asked["transcription"] == {"model": "atelier-mini-whisper"}
    assert asked["picture"] == {"prompt": "a small red ring", "seed": 7}
    assert base64.b64encode(png()).decode() in str(asked["chat"])
    kept = {file.name: file.read_bytes() for file in (demo.folder / "out").iterdir()}
    assert kept == {
        "1-speech.wav": b"RIFF",
        "2-transcript.txt": b"a small red ring",
        "3-picture.png": png(),
        "4-caption.txt": SENTENCE.encode(),
    }
    for said in (
        " s  voice: 1.5 s of speech",
        "ear: a small red ring",
        "hand: seed 7",
        "a warning",
        f"eye: {SENTENCE}",
    ):
        assert said in demo.printed
    assert "The caption is the sentence." in demo.printed
    assert "\x1b" not in demo.printed, "colours where there is no terminal"


async def test_a_caption_that_differs_is_told_word_by_word(demo: Demo) -> None:
    demo.far_end.seen = "A small orange circle, on a background"
    assert not await demo()
    assert "said: red   described: orange" in demo.printed
    assert "said: blue   described: (nothing)" in demo.printed
    assert "eye describes pictures in words of its own" in demo.printed


async def test_what_a_model_says_cannot_command_the_terminal(demo: Demo) -> None:
    demo.far_end.seen = "a \x1b[2Jred\x07 ring"
    await demo()
    assert "a  [2Jred  ring" in demo.printed


async def test_the_services_default_listens_where_the_miniature_is_not_served(demo: Demo) -> None:
    demo.far_end.models = ("openai/whisper-large-v3",)
    assert await demo(seed=None)
    assert demo.far_end.asked["transcription"] == {}
    assert demo.far_end.asked["picture"] == {"prompt": SENTENCE}


async def test_a_recording_without_words_ends_it(demo: Demo) -> None:
    demo.far_end.heard = " "
    with pytest.raises(UpstreamFailed, match="ear found no words in the recording"):
        await demo()


async def test_a_wrong_token_is_told_with_the_remedy(demo: Demo) -> None:
    with pytest.raises(Unauthenticated, match="The token is not valid; --token or ATELIER_TOKEN names another"):
        await demo(token="wrong")
    assert not (demo.folder / "out").exists()


async def test_another_kind_of_server_is_told_apart(tmp_path: Path) -> None:
    async def page(_: Request) -> Response:
        return PlainTextResponse("It works!")

    for app in (Starlette(routes=[Route("/v1/models", page)]), Starlette()):
        with running(app) as url, pytest.raises(UpstreamFailed, match=f"what answers at {url} is not an Atelier"):
            await round_trip(url, "x", SENTENCE, seed=None, folder=tmp_path, console=Console(file=io.StringIO()))


async def test_no_gateway_is_told_with_the_remedy(tmp_path: Path) -> None:
    nowhere = "http://127.0.0.1:9"
    with pytest.raises(Unavailable, match=f"no gateway answers at {nowhere}; start one with `atelier serve`"):
        await round_trip(nowhere, "x", SENTENCE, seed=None, folder=tmp_path, console=Console(file=io.StringIO()))


@pytest.mark.parametrize(
    ("said", "told", "expected"),
    [
        ("a red ring", "A red ring.", []),
        ("a red ring", "a blue ring", [("red", "blue")]),
        ("a red ring on the left", "a ring on the right", [("red", ""), ("left", "right")]),
        ("a ring", "a small ring", [("", "small")]),
        ("", "", []),
    ],
)
def test_differences(said: str, told: str, expected: list[tuple[str, str]]) -> None:
    assert differences(said, told) == expected


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("TERM", "TERM_PROGRAM", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def shown(**settings: object) -> str:
    console = Console(file=io.StringIO(), width=100, **settings)  # type: ignore[arg-type]
    show_picture(console, png("#ff0000"))
    return console.file.getvalue()  # type: ignore[attr-defined,no-any-return]


def test_a_terminal_with_colours_shows_half_blocks(terminal: pytest.MonkeyPatch) -> None:
    lines = shown(force_terminal=True, color_system="truecolor").splitlines()
    assert len(lines) == COLUMNS // 2
    assert all(line.count("▀") == COLUMNS and "38;2;255;0;0;48;2;255;0;0" in line for line in lines)


@pytest.mark.parametrize(
    ("variable", "value", "begin"),
    [("TERM", "xterm-kitty", "\x1b_Ga=T,f=100"), ("TERM_PROGRAM", "iTerm.app", "\x1b]1337;File=inline=1")],
)
def test_a_terminal_that_shows_pictures_gets_the_picture(
    terminal: pytest.MonkeyPatch, variable: str, value: str, begin: str
) -> None:
    terminal.setenv(variable, value)
    printed = shown(force_terminal=True)
    assert printed.startswith(begin)
    assert base64.b64encode(png("#ff0000")).decode() in printed


def test_where_there_is_no_terminal_or_no_colour_nothing_is_shown(terminal: pytest.MonkeyPatch) -> None:
    assert shown() == ""
    assert shown(force_terminal=True, no_color=True) == ""
    terminal.setenv("TERM", "dumb")
    assert shown(force_terminal=True) == ""
    assert os.environ["TERM"] == "dumb"

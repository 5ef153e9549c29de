"""What deploy/verify-compose.sh asks of a gateway, by OpenAI's own client and as a stranger to Atelier's code.

client.py all                   each service once, in a round trip; status 1 where one does not answer
client.py one SERVICE           one request; prints the status of the answer
client.py health SERVICE        what /health says of a service
client.py usage                 how many requests /api/usage counts
client.py upstreams SERVICE     how many servers it has for a service
client.py state database        what it says of the gateway's own servers: database, limits
client.py reach HOST PORT       whether a connection comes about: prints open or closed
"""

from __future__ import annotations

import base64
import io
import json
import os
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import openai

GATEWAY = "http://ai-gateway:8000"
SENTENCE = "a small red circle on the left of a blue background"
OTHER = "a large green square on the right of a yellow background"
SECONDS = 300.0
QUICK = {"num_inference_steps": 4}
"""Enough to see that it draws: what it draws is for other tests."""


def main(words: list[str]) -> None:
    match words:
        case ["all"]:
            round_trip()
        case ["one", service]:
            print(one(service))
        case ["health", service]:
            print(health()["services"][service]["status"])
        case ["usage"]:
            print(usage())
        case ["upstreams", service]:
            print(health()["services"][service]["upstreams"])
        case ["state", server]:
            print(health()["state"][server])
        case ["reach", host, port]:
            print(reach(host, int(port)))
        case _:
            sys.exit(__doc__)


def client() -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{GATEWAY}/v1", api_key=os.environ["TOKEN"], max_retries=0, timeout=SECONDS)


def round_trip() -> None:
    """Speak, write down, draw, draw anew, describe: each service on what another made."""
    ai = client()
    speech = told("text-to-speech", lambda: speak(ai), lambda data: f"{len(data)} bytes of sound")
    told("speech-to-text", lambda: hear(ai, speech), lambda text: f"“{text.strip()}”")
    picture = told("text-to-image", lambda: draw(ai), lambda data: f"{len(data)} bytes of PNG")
    edited = told("image-to-image", lambda: redraw(ai, picture), lambda data: f"{len(data)} bytes of PNG")
    told("image-to-text", lambda: describe(ai, edited), lambda text: f"“{text.strip()}”")


def told(service: str, call: Callable[[], Any], worded: Callable[[Any], str]) -> Any:
    started = time.perf_counter()
    try:
        made = call()
    except openai.OpenAIError as problem:
        sys.exit(f"  {service}: {problem}")
    if not made:
        sys.exit(f"  {service}: the answer is empty")
    print(f"  {service:15} {time.perf_counter() - started:6.2f} s  {worded(made)}")
    return made


def speak(ai: openai.OpenAI) -> bytes:
    return ai.audio.speech.create(model="tts-1", voice="alloy", input=SENTENCE, response_format="wav").read()


def hear(ai: openai.OpenAI, speech: bytes) -> str:
    known = {model.id for model in ai.models.list()}
    model = "atelier-mini-whisper" if "atelier-mini-whisper" in known else "whisper-1"
    return ai.audio.transcriptions.create(model=model, file=("speech.wav", speech, "audio/wav")).text


def draw(ai: openai.OpenAI) -> bytes:
    return first(ai.images.generate(model="gpt-image-1", prompt=SENTENCE, extra_body=QUICK))


def redraw(ai: openai.OpenAI, picture: bytes) -> bytes:
    file = ("picture.png", picture, "image/png")
    return first(ai.images.edit(model="gpt-image-1", image=file, prompt=OTHER, extra_body=QUICK))


def first(answer: Any) -> bytes:
    return base64.b64decode(answer.data[0].b64_json)


def describe(ai: openai.OpenAI, picture: bytes) -> str:
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{base64.b64encode(picture).decode()}"}}
    asked: Any = [{"role": "user", "content": [{"type": "text", "text": "What is in this picture?"}, image]}]
    return ai.chat.completions.create(model="gpt-4o", messages=asked).choices[0].message.content or ""


def one(service: str) -> int:
    """The status of one small request; 0 where nobody answers."""
    ai = client()
    calls: dict[str, Callable[[], object]] = {
        "text-to-speech": lambda: speak(ai),
        "speech-to-text": lambda: hear(ai, silence()),
        "text-to-image": lambda: draw(ai),
        "image-to-image": lambda: redraw(ai, dot()),
        "image-to-text": lambda: describe(ai, dot()),
    }
    try:
        calls[service]()
    except openai.APIStatusError as problem:
        return problem.status_code
    except openai.APIConnectionError:
        return 0
    return 200


def silence() -> bytes:
    """A second of it, as a WAV file."""
    import wave

    with io.BytesIO() as file:
        with wave.open(file, "wb") as sound:
            sound.setnchannels(1)
            sound.setsampwidth(2)
            sound.setframerate(16_000)
            sound.writeframes(bytes(32_000))
        return file.getvalue()


def dot() -> bytes:
    """A picture of 64 by 64 red pixels, as a PNG file."""
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + b"\xc8\x1e\x1e" * 64) * 64
    head = struct.pack(">IIBBBBB", 64, 64, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def health() -> Any:
    try:
        with urllib.request.urlopen(f"{GATEWAY}/health", timeout=10) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as answer:  # 503 tells as much
        return json.load(answer)


def usage() -> int:
    asked = urllib.request.Request(f"{GATEWAY}/api/usage", headers={"authorization": f"Bearer {os.environ['TOKEN']}"})
    with urllib.request.urlopen(asked, timeout=10) as answer:
        return int(json.load(answer)["total"])


def reach(host: str, port: int) -> str:
    try:
        with socket.create_connection((host, port), timeout=3):
            return "open"
    except OSError:
        return "closed"


if __name__ == "__main__":
    main(sys.argv[1:])

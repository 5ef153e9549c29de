"""A sentence comes round: spoken, written down, drawn and described by a running `atelier serve`."""

from __future__ import annotations

import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from atelier.demo import SENTENCE
from captions import agreement
from serving import Served
from world import Scene, held_out_scenes, sentence

SENTENCES = 20
LEAST_RETURNED = 14
AT_ONCE = 4


def come_round(served: Served, scene: Scene, seed: int) -> str:
    """The caption of the picture of what was heard when `scene` was said."""
    client = served.openai()
    spoken = client.audio.speech.create(model="tts-1", voice="nova", input=sentence(scene), response_format="wav")
    heard = client.audio.transcriptions.create(model="atelier-mini-whisper", file=("said.wav", spoken.read())).text
    body = {"prompt": heard, "seed": seed, "num_inference_steps": 20}
    drawn = served.post("/api/text-to-image", json=body).json()
    described = served.post("/api/image-to-text", json={"image_url": drawn["image_url"]}).json()
    print(f"{sentence(scene)} | {heard} | {described['caption']}")
    return str(described["caption"])


@pytest.mark.slow
def test_sentences_that_training_never_saw_come_round(served: Served) -> None:
    scenes = random.Random(20).sample(held_out_scenes(), SENTENCES)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        captions = list(pool.map(lambda place: come_round(served, scenes[place], place), range(SENTENCES)))
    agreed = [agreement(caption, scene) for caption, scene in zip(captions, scenes, strict=True)]
    returned = sum(each["shape"] and each["colour"] for each in agreed)
    assert returned >= LEAST_RETURNED, f"of {SENTENCES} sentences {returned} came round"


@pytest.mark.slow
def test_the_demo_shows_the_round_trip(served: Served, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "atelier", "demo", "--seed", "1", "--output", str(tmp_path / "kept")]
    done = subprocess.run(command, env=served.environment, capture_output=True, text=True, check=False, timeout=240)
    kept = {file.name: file for file in (tmp_path / "kept").iterdir()}
    assert sorted(kept) == ["1-speech.wav", "2-transcript.txt", "3-picture.png", "4-caption.txt"]
    assert kept["3-picture.png"].read_bytes().startswith(b"\x89PNG")
    same = kept["4-caption.txt"].read_text() == SENTENCE
    assert done.returncode == (0 if same else 1), done.stderr
    assert ("The caption is the sentence." in done.stdout) == same
    for model in ("espeak-ng", "atelier-mini-whisper", "atelier-mini-sdxl", "atelier-mini-blip2"):
        assert f"{model}: " in done.stdout


def test_the_image_worker_stays_small(served: Served) -> None:
    served.post("/api/text-to-image", json={"prompt": SENTENCE, "num_inference_steps": 20}).json()
    process = served.pid("text-to-image")
    status = dict(line.split(":", 1) for line in Path(f"/proc/{process}/status").read_text().splitlines())
    assert int(status["VmHWM"].split()[0]) < 900 * 1024, status["VmHWM"]

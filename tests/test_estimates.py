"""What is reserved for a request before its work: never less than the work then takes, as far as it can be known."""

from __future__ import annotations

import io
import struct
import wave

import pytest

from atelier.catalog import SERVICES, Estimate
from atelier.contracts.base import Contract, Usage
from atelier.contracts.image_to_text import ImageToTextRequest
from atelier.contracts.images import ImageToImageRequest, TextToImageRequest
from atelier.contracts.speech_to_text import TranscriptionRequest
from atelier.contracts.text_to_speech import SpeechRequest
from atelier.gateway.limits import Pace
from atelier.rules import Price
from atelier.wire.signatures import longest_wav

IMAGES = SERVICES["text-to-image"]
AMOUNTS = set(Usage.model_fields)


def wav(seconds: float, *, rate: int = 16_000, width: int = 2, channels: int = 1) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as recording:
        recording.setnchannels(channels)
        recording.setsampwidth(width)
        recording.setframerate(rate)
        recording.writeframes(bytes(round(seconds * rate) * width * channels))
    return file.getvalue()


def estimate(service: str, request: Contract) -> Estimate:
    return SERVICES[service].estimate(request)


@pytest.mark.parametrize(("rate", "width", "channels"), [(16_000, 2, 1), (44_100, 2, 2), (48_000, 3, 6), (8_000, 1, 1)])
def test_a_wav_file_reserves_its_length_and_no_more(rate: int, width: int, channels: int) -> None:
    found = estimate("speech-to-text", TranscriptionRequest(audio=wav(90, rate=rate, width=width, channels=channels)))
    assert 90 <= found.units == found.audio_seconds < 90.01
    assert "units" not in found.guesses


def test_a_header_that_lies_shortens_nothing() -> None:
    honest = wav(60)
    for lie in (
        struct.pack("<I", 0),  # no samples at all
        struct.pack("<I", 0xFFFFFFFF),  # as a stream has it
    ):
        assert 60 <= (longest_wav(honest[:40] + lie + honest[44:]) or 0) < 60.01
    many_bytes_a_second = honest[:28] + struct.pack("<IH", 2**31, 2**15) + honest[34:]
    assert 60 <= (longest_wav(many_bytes_a_second) or 0) < 60.01
    junk = honest[:12] + struct.pack("<4sI", b"LIST", 6) + b"comment"[:6] + honest[12:]
    assert 60 <= (longest_wav(junk) or 0) < 60.01


def test_the_extensible_format_says_further_on_what_it_holds() -> None:
    plain = wav(10)
    for kind, known in ((1, True), (0x55, False)):  # samples, and MP3
        described = struct.pack("<HHIIHHHHI16s", 0xFFFE, 1, 16_000, 32_000, 2, 16, 22, 16, 4, struct.pack("<H", kind))
        found = longest_wav(plain[:16] + struct.pack("<I", len(described)) + described + plain[36:])
        assert (found is not None) == known
        assert found is None or 10 <= found < 10.01


@pytest.mark.parametrize("data", [b"", b"RIFF", b"RIFF....WAVE", wav(1)[:30], b"ID3" + bytes(100), b"RIFF....WAVEfmt "])
def test_of_what_is_no_wav_file_nothing_is_told(data: bytes) -> None:
    assert longest_wav(data) is None


def test_samples_that_take_no_bytes_tell_nothing() -> None:
    assert longest_wav(wav(1)[:22] + bytes(2) + wav(1)[24:]) is None, "no channels"


def test_other_recordings_are_taken_for_the_longest_that_they_usually_are() -> None:
    found = estimate("speech-to-text", TranscriptionRequest(audio=b"OggS" + bytes(7_496)))
    assert found.units == 10, "6 kbit/s"
    assert {"units", "audio_seconds"} <= found.guesses


def test_slow_speech_lasts_longer() -> None:
    usual, slow = (estimate("text-to-speech", SpeechRequest(text="A sentence.", speed=s)) for s in (1, 0.25))
    assert slow.audio_seconds == 4 * usual.audio_seconds
    assert slow.units == usual.units == 11


def test_pictures_reserve_all_that_they_ask_for() -> None:
    asked = TextToImageRequest(prompt="a cat", n=3, size="2048x1024", num_inference_steps=20)
    found = estimate("text-to-image", asked)
    assert (found.units, found.megapixels, found.steps) == (3, 3 * 2.097152, 20)
    chosen = estimate("image-to-image", ImageToImageRequest(image=b"x"))
    assert chosen.megapixels == pytest.approx(1.57, abs=0.01), "larger than any model is known to choose"


def test_tokens_count_the_question_and_the_picture() -> None:
    asked = ImageToTextRequest(image=b"x", question="What is it?", max_tokens=100)
    assert estimate("image-to-text", asked).tokens >= 100 + 4 * 11 + 32
    assert estimate("image-to-text", ImageToTextRequest(image=b"x", task="ocr")).tokens == 0


def test_prices_know_every_amount() -> None:
    dear = Price(**dict.fromkeys(Price.model_fields, 1.0))
    assert dear.of(Estimate(1, frozenset(), 1, 1, 1, 1, 1, 1000)) == len(Price.model_fields)
    assert all(dear.asks_for(frozenset({name})) for name in AMOUNTS)
    assert not Price(unit=1, request=1).asks_for(frozenset(AMOUNTS - {"units"}))
    assert set(Estimate.__dataclass_fields__) == AMOUNTS | {"guesses"}


def test_compute_time_is_reckoned_by_the_slowest_that_was_seen() -> None:
    pace, expected = Pace(), Estimate(1, megapixels=1.0, steps=30)
    assert pace.most_ms(IMAGES, None, expected) == 30 * IMAGES.slowest_ms
    for steps, compute_ms in ((10, 1_000), (30, 6_000), (20, 1_000)):
        pace.note(IMAGES, None, Usage(units=1, megapixels=1, steps=steps, compute_ms=compute_ms))
    assert pace.most_ms(IMAGES, None, expected) == pytest.approx(2 * 6_000, rel=0.05)
    assert pace.most_ms(IMAGES, "another", expected) == 30 * IMAGES.slowest_ms
    pace.note(IMAGES, "another", Usage(units=1, megapixels=1, steps=10))
    assert pace.most_ms(IMAGES, "another", expected) == 30 * IMAGES.slowest_ms, "its server tells no time"


def test_what_was_slow_once_is_forgotten_in_time() -> None:
    pace, expected = Pace(), Estimate(1, megapixels=1.0, steps=1)
    pace.note(IMAGES, None, Usage(units=1, megapixels=1, steps=1, compute_ms=9_000))
    for _ in range(5_000):
        pace.note(IMAGES, None, Usage(units=1, megapixels=1, steps=1, compute_ms=1_000))
    assert 2_000 < pace.most_ms(IMAGES, None, expected) < 2_200


def test_names_that_callers_make_up_fill_no_memory() -> None:
    pace = Pace()
    for number in range(3_000):
        pace.note(IMAGES, f"model-{number}", Usage(units=1, megapixels=1, steps=1, compute_ms=1))
    expected = Estimate(1, megapixels=1.0, steps=1)
    assert pace.most_ms(IMAGES, "model-2999", expected) == 2
    assert pace.most_ms(IMAGES, "model-1", expected) == IMAGES.slowest_ms


def test_a_format_that_nobody_makes_is_not_believed() -> None:
    """One made so that a second takes gigabytes: the file may be another kind of recording for who hears it."""
    honest = wav(60)
    made_up = honest[:22] + struct.pack("<HI", 65535, 2**32 - 1) + honest[28:34] + struct.pack("<H", 64) + honest[36:]
    assert longest_wav(made_up) is None
    found = estimate("speech-to-text", TranscriptionRequest(audio=made_up))
    assert "units" in found.guesses
    assert found.units > 60


def test_a_tiny_picture_says_nothing_of_what_large_ones_take() -> None:
    pace = Pace()
    pace.note(IMAGES, None, Usage(megapixels=1.0, steps=30, compute_ms=3_000))
    pace.note(IMAGES, None, Usage(megapixels=64 * 64 / 1e6, steps=1, compute_ms=150))
    large = estimate("text-to-image", TextToImageRequest(prompt="x", size="1024x1024", num_inference_steps=30))
    assert pace.most_ms(IMAGES, None, large) <= 4 * 3_000


def test_several_pictures_take_as_many_times_as_long() -> None:
    pace = Pace()
    one = estimate("text-to-image", TextToImageRequest(prompt="x", size="1024x1024", num_inference_steps=30))
    eight = estimate("text-to-image", TextToImageRequest(prompt="x", size="1024x1024", num_inference_steps=30, n=8))
    assert pace.most_ms(IMAGES, None, eight) == pytest.approx(8 * pace.most_ms(IMAGES, None, one))
    assert eight.steps == one.steps == 30, "as a worker counts them"

"""From what engines give out (pixels, samples) to what travels (files): encoded off the engine's thread."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING

from atelier.contracts.base import Event, Result, Usage
from atelier.contracts.engine import Picture, PicturePreview, PicturesMade, Sound, SpeechMade
from atelier.contracts.image_to_text import TextDelta
from atelier.contracts.images import Image, ImageSettings, ImagesResult, ImageToImageRequest, PartialImage
from atelier.contracts.text_to_speech import MEDIA_TYPES, AudioChunk, SpeechRequest, SpeechResult
from atelier.worker.scheduler import Job
from atelier.worker.vocabulary import remarks

if TYPE_CHECKING:
    from atelier.media.sound import SoundEncoder

# atelier.media is imported where it is used: a worker of speech has no library of pictures, nor the other way round.


async def encoded(job: Job) -> AsyncGenerator[Event, None]:
    """The job's events as the contracts have them; the last one is its Result, with compute time and warnings."""
    speech = _Speech(job.request) if isinstance(job.request, SpeechRequest) else None
    async with aclosing(job.outputs()) as outputs:
        async for output in outputs:
            match output:
                case PicturePreview():
                    yield await _preview(job, output)
                case PicturesMade():
                    yield _finished(job, await _pictures(job, output))
                case Sound() if speech is not None:
                    for chunk in await asyncio.to_thread(speech.add, output):
                        yield chunk
                case SpeechMade() if speech is not None:
                    chunks, result = await asyncio.to_thread(speech.end, job.resident.model, output)
                    for chunk in chunks:
                        yield chunk
                    yield _finished(job, result)
                case Result():
                    yield _finished(job, output)
                case TextDelta():
                    yield output.model_copy(update={"model": job.resident.model})
                case _:
                    assert not isinstance(output, Sound | SpeechMade), "sound for a request that is not speech"
                    yield output


def _finished(job: Job, result: Result) -> Result:
    usage = result.usage.model_copy(update={"compute_ms": round(job.compute_ms, 3)})
    warnings = [*result.warnings, *job.warnings, *remarks(job.resident.plan, job.request)]
    return result.model_copy(update={"usage": usage, "warnings": warnings})


async def _preview(job: Job, preview: PicturePreview) -> PartialImage:
    image = await asyncio.to_thread(_image, preview.picture, job.request, None)
    return PartialImage(image=image, index=preview.index, step=preview.step, steps=preview.steps)


async def _pictures(job: Job, made: PicturesMade) -> ImagesResult:
    images = [await asyncio.to_thread(_image, p, job.request, _about(job, p)) for p in made.pictures]
    return ImagesResult(model=job.resident.model, images=images, revised_prompt=made.revised_prompt, usage=made.usage)


def _about(job: Job, picture: Picture) -> dict[str, object] | None:
    """How a picture was made, for its file; never the words, which the tenant may not want to hand on."""
    asked, source = job.request, job.resident.plan.source
    assert isinstance(asked, ImageSettings)
    if not asked.embed_metadata:
        return None
    usual = source.sampling
    about = {
        "model": source.model,
        "revision": source.revision,
        "seed": picture.seed,
        "steps": asked.num_inference_steps or usual.steps,
        "guidance_scale": usual.guidance_scale if asked.guidance_scale is None else asked.guidance_scale,
        "strength": asked.strength if isinstance(asked, ImageToImageRequest) else None,
        "style": asked.style,
        "loras": asked.loras or None,
    }
    return {name: value for name, value in about.items() if value is not None}


def _image(picture: Picture, request: object, about: dict[str, object] | None) -> Image:
    from atelier.media.image import encode_image

    assert isinstance(request, ImageSettings)
    height, width = picture.pixels.shape[:2]
    return Image(
        data=encode_image(picture.pixels, request.output_format, request.output_compression, about),
        media_type=f"image/{request.output_format}",
        seed=picture.seed,
        width=width,
        height=height,
    )


class _Speech:
    """A recording while it is spoken. Counts the samples: the duration is measured, not guessed."""

    def __init__(self, request: SpeechRequest) -> None:
        self._request = request
        self._encoder: SoundEncoder | None = None
        self._parts: list[bytes] = []
        self._samples = 0
        self._rate = 0
        self._characters = 0

    def add(self, sound: Sound) -> list[AudioChunk]:
        if self._encoder is None:
            self._rate = sound.sample_rate
            from atelier.media.sound import SoundEncoder

            self._encoder = SoundEncoder(
                self._request.response_format, sound.sample_rate, streamed=self._request.stream
            )
        self._samples += len(sound.samples)
        self._characters = sound.characters
        return self._take(self._encoder.encode(sound.samples))

    def end(self, model: str, made: SpeechMade) -> tuple[list[AudioChunk], SpeechResult]:
        assert self._encoder is not None, "an engine ended speech without a sound"
        chunks = self._take(self._encoder.finish())
        return chunks, SpeechResult(
            model=model,
            data=b"".join(self._parts),
            media_type=MEDIA_TYPES[self._request.response_format],
            duration=self._samples / self._rate,
            sample_rate=self._rate,
            voice=made.voice,
            language=made.language,
            usage=made.usage,
        )

    def _take(self, data: bytes) -> list[AudioChunk]:
        if not self._request.stream:
            self._parts.append(data)
            return []
        delivered = Usage(units=self._characters, characters=self._characters, audio_seconds=self._samples / self._rate)
        return [AudioChunk(data=data, delivered=delivered)] if data else []

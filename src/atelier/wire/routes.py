"""The OpenAI face as a table: one row per route. The gateway and the workers both serve it."""

from __future__ import annotations

from atelier.wire import chat, images, ocr, speech, transcription
from atelier.wire.call import Route

ROUTES: tuple[Route, ...] = (
    Route(
        path="/v1/images/generations",
        service="text-to-image",
        request_type=lambda _: "generate",
        summary="Make pictures from words",
        fields=images.GenerationFields,
        read=images.read_generation,
        shape=images.SHAPE,
    ),
    Route(
        path="/v1/images/edits",
        service="image-to-image",
        request_type=lambda _: "edit",
        summary="Make a picture from a picture and words",
        fields=images.EditFields,
        read=images.read_edit,
        shape=images.SHAPE,
        file="image",
    ),
    Route(
        path="/v1/images/variations",
        service="image-to-image",
        request_type=lambda _: "variation",
        summary="Make variations of a picture",
        fields=images.VariationFields,
        read=images.read_variation,
        shape=images.SHAPE,
        file="image",
    ),
    Route(
        path="/v1/audio/speech",
        service="text-to-speech",
        request_type=lambda _: "speak",
        summary="Speak a text",
        fields=speech.SpeechFields,
        read=speech.read,
        shape=speech.SHAPE,
        read_inside=speech.read_inside,
        voice=speech.voice_asked,
    ),
    Route(
        path="/v1/audio/transcriptions",
        service="speech-to-text",
        request_type=lambda _: "transcribe",
        summary="Write down what a recording says",
        fields=transcription.TranscriptionFields,
        read=transcription.read_transcription,
        shape=transcription.SHAPE,
        file="file",
    ),
    Route(
        path="/v1/audio/translations",
        service="speech-to-text",
        request_type=lambda _: "translate",
        summary="Write down in English what a recording says",
        fields=transcription.TranslationFields,
        read=transcription.read_translation,
        shape=transcription.SHAPE,
        file="file",
    ),
    Route(
        path=chat.PATH,
        service="image-to-text",
        request_type=lambda _: "caption",
        summary="Describe a picture, or answer a question about it",
        fields=chat.ChatFields,
        read=chat.read,
        shape=chat.SHAPE,
    ),
    Route(
        path="/v1/ocr",
        service="image-to-text",
        request_type=lambda _: "ocr",
        summary="Read the text in a picture",
        fields=ocr.OcrFields,
        read=ocr.read,
        shape=ocr.SHAPE,
        file="image",
    ),
)

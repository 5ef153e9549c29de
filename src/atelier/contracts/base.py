"""What every contract shares: strict fields, usage, and the events a request answers with."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

MOST_PROMPT_CHARACTERS = 4_000
MOST_SPEECH_CHARACTERS = 50_000


class Contract(BaseModel):
    """Frozen, closed (an unknown field is an error) and finite (NaN and infinity are errors)."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        protected_namespaces=(),
        ser_json_bytes="base64",
        hide_input_in_errors=True,  # a prompt must not reach a log by way of an error
        defer_build=True,  # built when first used: the gateway starts in less time
    )


def _printable(text: str) -> str:
    if "\x00" in text:
        raise ValueError("must not hold a NUL character")
    return text


Text = Annotated[str, StringConstraints(strip_whitespace=True), AfterValidator(_printable)]
Prompt = Annotated[Text, Field(min_length=1, max_length=MOST_PROMPT_CHARACTERS)]
ModelName = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9][A-Za-z0-9._/:@+-]*$")]
Language = Annotated[str, Field(min_length=2, max_length=20, pattern=r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]+)*$")]


class Usage(Contract):
    """What one request cost. A field that does not apply to the service stays at zero.

    units: in the service's own unit (see the catalog). megapixels: 10^6 pixels made. audio_seconds: heard or
    spoken. characters: spoken. tokens: read and written by a language model. compute_ms: time on the device.
    """

    units: float = 0.0
    megapixels: float = 0.0
    steps: int = 0
    audio_seconds: float = 0.0
    characters: int = 0
    tokens: int = 0
    compute_ms: float = 0.0


class Partial(Contract):
    """Part of an answer, sent before the rest is done. `delivered` is what the client has had up to here."""

    delivered: Usage = Usage()


class Result(Contract):
    """The end of an answer. `warnings` are sentences for the caller ("the prompt was cut after 77 tokens")."""

    model: str
    warnings: list[str] = []
    usage: Usage = Usage()


Event = Partial | Result

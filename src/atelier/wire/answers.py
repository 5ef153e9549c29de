"""The base of every OpenAI-shaped answer: one model documents, writes and reads it."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.responses import Response

from atelier.contracts.base import Usage
from atelier.errors import UpstreamFailed


class Answer(BaseModel):
    """Tolerant when read: fields that other servers add are passed over, fields that they lack have defaults."""

    model_config = ConfigDict(extra="ignore", protected_namespaces=(), defer_build=True, hide_input_in_errors=True)

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Raises UpstreamFailed for a body that is not this answer."""
        try:
            return cls.model_validate_json(data)
        except ValidationError as problem:
            place = ".".join(str(part) for part in problem.errors()[0]["loc"])
            raise UpstreamFailed(f"the service's answer could not be read (at {place or 'its start'})") from None

    def response(self) -> Response:
        return Response(self.model_dump_json(exclude_none=True), media_type="application/json")


class UsageAnswer(Answer):
    """OpenAI's token counts, and Atelier's own measures beside them."""

    type: str | None = None
    seconds: float | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    total_tokens: int = 0
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    steps: int | None = None
    characters: int | None = None
    compute_ms: float | None = None
    input_tokens_details: dict[str, int] | None = None

    @classmethod
    def of(cls, usage: Usage, *, prompt: int = 0, completion: int = 0, chat: bool = False) -> Self:
        return cls(
            input_tokens=prompt,
            output_tokens=completion,
            total_tokens=prompt + completion,
            prompt_tokens=prompt if chat else None,
            completion_tokens=completion if chat else None,
            steps=usage.steps or None,
            characters=usage.characters or None,
            compute_ms=usage.compute_ms or None,
        )

    def measured(self) -> Usage:
        return Usage(
            steps=self.steps or 0,
            characters=self.characters or 0,
            tokens=self.total_tokens,
            compute_ms=self.compute_ms or 0.0,
        )

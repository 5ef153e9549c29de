"""Who reads the metrics without being an administrator: Prometheus, by a token that opens nothing else."""

from __future__ import annotations

import hmac
from collections.abc import Mapping

from pydantic import SecretStr

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def is_scraper(headers: Mapping[str, str], token: SecretStr | None) -> bool:
    """Whether `Authorization` brings the token of the setting `metrics_token`; no where there is none."""
    if token is None:
        return False
    given = headers.get("authorization", "")
    return hmac.compare_digest(given.encode(), f"Bearer {token.get_secret_value()}".encode())

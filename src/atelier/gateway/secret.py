"""The secret that signs tokens and links: given by JWT_SECRET, or made once and kept in the data folder."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from atelier.settings import Settings, SettingsProblem

FILE = "jwt_secret"


def given_secret(settings: Settings) -> str | None:
    """JWT_SECRET."""
    return settings.jwt_secret.get_secret_value() if settings.jwt_secret else None


def required_secret(settings: Settings) -> str:
    """For the gateway alone: there is no default."""
    secret = given_secret(settings)
    if secret is None:
        raise SettingsProblem("JWT_SECRET: is not set; make one with: openssl rand -hex 32")
    return secret


def kept_secret(settings: Settings) -> tuple[str, bool]:
    """For `atelier serve`: (the secret, whether it was made just now)."""
    given = given_secret(settings)
    if given is not None:
        return given, False
    found = _read_kept(settings.home)
    if found is not None:
        return found, False
    secret = secrets.token_hex(32)
    _write_private(settings.home / FILE, secret)
    return secret, True


def known_secret(settings: Settings) -> str:
    """What `atelier token` signs with: JWT_SECRET, or the one that `atelier serve` keeps."""
    secret = given_secret(settings) or _read_kept(settings.home)
    if secret is None:
        raise SettingsProblem("JWT_SECRET: is not set, and no `atelier serve` has made one here; start it first")
    return secret


def _read_kept(home: Path) -> str | None:
    file = home / FILE
    return file.read_text().strip() if file.exists() else None


def _write_private(file: Path, text: str) -> None:
    """Readable by the owner alone from its first byte on."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as handle:
        handle.write(text + "\n")

"""Print docs/settings.md from the settings themselves: `python scripts/settings_page.py > docs/settings.md`."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic_core import PydanticUndefined, to_json

from atelier.openai_models import DEFAULT_ALIASES
from atelier.settings import Settings

HEAD = """# Settings

Every setting is an environment variable, or a key of `atelier.toml` in the folder where Atelier starts
(`ATELIER_CONFIG` names another file): `ATELIER_PORT=9000` is `port = 9000`. The environment comes first. Lists and
tables are JSON in the environment. This page is printed from `src/atelier/settings.py`.

| variable | default | what it does |
|---|---|---|
"""

TAIL = """
`ATELIER_CONFIG` names the settings file; `ATELIER_TORCH` (`cpu`, `cuda` or `auto`) chooses the build of PyTorch that
`make serve` installs; `ATELIER_TOKEN` is the token of `atelier demo`.

## Rate limits

Without a setting each tenant has 100 requests an hour of each service. In `atelier.toml`:

```toml
[[limits]]              # every tenant, every service
requests = 500
per = "hour"            # second, minute, hour or day

[[limits]]              # one tenant's own
units = 10000           # also: cost (money), concurrent (at the same time)
per = "month"
tenant = "acme"
```

[limits.md](limits.md) has the rest: plans, which rule applies, what is counted when, and what happens without Redis.

## Models

```toml
[models]                # ids of `atelier models list`, or folders; the first is the default
speech-to-text = "/models/my-whisper-ct2, pocketsphinx-en-us"
```

Where this names models for a service, they alone serve it (and the defaults of the tasks that they leave out).

## Upstreams

```toml
[upstreams]             # several workers, on any machine; the least busy healthy one serves
text-to-image = ["http://gpu-1:7860", "http://gpu-2:7860"]
```

Tiers, weights, keys and other servers: [upstreams.md](upstreams.md).
"""


def main() -> None:
    rows = [f"| {' | '.join(row)} |" for row in described(Settings)]
    print(HEAD + "\n".join(rows) + "\n" + TAIL, end="")


def described(settings: type[Settings]) -> Iterator[tuple[str, str, str]]:
    """Of each setting its variable, its default, and what it does."""
    for name, field in settings.model_fields.items():
        variable = field.validation_alias or f"ATELIER_{name.upper()}"
        description = (field.description or "").removeprefix(f"{variable}: ")
        yield f"`{variable}`", shown(field.default), f"{description[:1].upper()}{description[1:]}"


def shown(default: object) -> str:
    if default is None or default is PydanticUndefined:
        return "none"
    if default == DEFAULT_ALIASES:
        return "OpenAI's names"
    return f"`{to_json(default).decode().strip(chr(34))}`"


if __name__ == "__main__":
    main()

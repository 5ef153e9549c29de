"""Every answer says which revision of its model made it, where that is known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from atelier.worker.app import create_app
from atelier.worker.host import Host
from running_gateway import opened
from servers import running
from stepping import paint_plan

REVISION = "462165984030d82259a11f4367a4eed129e94a7b"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/text-to-image", {"prompt": "a circle"}),
        ("/v1/images/generations", {"prompt": "a circle"}),
        ("/v1/images/generations", {"prompt": "a circle", "stream": True}),
        ("/v1/images/generations", {"prompt": "a circle", "response_format": "url"}),
    ],
)
@pytest.mark.parametrize("revision", [REVISION, None])
def test_an_answer_names_the_revision(tmp_path: Path, path: str, body: dict[str, object], revision: str | None) -> None:
    plan = paint_plan()
    host = Host([replace(plan, source=replace(plan.source, revision=revision))])
    with (
        running(create_app(host, ["text-to-image"], most_body_bytes=3_000_000)) as worker,
        opened(tmp_path, upstreams={"text-to-image": [worker]}) as gateway,
    ):
        answer = gateway.post(path, json=body)
        assert answer.status_code == 200
        assert answer.headers.get("x-model-revision") == revision

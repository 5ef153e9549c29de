"""A chat goes to workers of ours as it came, and to all others in the words of its parsed request."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from atelier.contracts.base import Usage
from atelier.wire.metering import METERED_HEADER, Metered
from misbehaving import PNG, REPORT
from running_gateway import Running, opened
from servers import running

PATH = "/v1/chat/completions"
ANSWER = {
    "id": "chat-1", "created": 1, "model": "eye",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "a cat"}}],
}  # fmt: skip


@dataclass
class Captioner:
    """ours: a worker, which tells what its answers were made of. model: what it says that it answered with."""

    ours: bool = True
    model: str = "eye"
    bodies: list[bytes] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if scope["path"] == "/health":
            known = Response(REPORT, media_type="application/json")
            await (known if self.ours else Response(status_code=404))(scope, receive, send)
            return
        self.bodies.append(await Request(scope, receive).body())
        made = Metered(model="eye", usage=Usage(units=1, tokens=3)).model_dump_json(exclude_defaults=True)
        headers = {METERED_HEADER: made, "x-model": "eye", "Set-Cookie": "a=b"} if self.ours else {}
        await JSONResponse(ANSWER | {"model": self.model}, headers=headers)(scope, receive, send)


@contextmanager
def asked_through(tmp_path: Path, captioner: Captioner, **more: Any) -> Iterator[Running]:
    with running(captioner) as url, opened(tmp_path, upstreams={"image-to-text": [url]}, **more) as gateway:
        yield gateway


def picture(data: bytes = PNG) -> str:
    return f"data:image/png;base64,{base64.b64encode(data).decode()}"


def chat(**more: Any) -> dict[str, Any]:
    parts = [{"type": "text", "text": "Who?"}, {"type": "image_url", "image_url": {"url": picture()}}]
    return {"messages": [{"role": "user", "content": parts}], **more}


def ask(gateway: Running, body: dict[str, Any]) -> httpx2.Response:
    answer = gateway.post(PATH, content=json.dumps(body, indent=3).encode())
    assert answer.status_code == 200, answer.text
    return answer


def test_a_worker_hears_what_the_caller_sent(tmp_path: Path) -> None:
    captioner = Captioner()
    sent = chat(model="eye", seed=7, metadata={"a": "b"})
    with asked_through(tmp_path, captioner) as gateway:
        answer = ask(gateway, sent)
        assert captioner.bodies == [json.dumps(sent, indent=3).encode()]
        assert answer.json() == ANSWER
        assert (answer.headers["x-model"], answer.headers["content-type"]) == ("eye", "application/json")
        assert not {"set-cookie", METERED_HEADER} & set(answer.headers)
        [row] = gateway.records()
        assert (row["units"], row["tokens"], row["modelUsed"]) == (1, 3, "eye")


def test_another_server_hears_no_more_than_the_question(tmp_path: Path) -> None:
    captioner = Captioner(ours=False)
    before = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://10.0.0.1/secret"}}]}
    sent = chat(seed=7, metadata={"a": "b"})
    with asked_through(tmp_path, captioner) as gateway:
        ask(gateway, sent | {"messages": [before, *sent["messages"]]})
    [heard] = captioner.bodies
    url = {"url": picture()}
    parts = [{"type": "image_url", "image_url": url}, {"type": "text", "text": "Who?"}]
    assert json.loads(heard) == {
        "messages": [{"role": "user", "content": parts}], "max_tokens": 64, "temperature": 0.0
    }  # fmt: skip


def test_where_another_server_names_no_model_it_is_the_one_that_was_asked_for(tmp_path: Path) -> None:
    with asked_through(tmp_path, Captioner(ours=False, model="")) as gateway:
        assert ask(gateway, chat(model="their-eye")).json()["model"] == "their-eye"
        assert [row["modelUsed"] for row in gateway.records()] == ["their-eye"]


def test_a_worker_behind_another_name_or_model_hears_that(tmp_path: Path) -> None:
    captioner = Captioner()
    with asked_through(tmp_path, captioner, aliases={"gpt-4o": "eye", "any": ""}) as gateway:
        ask(gateway, chat(model="gpt-4o"))
        ask(gateway, chat(model="any"))
    heard = [json.loads(body) for body in captioner.bodies]
    assert [body.get("model") for body in heard] == ["eye", None]
    assert all(body["messages"][0]["content"][0]["image_url"]["url"] == picture() for body in heard)


def test_a_picture_that_is_fetched_goes_to_the_worker_itself(tmp_path: Path) -> None:
    captioner = Captioner()
    with asked_through(tmp_path, captioner, fetch_allow=["127.0.0.1"]) as gateway, running(_picture) as site:
        sent = chat()
        sent["messages"][0]["content"][1]["image_url"]["url"] = f"{site}/picture.png"
        ask(gateway, sent)
    [heard] = captioner.bodies
    assert json.loads(heard)["messages"][0]["content"][0]["image_url"]["url"] == picture()


async def _picture(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        await Response(PNG, media_type="image/png")(scope, receive, send)

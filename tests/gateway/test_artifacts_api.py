"""Artifacts at the public edge, on both stores: whose they are, their bytes and parts of them, lists, deletion."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from pydantic import SecretStr
from sqlalchemy import text, update

from artifact_stores import Kept
from atelier.gateway.artifacts.names import folder_of
from atelier.gateway.auth import make_token
from atelier.state.tables import artifacts as table
from postgres_server import on_both
from running_gateway import SECRET, Running, opened
from s3_server import NOWHERE, S3, s3_settings
from servers import until

DATA = bytes(range(256)) * 5
PREVIOUS = "the-secret-before-of-forty-characters-ok"
MB = 1_000_000


@pytest.fixture
def gateway(tmp_path: Path, location: str, kept: Kept) -> Iterator[Running]:
    with opened(tmp_path, database_url=location, **kept.settings) as serving:
        yield serving


def ask(gateway: Running, method: str, path: str, tenant: str = "acme", **more: Any) -> httpx2.Response:
    headers = {**gateway.headers(tenant), **more.pop("headers", {})}
    return httpx2.request(method, gateway.url + path, headers=headers, timeout=30, **more)


def test_without_credentials_nothing_is_told(gateway: Running, kept: Kept) -> None:
    artifact = kept.put(gateway, DATA)
    for method, path in (
        ("GET", "/api/artifacts"),
        ("DELETE", "/api/artifacts?all=true"),
        ("GET", f"/api/artifacts/{artifact}"),
        ("DELETE", f"/api/artifacts/{artifact}"),
        ("GET", f"/artifacts/{artifact}"),
        ("HEAD", f"/artifacts/{artifact}"),
    ):
        assert httpx2.request(method, gateway.url + path).status_code == 401
    assert gateway.get(f"/artifacts/{artifact}").content == DATA


@on_both
def test_another_tenants_artifacts_do_not_exist(gateway: Running, kept: Kept) -> None:
    artifact = kept.put(gateway, DATA)
    kept.put(gateway, DATA, tenant="other")
    for method, path in (
        ("GET", "/api/artifacts/"),
        ("DELETE", "/api/artifacts/"),
        ("GET", "/artifacts/"),
        ("HEAD", "/artifacts/"),
    ):
        theirs = ask(gateway, method, path + artifact, tenant="other")
        absent = ask(gateway, method, path + artifact[:-4] + "0000", tenant="other")
        assert theirs.status_code == absent.status_code == 404
        if method != "HEAD":
            assert theirs.json()["error"] == absent.json()["error"], "the answer tells whether it exists"
    assert artifact not in ask(gateway, "GET", "/api/artifacts", tenant="other").text
    assert ask(gateway, "DELETE", "/api/artifacts?all=true", tenant="other").json() == {"deleted": 1}
    assert gateway.get(f"/artifacts/{artifact}").content == DATA


@on_both
def test_an_artifact_is_shown_and_deleted(gateway: Running, kept: Kept) -> None:
    made = gateway.post("/api/text-to-image", json={"prompt": "a square", "n": 2}).json()
    page = gateway.get("/api/artifacts").json()
    assert page["next"] is None
    assert [entry["request_id"] for entry in page["artifacts"]] == [made["request_id"]] * 2
    entry = page["artifacts"][0]
    shown = gateway.get(f"/api/artifacts/{entry['id']}").json()
    assert {**shown, "url": ""} == {**entry, "url": ""}
    told = {"id", "url", "media_type", "bytes", "created_at", "expires_at", "request_id", "sha256", "service"}
    assert (set(shown), shown["service"]) == (told, "text-to-image")
    file = httpx2.get(shown["url"])
    assert (file.headers["content-type"], len(file.content)) == (shown["media_type"], shown["bytes"])
    assert datetime.now(UTC) - datetime.fromisoformat(shown["created_at"]) < timedelta(minutes=1)

    assert len(kept.names()) == 1, "both pictures are the same bytes"
    for each, left in zip(page["artifacts"], (1, 0), strict=True):
        gone = ask(gateway, "DELETE", f"/api/artifacts/{each['id']}")
        assert (gone.status_code, gone.content, len(kept.names())) == (204, b"", left)
    assert [httpx2.get(entry["url"]).status_code, gateway.get(f"/artifacts/{entry['id']}").status_code] == [404, 404]
    assert ask(gateway, "DELETE", f"/api/artifacts/{entry['id']}").status_code == 404


@on_both
def test_a_list_comes_in_pages_with_every_artifact_once(gateway: Running, kept: Kept) -> None:
    ids = [kept.put(gateway, bytes([number])) for number in range(5)]
    same_moment = update(table).where(table.c.id.in_(ids[1:4])).values(createdAt=datetime.now(UTC))
    gateway.ask(same_moment)
    seen: list[str] = []
    query: dict[str, Any] = {"limit": 2}
    for size in (2, 2, 1):
        page = gateway.get("/api/artifacts", params=query).json()
        assert len(page["artifacts"]) == size
        seen += [entry["id"] for entry in page["artifacts"]]
        query["after"] = page["next"]
    assert page["next"] is None
    assert sorted(seen) == sorted(ids)
    assert seen == [*reversed(ids[1:4]), ids[4], ids[0]], "newest first; of one moment the later id"


def test_a_list_can_be_of_one_request_or_service(gateway: Running, kept: Kept) -> None:
    drawn = gateway.post("/api/text-to-image", json={"prompt": "a square"}).json()["request_id"]
    spoken = gateway.post("/api/text-to-speech", json={"text": "one"}).json()["request_id"]

    def requests(**query: str) -> set[str]:
        return {entry["request_id"] for entry in gateway.get("/api/artifacts", params=query).json()["artifacts"]}

    assert requests() == {drawn, spoken}
    assert requests(request_id=drawn) == {drawn}
    assert requests(service="text-to-speech") == {spoken}
    assert requests(service="text-to-speech", request_id=drawn) == set()


@pytest.mark.parametrize(
    ("method", "query", "field"),
    [
        ("GET", "limit=0", "limit"),
        ("GET", "limit=201", "limit"),
        ("GET", "limit=ten", "limit"),
        ("GET", "after=yesterday", "after"),
        ("GET", "after=9_%00", "after"),
        ("GET", "request_id=a%00b", "request_id"),
        ("GET", "service=laundry", "service"),
        ("DELETE", "", "before"),
        ("DELETE", "all=false", "before"),
        ("DELETE", "all=true&before=2026-01-01", "before"),
        ("DELETE", "before=soon", "before"),
        ("DELETE", "before=0001-01-01T00:00:00%2B05:00", "before"),
    ],
)
def test_a_malformed_parameter_is_named(method: str, query: str, field: str, everlasting: Running) -> None:
    answer = ask(everlasting, method, f"/api/artifacts?{query}")
    assert (answer.status_code, answer.json()["field"]) == (422, field)


@pytest.fixture(scope="module")
def everlasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with opened(tmp_path_factory.mktemp("home")) as serving:
        yield serving


@on_both
def test_a_tenant_deletes_what_is_older_or_everything(gateway: Running, kept: Kept) -> None:
    old, new = [kept.put(gateway, data) for data in (b"old", b"new")]
    kept.put(gateway, b"old", tenant="other")
    gateway.ask(update(table).where(table.c.id == old).values(createdAt=datetime(2026, 1, 1, tzinfo=UTC)))

    def delete(query: str) -> int:
        answer = ask(gateway, "DELETE", f"/api/artifacts?{query}")
        assert answer.status_code == 200, answer.text
        deleted: int = answer.json()["deleted"]
        return deleted

    assert [delete("before=2026-01-01"), delete("before=2026-01-01T00:00:01Z")] == [0, 1]
    assert [entry["id"] for entry in gateway.get("/api/artifacts").json()["artifacts"]] == [new]
    assert [delete("all=true"), delete("all=true")] == [1, 0]
    assert [name.partition("/")[0] for name in kept.names()] == [folder_of("other")]


@on_both
def test_a_purged_tenant_leaves_no_bytes(gateway: Running, kept: Kept) -> None:
    for tenant in ("acme", "other"):
        kept.put(gateway, DATA, tenant=tenant)
    token = make_token(SECRET, "operator", roles=["admin"], seconds=60)
    purged = httpx2.delete(
        f"{gateway.url}/admin/tenants/acme?purge=true", headers={"authorization": f"Bearer {token}"}, timeout=30
    )
    assert purged.status_code == 204, purged.text
    assert [name.partition("/")[0] for name in kept.names()] == [folder_of("other")]


def test_a_file_comes_in_parts_and_not_twice(gateway: Running, kept: Kept) -> None:
    path = f"/artifacts/{kept.put(gateway, DATA)}"
    whole = gateway.get(path)
    assert (whole.status_code, whole.content) == (200, DATA)
    assert (whole.headers["accept-ranges"], whole.headers["content-length"]) == ("bytes", str(len(DATA)))
    tag = whole.headers["etag"]

    def get(**headers: str) -> httpx2.Response:
        return ask(gateway, "GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    for range_, part in (("0-3", DATA[:4]), ("1000-", DATA[1000:]), ("-7", DATA[-7:])):
        answer = get(range=f"bytes={range_}")
        assert (answer.status_code, answer.content) == (206, part)
        assert answer.headers["content-length"] == str(len(part))
    assert get(range="bytes=4-7").headers["content-range"] == f"bytes 4-7/{len(DATA)}"
    outside = get(range=f"bytes={len(DATA)}-")
    assert (outside.status_code, outside.headers["content-range"]) == (416, f"bytes */{len(DATA)}")
    assert outside.json()["code"] == "range_not_satisfiable"

    assert get(range="bytes=0-3", if_range=tag).status_code == 206
    assert get(range="bytes=0-3", if_range='"of another file"').content == DATA
    for known in (tag, f'W/{tag}, "x"', "*"):
        again = get(if_none_match=known)
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert get(if_none_match='"x"').content == DATA


def test_the_head_of_a_file_says_what_its_body_would(gateway: Running, kept: Kept) -> None:
    path = f"/artifacts/{kept.put(gateway, DATA, media_type='audio/ogg')}"
    whole, head = gateway.get(path), ask(gateway, "HEAD", path)
    assert (head.status_code, head.content) == (200, b"")
    same = ("content-length", "content-type", "etag", "accept-ranges", "content-disposition")
    assert [head.headers[name] for name in same] == [whole.headers[name] for name in same]
    assert ask(gateway, "HEAD", path, headers={"range": "bytes=0-3"}).headers["content-length"] == "4"


def test_an_empty_file_is_a_file(gateway: Running, kept: Kept) -> None:
    path = f"/artifacts/{kept.put(gateway, b'')}"
    for headers in ({}, {"range": "bytes=0-"}):
        answer = ask(gateway, "GET", path, headers=headers)
        assert (answer.status_code, answer.content) == (200, b"")


def test_a_large_file_is_streamed_at_the_clients_pace(gateway: Running, kept: Kept) -> None:
    size = 50 * MB
    path = f"/artifacts/{kept.put(gateway, b'x' * size)}"
    gateway.get(path, params={}).read()
    start, most, received = _resident(), 0, 0
    with httpx2.stream("GET", gateway.url + path, headers=gateway.headers(), timeout=30) as answer:
        for piece in answer.iter_raw(64 * 1024):
            if received < MB <= received + len(piece):
                time.sleep(0.5)  # whoever reads ahead of the client does it now
            received += len(piece)
            most = max(most, _resident())
    assert received == size
    assert most - start < size / 4, f"{(most - start) / MB:.0f} MB were held"


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def test_a_link_ends_and_one_of_the_secret_before_is_good_until_then(tmp_path: Path, kept: Kept) -> None:
    with opened(tmp_path, jwt_secret_previous=SecretStr(PREVIOUS), **kept.settings) as gateway:
        artifact = kept.put(gateway, DATA)

        async def link(artifacts: Any) -> str:
            made: str = artifacts.link(artifact, gateway.url)
            return made

        before, foreign = [kept.ask(gateway, link, secret=secret) for secret in (PREVIOUS, "o" * 40)]
        short = kept.ask(gateway, link, secret=SECRET, link_seconds=1)
        assert [httpx2.get(url).status_code for url in (before, foreign)] == [200, 404]
        until(lambda: httpx2.get(short).status_code == 404)
        assert httpx2.get(before).content == DATA


def test_what_is_kept_for_a_time_says_so_and_ends(tmp_path: Path, kept: Kept) -> None:
    with opened(tmp_path, retention_days=2, **kept.settings) as gateway:
        gateway.post("/api/text-to-image", json={"prompt": "a square"})
        [entry] = gateway.get("/api/artifacts").json()["artifacts"]
        lasts = datetime.fromisoformat(entry["expires_at"]) - datetime.fromisoformat(entry["created_at"])
        assert lasts == timedelta(days=2)
        short = kept.put(gateway, b"short", keep_days=10 / 86_400)
        assert int(gateway.get(f"/artifacts/{short}").headers["cache-control"].split("=")[1].split(",")[0]) <= 10
        gateway.ask(update(table).where(table.c.id == short).values(expiresAt=datetime.now(UTC)))
        for path in (f"/artifacts/{short}", f"/api/artifacts/{short}"):
            assert gateway.get(path).status_code == 404
        names = len(kept.names())
    with opened(tmp_path, **kept.settings):  # the sweeper's first pass
        until(lambda: len(kept.names()) == names - 1)


def test_links_can_lead_to_the_store_itself(tmp_path: Path, s3: S3) -> None:
    bucket = s3.new_bucket()
    settings = {**s3.settings(bucket), "s3_public_endpoint": s3.url, "link_seconds": 100}
    with opened(tmp_path, **settings) as gateway:
        link = gateway.post("/api/text-to-image", json={"prompt": "a square"}).json()["image_url"]
        led = httpx2.get(link)
        assert (led.status_code, led.headers["cache-control"]) == (307, "no-store")
        there = urlsplit(led.headers["location"])
        assert f"{there.scheme}://{there.netloc}" == s3.url
        [seconds] = parse_qs(there.query)["X-Amz-Expires"]
        assert 90 <= int(seconds) <= 100
        file = httpx2.get(link, follow_redirects=True, headers={"range": "bytes=1-3"})
        assert (file.status_code, file.content, file.headers["content-type"]) == (206, b"PNG", "image/png")
        path = link.removeprefix(gateway.url).partition("?")[0]
        assert gateway.get(path).status_code == 200, "who sends a token must not send it elsewhere"
        assert httpx2.head(link).status_code == 200
        again = gateway.post("/api/image-to-image", json={"prompt": "x", "image_url": link})
        assert again.status_code == 200


def test_a_request_whose_files_cannot_be_stored_is_refused_and_not_billed(tmp_path: Path) -> None:
    with opened(tmp_path, **s3_settings(NOWHERE)) as gateway:
        refused = gateway.post("/api/text-to-image", json={"prompt": "a square"})
        assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
        assert "artifacts" in refused.json()["error"]
        assert int(refused.headers["retry-after"]) > 0
        assert "127.0.0.1" not in refused.text
        [record] = gateway.settled(1)
        assert (record["status"], record["units"]) == ("failed", 0)
        assert gateway.ask(text('SELECT * FROM "Artifact"')) == []
        assert gateway.get("/api/limits").json()["limits"][0]["left"] == 100


def test_a_folder_that_cannot_be_written_refuses_the_request(tmp_path: Path) -> None:
    with opened(tmp_path) as gateway:
        (tmp_path / "artifacts" / folder_of("acme")).write_bytes(b"in the way")
        refused = gateway.post("/api/text-to-image", json={"prompt": "a square"})
        assert refused.status_code == 503
        assert str(tmp_path) not in refused.text


def test_the_reference_tells_of_artifacts(everlasting: Running) -> None:
    paths = httpx2.get(f"{everlasting.url}/openapi.json").json()["paths"]
    told = {
        (method, path): set(item[method]["responses"])
        for path, item in paths.items()
        for method in item
        if "artifacts" in path
    }
    assert told == {
        ("get", "/artifacts/{artifact}"): {"200", "206", "304", "307", "401", "403", "404", "416", "503"},
        ("get", "/api/artifacts"): {"200", "401", "403", "422", "503"},
        ("delete", "/api/artifacts"): {"200", "401", "403", "422", "503"},
        ("get", "/api/artifacts/{artifact}"): {"200", "401", "403", "404", "503"},
        ("delete", "/api/artifacts/{artifact}"): {"204", "401", "403", "404", "503"},
    }
    listed = {parameter["name"] for parameter in paths["/api/artifacts"]["get"]["parameters"]}
    assert listed == {"after", "limit", "request_id", "service"}

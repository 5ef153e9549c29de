"""Voices of a tenant's own, at the public edge: made with consent, spoken with, and gone with their recordings."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import wave
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest
from sqlalchemy import insert, select

from artifact_stores import Kept
from atelier.errors import Unavailable
from atelier.gateway.artifacts import create_artifacts
from atelier.gateway.artifacts.store import open_folder
from atelier.gateway.artifacts.sweeper import Sweeper
from atelier.gateway.auth import make_token
from atelier.gateway.removal import remove_tenant
from atelier.gateway.voices import Voices
from atelier.gateway.voices.known import KnownVoices
from atelier.media.reference import SAMPLE_RATE
from atelier.rules import Plan
from atelier.settings import Settings
from atelier.state.audit import Actor
from atelier.state.database import open_database
from atelier.state.records import Consent, Voice
from atelier.state.tables import audit, now, tenants, voices
from atelier.worker.app import create_app as create_worker
from atelier.worker.host import Host
from postgres_server import on_both
from running_gateway import SECRET, Running, opened
from servers import running, until
from sounds import RATE, Samples, babble, encoded, silence
from stepping import SpeakEngine, speak_plan

STATEMENT = "I am Ann, and Acme may speak with my voice in its announcements."
CONSENT = {"consent": STATEMENT, "consent_by": "Ann Example", "consent_at": "2026-01-31T12:00:00Z"}
ANN, BEN = babble(7), babble(8, pitch=200)
WAV = encoded(ANN)
SPEECH = {"input": "one two", "response_format": "wav", "stream": False}


def make(
    gateway: Running, name: str = "Ann", recording: bytes | None = WAV, tenant: str = "acme", **fields: str | None
) -> httpx2.Response:
    """fields: None leaves one out."""
    form = {key: value for key, value in ({"name": name} | CONSENT | fields).items() if value is not None}
    files = {} if recording is None else {"reference": ("voice", recording)}
    return gateway.post("/api/voices", tenant, data=form, files=files)


def made(gateway: Running, *args: Any, **more: Any) -> dict[str, Any]:
    answer = make(gateway, *args, **more)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def ask(gateway: Running, method: str, path: str, tenant: str = "acme") -> httpx2.Response:
    return httpx2.request(method, gateway.url + path, headers=gateway.headers(tenant), timeout=30)


def speak(gateway: Running, voice: str, tenant: str = "acme", **more: Any) -> httpx2.Response:
    return gateway.post("/v1/audio/speech", tenant, json=SPEECH | {"voice": voice} | more)


@contextmanager
def served_by(host: Host, home: Path) -> Iterator[Running]:
    """A gateway whose speech that host makes."""
    app = create_worker(host, ["text-to-speech"], most_body_bytes=3_000_000)
    with running(app) as worker, opened(home, upstreams={"text-to-speech": [worker]}) as gateway:
        yield gateway


def models(gateway: Running) -> dict[str, Any]:
    """All that are served, by their ids."""
    return {model["id"]: model for model in gateway.get("/v1/models").json()["data"]}


def samples(wav: bytes) -> tuple[int, Samples]:
    with wave.open(io.BytesIO(wav)) as opened_:
        assert (opened_.getnchannels(), opened_.getsampwidth()) == (1, 2)
        return opened_.getframerate(), np.frombuffer(opened_.readframes(opened_.getnframes()), np.int16)


def recordings(home: Path) -> list[Path]:
    """All that lies in the store."""
    return [path for path in (home / "artifacts").rglob("*") if path.is_file() and path.name != ".swept"]


@pytest.fixture(scope="module")
def open_gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """For tests that leave nothing behind that others would see."""
    with opened(tmp_path_factory.mktemp("voices")) as serving:
        yield serving


def test_without_credentials_nothing_is_told(open_gateway: Running) -> None:
    for method, path in (
        ("GET", "/api/voices"), ("POST", "/api/voices"), ("GET", "/api/voices/x"),
        ("GET", "/api/voices/x/recording"), ("DELETE", "/api/voices/x"),
    ):  # fmt: skip
        assert httpx2.request(method, open_gateway.url + path).status_code == 401


@on_both
def test_a_voice_is_made_listed_heard_and_deleted_by_its_tenant_alone(gateway: Running) -> None:
    stereo = encoded(ANN, "flac", "flac", rate=RATE, layout="stereo")
    voice = made(gateway, recording=stereo, language="de")
    assert (voice["name"], voice["language"], voice["seconds"]) == ("Ann", "de", pytest.approx(7, abs=0.01))
    assert voice["consent"] == {"statement": STATEMENT, "by": "Ann Example", "at": "2026-01-31T12:00:00Z"}
    assert voice["sent_sha256"] == hashlib.sha256(stereo).hexdigest()
    assert "tenant" not in voice
    assert ask(gateway, "GET", "/api/voices").json() == {"voices": [voice], "most": 20}
    path = f"/api/voices/{voice['id']}"
    assert ask(gateway, "GET", path).json() == voice
    recording = ask(gateway, "GET", f"{path}/recording")
    assert recording.headers["content-type"] == "audio/wav"
    assert hashlib.sha256(recording.content).hexdigest() == voice["sha256"]
    rate, heard = samples(recording.content)
    assert (rate, len(heard) / rate) == (SAMPLE_RATE, pytest.approx(7, abs=0.01))

    for method, of in (("GET", path), ("GET", f"{path}/recording"), ("DELETE", path)):
        refused = ask(gateway, method, of, "other")
        unknown = ask(gateway, method, of.replace(voice["id"], "00000000-0000-7000-8000-000000000000"), "other")
        assert (refused.status_code, refused.json()["error"]) == (404, unknown.json()["error"])
    assert ask(gateway, "GET", "/api/voices", "other").json()["voices"] == []
    assert ask(gateway, "GET", "/api/artifacts").json()["artifacts"] == []

    assert len(recordings(gateway.home)) == 1
    assert ask(gateway, "DELETE", path).status_code == 204
    assert recordings(gateway.home) == []
    assert ask(gateway, "GET", path).status_code == 404
    assert ask(gateway, "DELETE", path).status_code == 404
    create, delete = gateway.ask(select(audit).where(audit.c.action.like("voice.%")).order_by(audit.c.id))
    assert (create["action"], delete["action"]) == ("voice.create", "voice.delete")
    for entry in (create, delete):
        told = json.loads(entry["details"])
        assert (entry["tenantId"], entry["target"], entry["requestId"] is None) == ("acme", voice["id"], False)
        assert (told["consent"]["statement"], told["consent"]["by"]) == (STATEMENT, "Ann Example")
        assert (told["sha256"], told["sent_sha256"]) == (voice["sha256"], voice["sent_sha256"])
    assert create["actor"] == voice["created_by"] == "acme"


@pytest.mark.parametrize(
    ("container", "codec", "rate"),
    [("mp3", "libmp3lame", 44_100), ("ogg", "libopus", 48_000), ("wav", "pcm_s24le", 8_000)],
)
def test_recordings_of_many_kinds(open_gateway: Running, container: str, codec: str, rate: int) -> None:
    factor = rate / RATE
    resampled = np.interp(np.arange(int(len(BEN) * factor)) / factor, np.arange(len(BEN)), BEN).astype(np.int16)
    voice = made(open_gateway, f"as {container}", encoded(resampled, container, codec, rate=rate))
    assert voice["seconds"] == pytest.approx(8, abs=0.1)


@pytest.mark.parametrize(
    ("fields", "field", "status", "word"),
    [
        ({"consent": None}, "consent", 422, "required"),
        ({"consent": "yes"}, "consent", 422, "20"),
        ({"consent_by": None}, "consent_by", 422, "required"),
        ({"consent_at": None}, "consent_at", 422, "required"),
        ({"consent_at": "2999-01-01"}, "consent_at", 422, "future"),
        ({"consent_at": "0001-01-01T00:00:00+14:00"}, "consent_at", 422, "1970"),
        ({"consent_at": "1969-12-31"}, "consent_at", 422, "1970"),
        ({"consent": "\u200b" * 30}, "consent", 422, "words"),
        ({"consent": "." * 30}, "consent", 422, "words"),
        ({"consent_by": "-"}, "consent_by", 422, "name"),
        ({"name": "Alloy"}, "name", 422, "everyone"),
        ({"name": "tone"}, "name", 422, "everyone"),
        ({"name": "00000000-0000-7000-8000-000000000000"}, "name", 422, "id"),
        ({"name": "a\nb"}, "name", 422, "one line"),
        ({"recording": None}, "reference", 422, "part of a form"),
        ({"recording": encoded(babble(5))}, "reference", 422, "5.0"),
        ({"recording": encoded(babble(31))}, "reference", 422, "more"),
        ({"recording": encoded(silence(10))}, "reference", 422, "heard"),
        ({"recording": b"not a recording at all"}, "reference", 422, "recording"),
        ({"extra": "x"}, "extra", 422, "unknown"),
    ],
)
def test_what_is_refused_names_the_field(
    open_gateway: Running, fields: dict[str, Any], field: str, status: int, word: str
) -> None:
    refused = make(open_gateway, tenant="refused", **fields)
    assert (refused.status_code, refused.json()["field"]) == (status, field), refused.text
    assert word in refused.json()["error"]
    assert ask(open_gateway, "GET", "/api/voices", "refused").json()["voices"] == []


@on_both
def test_a_text_is_spoken_with_it_on_both_faces(gateway: Running) -> None:
    ann, ben = made(gateway, language="de"), made(gateway, "Ben", encoded(BEN))
    kept = {voice["id"]: ask(gateway, "GET", f"/api/voices/{voice['id']}/recording").content for voice in (ann, ben)}
    by_name, by_id, other = speak(gateway, "ANN"), speak(gateway, ann["id"]), speak(gateway, "Ben")
    assert by_name.status_code == 200, by_name.text
    assert by_name.content == by_id.content != other.content
    assert (by_name.headers["x-voice"], other.headers["x-voice"]) == (ann["id"], ben["id"])
    heard = SpeakEngine.newest.asked
    assert [request.reference for request in heard] == [kept[ann["id"]], kept[ann["id"]], kept[ben["id"]]]
    assert [request.language for request in heard] == ["de", "de", None]

    linked = gateway.post("/api/text-to-speech", json={"text": "one two", "voice": "Ann", "language": "fr"}).json()
    assert linked["voice"] == ann["id"]
    assert SpeakEngine.newest.asked[-1].language == "fr"
    assert gateway.get(linked["audio_url"].removeprefix(gateway.url)).content == by_name.content
    streamed = speak(gateway, "Ann", stream=True, stream_format="sse", response_format="pcm")
    assert streamed.text.count("speech.audio.delta") > 1
    assert speak(gateway, "nova").headers["x-voice"] == "tone"
    as_object = gateway.post("/v1/audio/speech", json=SPEECH | {"voice": {"id": ann["id"]}})
    assert as_object.content == by_name.content

    for named in ("Ann", ann["id"]):
        refused = speak(gateway, named, "other")
        assert (refused.status_code, refused.json()["error"]["param"]) == (400, "voice")
    assert refused.json()["error"]["message"] == f"voice: {ann['id']} is not known here"
    assert ask(gateway, "DELETE", f"/api/voices/{ann['id']}").status_code == 204
    for named in ("Ann", ann["id"]):
        assert speak(gateway, named).status_code == 400
    assert speak(gateway, "Ben").status_code == 200


def test_speech_that_is_kept_is_not_given_for_another_voice_of_the_name(tmp_path: Path) -> None:
    with opened(tmp_path, plans={"paid": Plan(cache=True)}) as gateway:
        gateway.ask(insert(tenants).values(id="acme", name="acme", plan="paid"))
        keyed = {**gateway.headers(), "idempotency-key": "once"}

        def once() -> httpx2.Response:
            return httpx2.post(f"{gateway.url}/v1/audio/speech", headers=keyed, json=SPEECH | {"voice": "Ann"})

        ann = made(gateway)
        first, again = speak(gateway, "Ann"), speak(gateway, "Ann")
        assert (first.headers["x-cache"], again.headers["x-cache"]) == ("miss", "hit")
        assert once().content == once().content == first.content
        ask(gateway, "DELETE", f"/api/voices/{ann['id']}")
        assert (speak(gateway, "Ann").status_code, once().status_code) == (400, 409)
        made(gateway, "Ann", encoded(BEN))
        other = speak(gateway, "Ann")
        assert (other.headers["x-cache"], other.content != first.content) == ("miss", True)
        assert once().status_code == 409


def test_a_repeat_makes_no_second_voice(gateway: Running) -> None:
    headers = {**gateway.headers(), "idempotency-key": "voice-1"}
    form = {"name": "Ann"} | CONSENT
    both = [
        httpx2.post(f"{gateway.url}/api/voices", headers=headers, data=form, files={"reference": WAV}, timeout=30)
        for _ in range(2)
    ]
    assert [answer.status_code for answer in both] == [201, 201]
    assert both[0].json() == both[1].json()
    assert both[1].headers["idempotent-replayed"] == "true"
    assert len(gateway.ask(select(voices))) == 1


def test_a_name_is_given_once_and_only_so_many_voices_are_kept(tmp_path: Path) -> None:
    with opened(tmp_path, voices_per_tenant=2) as gateway:
        made(gateway)
        taken = make(gateway, "ann")
        assert (taken.status_code, taken.json()["field"]) == (409, "name")
        made(gateway, "Ben")
        full = make(gateway, "Cleo")
        assert (full.status_code, "at most 2" in full.json()["error"]) == (409, True)
        made(gateway, "Ann", tenant="other")
        assert len(recordings(tmp_path)) == 3
    with opened(tmp_path, voices_per_tenant=0) as gateway:
        assert make(gateway, "Cleo", tenant="third").status_code == 403
        assert speak(gateway, "Ann").status_code == 200


def test_to_make_one_is_a_request_like_others(open_gateway: Running) -> None:
    """Or a tenant could have workers decode, and the audit log grow, without end."""
    made_ = [made(open_gateway, f"small {number}", tenant="small") for number in range(5)]
    refused = make(open_gateway, "small 5", tenant="small")
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    for voice in made_:
        assert ask(open_gateway, "DELETE", f"/api/voices/{voice['id']}", "small").status_code == 204
    assert make(open_gateway, "small 5", tenant="small").status_code == 429
    assert open_gateway.records() == []


def test_recordings_are_taken_in_no_further_than_other_uploads(tmp_path: Path) -> None:
    with opened(tmp_path, most_in_flight=1) as gateway, ThreadPoolExecutor(1) as pool:
        engine = SpeakEngine.newest
        engine.gate.hold()
        speaking = pool.submit(speak, gateway, "alloy")
        until(lambda: engine.asked)
        refused = make(gateway)
        engine.gate.release()
        assert (refused.status_code, refused.json()["code"]) == (503, "overloaded"), refused.text
        assert speaking.result().status_code == 200
        made(gateway)


@on_both
def test_voices_that_are_made_at_once_keep_to_the_limit(tmp_path: Path, location: str) -> None:
    with opened(tmp_path, database_url=location, voices_per_tenant=2) as gateway, ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda number: make(gateway, f"voice {number}").status_code, range(4)))
        assert sorted(answers) == [201, 201, 409, 409]
        assert len(recordings(tmp_path)) == len(gateway.ask(select(voices))) == 2


def test_credentials_must_be_for_speech(gateway: Running) -> None:
    def status(services: list[str]) -> int:
        token = make_token(SECRET, "acme", seconds=600, services=services)
        return httpx2.get(f"{gateway.url}/api/voices", headers={"authorization": f"Bearer {token}"}).status_code

    assert (status(["text-to-image"]), status(["text-to-speech"])) == (403, 200)


def test_neither_face_takes_a_recording_with_the_text(gateway: Running) -> None:
    for path, form in (("/v1/audio/speech", {"input": "one"}), ("/api/text-to-speech", {"text": "one"})):
        refused = gateway.post(path, data=form, files={"reference": WAV})
        assert refused.status_code in {400, 422}
        assert "reference" in refused.text
    assert SpeakEngine.newest.asked == []


def test_where_no_model_can_speak_with_it_the_voice_is_named(tmp_path: Path) -> None:
    host = Host([speak_plan("plain", clones=False)])
    with served_by(host, tmp_path) as gateway:
        made(gateway)
        refused = speak(gateway, "Ann")
        assert (refused.status_code, refused.json()["error"]["param"]) == (400, "voice")
        assert "no model" in refused.json()["error"]["message"]
        assert speak(gateway, "alloy").status_code == 200
        engine = host.residents[0].engine
        assert isinstance(engine, SpeakEngine)
        assert [request.voice for request in engine.asked] == ["alloy"]


def test_the_model_that_can_speaks_where_none_is_named(tmp_path: Path) -> None:
    host = Host([speak_plan("plain", clones=False), speak_plan("cloner")])
    with served_by(host, tmp_path) as gateway:
        until(lambda: {"plain", "cloner"} <= set(models(gateway)))
        made(gateway)
        assert speak(gateway, "alloy").headers["x-model"] == "plain"
        assert speak(gateway, "Ann").headers["x-model"] == "cloner"
        refused = gateway.post("/api/text-to-speech", json={"text": "x", "voice": "Ann", "model": "plain"})
        assert (refused.status_code, refused.json()["field"]) == (422, "voice")
        assert "cloner" in refused.json()["error"]
        clones = {name: model.get("clones") for name, model in models(gateway).items()}
        assert (clones["plain"], clones["cloner"]) == (None, True)


def test_its_recording_lies_in_either_store_and_goes_with_it(tmp_path: Path, kept: Kept) -> None:
    with opened(tmp_path, **kept.settings) as gateway:
        voice = made(gateway)
        assert len([name for name in kept.names() if voice["sha256"] in name]) == 1
        recording = ask(gateway, "GET", f"/api/voices/{voice['id']}/recording").content
        assert speak(gateway, "Ann").status_code == 200
        assert SpeakEngine.newest.asked[-1].reference == recording
        assert ask(gateway, "DELETE", f"/api/voices/{voice['id']}").status_code == 204
        assert not [name for name in kept.names() if voice["sha256"] in name]


def test_the_sweeper_leaves_a_living_voices_recording(gateway: Running) -> None:
    made(gateway)

    async def sweep() -> int:
        database = await open_database(gateway.location)
        store = open_folder(gateway.home / "artifacts")
        found = await Sweeper(store, database, orphan_age=timedelta(0)).sweep_orphans()
        await database.dispose()
        return found

    assert asyncio.run(sweep()) == 0
    gateway.ask(voices.delete())
    assert asyncio.run(sweep()) == 1


@on_both
def test_a_tenants_end_is_its_voices_end(gateway: Running) -> None:
    made(gateway)

    def delete(query: str = "") -> httpx2.Response:
        operator = make_token(SECRET, "operator", roles=["admin"], seconds=600)
        headers = {"authorization": f"Bearer {operator}"}
        return httpx2.delete(f"{gateway.url}/admin/tenants/acme{query}", headers=headers, timeout=30)

    refused = delete()
    assert (refused.status_code, "1 voices" in refused.json()["error"]) == (409, True)
    assert delete("?purge=true").status_code == 204
    assert (recordings(gateway.home), gateway.ask(select(voices))) == ([], [])


class Busy(Voices):
    """One more voice is made between the deletion of the recordings and that of the rows."""

    gateway: Running

    async def delete_recordings(self, tenant: str, *more: Any) -> None:
        await super().delete_recordings(tenant, *more)
        if not more:
            await asyncio.to_thread(made, self.gateway, "Late", encoded(BEN))


@on_both
async def test_a_voice_that_is_made_while_its_tenant_is_deleted_leaves_no_recording(gateway: Running) -> None:
    await asyncio.to_thread(made, gateway)
    settings = Settings(home=gateway.home, database_url=gateway.location)
    database = await open_database(gateway.location)
    artifacts = create_artifacts(settings, database, "")
    busy = Busy(artifacts.store, database, most=20)
    busy.gateway = gateway
    await remove_tenant(database, artifacts, busy, "acme", purge=True, by=Actor("cli:test"))
    await database.dispose()
    assert (recordings(gateway.home), gateway.ask(select(voices))) == ([], [])


class Reading:
    """What a database tells of voices, or that it is away."""

    def __init__(self) -> None:
        self.count, self.away, self.now = 0, False, 0.0
        self.voices: list[Voice] = []

    async def __call__(self, _: str) -> list[Any]:
        self.count += 1
        if self.away:
            raise Unavailable("away")
        return self.voices


async def test_a_tenants_voices_are_looked_up_once_in_a_while_and_known_while_the_database_is_away() -> None:
    read = Reading()
    known = KnownVoices(read, clock=lambda: read.now)
    await asyncio.gather(*(known.find("acme", "x") for _ in range(9)))
    assert (await known.find("acme", "x"), read.count) == (None, 1)
    read.now, read.away = 6, True
    assert (await known.find("acme", "x"), await known.find("acme", "x"), read.count) == (None, None, 2)
    for _ in range(3):
        with pytest.raises(Unavailable):
            await known.find("other", "x")
    assert read.count == 3
    read.now, read.away = 12, False
    assert (await known.find("other", "x"), read.count) == (None, 4)
    await known.stop()


async def test_a_voice_that_was_just_made_at_another_gateway_is_found() -> None:
    read = Reading()
    known = KnownVoices(read, clock=lambda: read.now)
    assert await known.find("acme", "Ann") is None
    consent = Consent(statement=STATEMENT, by="Ann", at=now())
    ann = Voice(
        id="00000000-0000-7000-8000-000000000000", tenant="acme", name="Ann", language=None, seconds=7, bytes=9,
        sha256="0", sent_sha256="0", consent=consent, created_by="acme", created_at=now(),
    )  # fmt: skip
    read.voices, read.now = [ann], 0.5
    assert (await known.find("acme", "tone", is_everyones=lambda name: name == "tone"), read.count) == (None, 1)
    assert await known.find("acme", "ann") == ann
    assert ([await known.find("acme", "Ben") for _ in range(9)], read.count) == ([None] * 9, 2)
    read.now, read.away = 6, True
    assert (await known.find("acme", "Ben"), read.count) == (None, 3)
    read.now = 7
    assert (await known.find("acme", "Ben"), read.count) == (None, 3)
    await known.stop()


async def test_statements_are_not_remembered_with_the_voices(gateway: Running) -> None:
    """Twenty of 16 kB for each of 2,000 tenants would be 640 MB."""
    await asyncio.to_thread(made, gateway)
    database = await open_database(gateway.location)
    known = Voices(open_folder(gateway.home / "artifacts"), database, most=20)
    found = await known.find("acme", "Ann", is_everyones=lambda _: False)
    assert found is not None
    assert (found.consent.statement, found.consent.by) == ("", "Ann Example")
    assert (await known.read("acme", found.id)).consent.statement == STATEMENT
    await known.stop()
    await database.dispose()

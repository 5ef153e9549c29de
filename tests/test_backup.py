"""`atelier backup` and `restore`: by the command, on real databases and stores, under traffic and over breaks."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import io
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any
from unittest import mock

import asyncpg
import httpx2
import pytest
from alembic import command
from redis.asyncio import Redis as Client
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from atelier.cli.root import main
from atelier.gateway.usage.journal import open_journal
from atelier.gateway.usage.stream import UsageStream
from atelier.state.database import alone
from atelier.state.tables import artifacts, metadata, tenants
from atelier.state.upgrade import HEAD, migrations
from command import Cli
from postgres_server import Postgres, on_both
from redis_server import Redis
from running_gateway import SECRET, Running, opened
from s3_server import S3
from servers import until
from sounds import babble, encoded

Rows = dict[str, list[tuple[Any, ...]]]


@pytest.fixture
def new_place(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], str]:
    """Where another database without tables is, of either kind."""

    def place(kind: str) -> str:
        if kind == "sqlite":
            return f"sqlite+aiosqlite:///{tmp_path / 'other' / 'atelier.db'}"
        server: Postgres = request.getfixturevalue("postgres")
        return server.new_database()

    return place


def rows_of(location: str) -> Rows:
    """Every row of every table, in the order of the first column."""

    async def read(connection: AsyncConnection) -> Rows:
        return {
            table.name: [tuple(row) for row in await connection.execute(select(table).order_by(*table.primary_key))]
            for table in metadata.sorted_tables
        }

    return asyncio.run(alone(location, read))


def without_audit(rows: Rows) -> Rows:
    return {name: found for name, found in rows.items() if name != "AuditEntry"}


class Here(Cli):
    """The command within this process, which takes a tenth of the time."""

    def __call__(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        out, error, before = io.StringIO(), io.StringIO(), os.umask(0o077)
        with (
            mock.patch.dict(os.environ, {**self.environment, **environment}, clear=True),
            redirect_stdout(out),
            redirect_stderr(error),
        ):
            try:
                main(words)
            except SystemExit as end:
                status = end.code if isinstance(end.code, int) else int(bool(end.code))
                error.write(end.code if isinstance(end.code, str) else "")
            finally:
                os.umask(before)
        return subprocess.CompletedProcess(words, status, out.getvalue(), error.getvalue())


def filled(home: Path, location: str, **environment: str) -> Cli:
    """The command for a database with a tenant, a key and limits, and a data folder with its small files."""
    cli = Here(home, DATABASE_URL=location, **environment)
    cli.said("tenants", "create", "acme", "--name", "Ä’s ‘Acme’")
    cli.said("keys", "create", "--tenant", "acme")
    cli.said("limits", "set", "--tenant", "acme", "--requests", "9", "--per", "hour")
    (home / "models").mkdir(exist_ok=True)
    (home / "models" / "models.lock.json").write_text('{"version": 1, "models": {}}')
    (home / "jwt_secret").write_text("s" * 64)
    return cli


@pytest.mark.parametrize(
    ("location", "to"), [("sqlite", "postgresql"), ("postgresql", "sqlite")], indirect=["location"]
)
def test_what_is_backed_up_under_traffic_is_whole_wherever_it_is_restored(
    tmp_path: Path, location: str, to: str, new_place: Callable[[str], str]
) -> None:
    home, archive = tmp_path / "home", tmp_path / "all.tar"
    with opened(home, database_url=location) as gateway:
        cli = Cli(home, DATABASE_URL=location, JWT_SECRET=SECRET)
        before = [made(gateway, number) for number in range(3)]
        voice = made_voice(gateway)
        with traffic(gateway) as answered:
            until(lambda: len(answered) > 5)
            cli.said("backup", str(archive))
        assert len(answered) > 6, "nothing was served meanwhile"
    assert archive.stat().st_mode & 0o077 == 0

    place, other = new_place(to), tmp_path / "other"
    there = Here(other, DATABASE_URL=place, JWT_SECRET=SECRET)
    there.said("restore", str(archive))
    now, then = rows_of(location), rows_of(place)
    assert {id_ for id_, _ in before} <= {row[0] for row in then["AIUsage"]} <= {row[0] for row in now["AIUsage"]}
    assert set(then["Tenant"]) == set(now["Tenant"])
    with opened(other, database_url=place) as gateway:
        for _, link in before:
            assert gateway.get("/artifacts/" + link.partition("/artifacts/")[2]).content
        heard = gateway.get(f"/api/voices/{voice['id']}/recording")
        assert hashlib.sha256(heard.content).hexdigest() == voice["sha256"]
        for artifact in gateway.ask(select(artifacts)):
            answer = gateway.get(f"/artifacts/{artifact['id']}")
            assert hashlib.sha256(answer.content).hexdigest() == artifact["sha256"]


def made(gateway: Running, number: int = 0) -> tuple[str, str]:
    """The id of a request, and the link to its recording; those of other numbers have other bytes."""
    answer = gateway.post("/api/text-to-speech", json={"text": "la " * (number + 1)})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    return body["request_id"], body["audio_url"]


def made_voice(gateway: Running) -> dict[str, Any]:
    consent = {"consent": "Speak with my voice as you like.", "consent_by": "Ann", "consent_at": "2026-01-31"}
    files = {"reference": encoded(babble(7))}
    answer = gateway.post("/api/voices", data={"name": "Ann"} | consent, files=files)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


@contextmanager
def traffic(gateway: Running) -> Iterator[list[str]]:
    """Recordings are made, and every second one is deleted again, until the end of the block."""
    answered: list[str] = []
    over = threading.Event()

    def ask() -> None:
        while not over.is_set():
            request, link = made(gateway, len(answered) + 3)
            if len(answered) % 2:
                artifact = link.partition("/artifacts/")[2].partition("?")[0]
                httpx2.delete(f"{gateway.url}/api/artifacts/{artifact}", headers=gateway.headers()).raise_for_status()
            answered.append(request)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield answered
    finally:
        over.set()
        thread.join(timeout=30)


@on_both
def test_everything_comes_back(tmp_path: Path, location: str, new_place: Callable[[str], str]) -> None:
    home = tmp_path / "home"
    cli = filled(home, location, ATELIER_CONFIG=str(settings(tmp_path, "request_seconds = 5")))
    said = cli("backup", str(tmp_path / "all.tar")).stderr
    assert "1 tenants, 1 keys, 0 usage records, 0 artifacts" in said
    assert "secret" in said
    place, other = new_place("postgresql"), tmp_path / "other"
    there = Here(other, DATABASE_URL=place, ATELIER_CONFIG=str(settings(tmp_path, "request_seconds = 7")))
    said = there("restore", str(tmp_path / "all.tar")).stderr
    assert without_audit(rows_of(place)) == without_audit(rows_of(location))
    for name in ("jwt_secret", "models/models.lock.json"):
        assert (other / name).read_bytes() == (home / name).read_bytes()
        assert (other / name).stat().st_mode & 0o077 == 0
    assert (other / "atelier.toml.restored").read_text() == "request_seconds = 5"
    assert "atelier.toml.restored" in said
    entries = there.json("audit", "list")
    assert [entry["action"] for entry in entries][:2] == ["database.restore", "limits.set"]
    assert not [path for path in (*home.iterdir(), *other.iterdir()) if path.name.startswith("archive-")]


def settings(folder: Path, line: str) -> Path:
    file = folder / f"{hashlib.sha256(line.encode()).hexdigest()[:8]}.toml"
    file.write_text(line)
    return file


def test_an_archive_goes_through_a_pipe(tmp_path: Path) -> None:
    cli = filled(tmp_path / "home", f"sqlite:///{tmp_path / 'one.db'}")
    words = [sys.executable, "-m", "atelier"]
    archive = subprocess.run([*words, "backup", "-"], env=cli.environment, capture_output=True, check=True).stdout
    there = {**cli.environment, "DATABASE_URL": f"sqlite:///{tmp_path / 'two.db'}"}
    done = subprocess.run([*words, "restore", "-"], env=there, input=archive, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert rows_of(f"sqlite+aiosqlite:///{tmp_path / 'two.db'}")["Tenant"]


def test_usage_on_its_way_is_in_it_once(tmp_path: Path, location: str, redis: Redis) -> None:
    home = tmp_path / "home"
    cli = filled(home, location, REDIS_URL=redis.url, ATELIER_REDIS_PREFIX=tmp_path.name.replace("_", "-")[:40])
    journal = open_journal(home / "usage", "gone")
    journal.append(line("in the journal"))
    journal.append(line("in both"))
    journal.append(line("torn")[:-9])
    journal._end()
    os.close(journal._lock)

    async def stream() -> None:
        waiting = UsageStream(Client.from_url(redis.url), cli.environment["ATELIER_REDIS_PREFIX"])
        for number in range(45):
            await waiting.add(line(f"{number}") + line(f"{number} too"))
        await waiting.add(line("in both"))
        await waiting.close()

    asyncio.run(stream())
    cli.said("backup", str(tmp_path / "all.tar"))
    cli.said("restore", str(tmp_path / "all.tar"), "--force")
    found = [row[0] for row in rows_of(location)["AIUsage"]]
    wanted = {"in the journal", "in both", *(f"{n}{end}" for n in range(45) for end in ("", " too"))}
    assert (len(found), set(found)) == (len(wanted), wanted)


def line(name: str) -> bytes:
    row = {
        "id": name, "tenantId": "late", "service": "text-to-speech", "requestType": "made", "duration": 3,
        "status": "succeeded", "unit": "characters", "createdAt": "2026-11-01T10:00:00Z",
    }  # fmt: skip
    return json.dumps(row).encode() + b"\n"


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Of a SQLite database with one tenant, `first`."""
    cli = Here(tmp_path / "made", DATABASE_URL=f"sqlite:///{tmp_path / 'made.db'}")
    cli.said("tenants", "create", "first")
    cli.said("backup", str(tmp_path / "first.tar"))
    return tmp_path / "first.tar"


@on_both
def test_rows_are_replaced_only_by_force_and_the_audit_log_grows(tmp_path: Path, location: str, archive: Path) -> None:
    cli = filled(tmp_path / "home", location)
    refused = cli("restore", str(archive))
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "Tenant has 1 rows" in refused.stderr
    assert "--force" in refused.stderr
    assert [row[0] for row in rows_of(location)["Tenant"]] == ["acme"]
    cli.said("restore", str(archive), "--force")
    assert [row[0] for row in rows_of(location)["Tenant"]] == ["first"]
    kept = [(entry["action"], entry["tenant"]) for entry in cli.json("audit", "list")]
    assert kept[0] == ("database.restore", None)
    assert sorted(tenant or "" for action, tenant in kept if action == "tenant.create") == ["acme", "first"]
    cli.said("restore", str(archive), "--force")  # the same entries again


@on_both
def test_a_gateway_that_runs_is_refused(tmp_path: Path, location: str, archive: Path) -> None:
    with opened(tmp_path / "home", database_url=location) as gateway:
        beside = Here(tmp_path / "home", DATABASE_URL=location)("restore", str(archive), "--force")
        assert (beside.returncode, "stop it first" in beside.stderr) == (1, True)
        if location.startswith("postgres"):
            afar = Here(tmp_path / "elsewhere", DATABASE_URL=location)("restore", str(archive), "--force")
            assert (afar.returncode, "stop every gateway first" in afar.stderr) == (1, True)
        made(gateway)
        assert [row["id"] for row in gateway.ask(select(tenants))] == ["acme"]
    Here(tmp_path / "home", DATABASE_URL=location).said("restore", str(archive), "--force")


def parts(archive: Path) -> dict[str, bytes]:
    with tarfile.open(archive) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]


def packed(archive: Path, found: dict[str, bytes]) -> Path:
    with tarfile.open(archive, "w") as tar:
        for name, data in found.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return archive


def flipped(archive: Path) -> None:
    found = parts(archive)
    data = bytearray(found["database.sqlite.gz"])
    data[len(data) // 2] ^= 1
    packed(archive, found | {"database.sqlite.gz": bytes(data)})


def cut(archive: Path) -> None:
    os.truncate(archive, archive.stat().st_size // 2)


def unfinished(archive: Path) -> None:
    packed(archive, {name: data for name, data in parts(archive).items() if name != "manifest.json"})


def newer(archive: Path) -> None:
    found = parts(archive)
    packed(archive, found | {"manifest.json": found["manifest.json"].replace(f'"{HEAD}"'.encode(), b'"9999"')})


def climbing(archive: Path) -> None:
    packed(archive, parts(archive) | {"artifacts/../../escaped": b"!"})


def no_tar(archive: Path) -> None:
    archive.write_bytes(b"no archive at all" * 1000)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (flipped, "database.sqlite.gz is not what its manifest says"),
        (cut, "damaged"),
        (unfinished, "it ends before its manifest"),
        (newer, "tables are at version 9999"),
        (climbing, "no archive of Atelier's"),
        (no_tar, "damaged"),
    ],
)
def test_an_archive_that_cannot_be_trusted_changes_nothing(
    tmp_path: Path, archive: Path, spoil: Callable[[Path], None], said: str
) -> None:
    spoil(archive)
    location = f"sqlite+aiosqlite:///{tmp_path / 'there.db'}"
    cli = filled(tmp_path / "home", location)
    before = rows_of(location)
    for words in (("--force",), ("--check",)):
        refused = cli("restore", str(archive), *words)
        assert (refused.returncode, refused.stdout) == (1, "")
        assert said in refused.stderr
        assert "Traceback" not in refused.stderr
    assert rows_of(location) == before
    assert not (tmp_path / "escaped").exists()


def test_a_whole_archive_is_told_without_a_change(tmp_path: Path, archive: Path) -> None:
    cli = Here(tmp_path / "home", DATABASE_URL=f"sqlite:///{tmp_path / 'there.db'}")
    assert "whole" in cli("restore", "--check", str(archive)).stderr
    assert not (tmp_path / "there.db").exists()


@on_both
def test_a_restore_that_is_killed_leaves_what_was_there(tmp_path: Path, location: str, archive: Path) -> None:
    cli = filled(tmp_path / "home", location)
    before = rows_of(location)
    words = [sys.executable, "-m", "atelier", "restore", "--force", str(archive)]
    with held(location) as is_waited_for:
        process = subprocess.Popen(words, env=cli.environment)
        until(is_waited_for)
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=30)
    assert rows_of(location) == before
    [left] = (tmp_path / "home").glob("archive-*")
    os.utime(left, (0, 0))
    cli.said("restore", str(archive), "--force")
    assert [row[0] for row in rows_of(location)["Tenant"]] == ["first"]
    assert not left.exists()


async def waited_for(location: str) -> bool:
    """Whether somebody waits for a lock. (Not by a connection of ours, which would pass for a gateway's.)"""
    connection = await asyncpg.connect(location)
    count: int = await connection.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted")
    await connection.close()
    return count > 0


@contextmanager
def held(location: str) -> Iterator[Callable[[], bool]]:
    """Another program holds what is written last, in PostgreSQL the audit log: all other rows are replaced by then."""
    if location.startswith("sqlite"):
        file = location.partition("///")[2]
        connection = sqlite3.connect(file, isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        home = Path(file).parent / "home"
        yield lambda: any(home.glob("archive-*/copy.db"))
        connection.execute("ROLLBACK")
        connection.close()
        return
    over, holding = threading.Event(), threading.Event()

    async def hold() -> None:
        connection = await asyncpg.connect(location)
        async with connection.transaction():
            await connection.execute('LOCK TABLE "AuditEntry" IN SHARE MODE')
            holding.set()
            await asyncio.to_thread(over.wait)
        await connection.close()

    thread = threading.Thread(target=lambda: asyncio.run(hold()))
    thread.start()
    assert holding.wait(20)
    yield lambda: asyncio.run(waited_for(location))
    over.set()
    thread.join(timeout=20)


def test_an_archive_of_older_tables_is_brought_up_to_date(tmp_path: Path, archive: Path) -> None:
    found = parts(archive)
    old = tmp_path / "old.db"
    old.write_bytes(gzip.decompress(found["database.sqlite.gz"]))

    async def downgrade(connection: AsyncConnection) -> None:
        await connection.run_sync(lambda at: command.downgrade(migrations(at), "0003"))
        await connection.commit()

    asyncio.run(alone(f"sqlite+aiosqlite:///{old}", downgrade))
    connection = sqlite3.connect(old)
    connection.execute("PRAGMA journal_mode=DELETE")
    connection.close()
    data = gzip.compress(old.read_bytes())
    manifest = json.loads(found["manifest.json"])
    manifest["migration"] = "0003"
    manifest["parts"]["database.sqlite.gz"] = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    packed(archive, found | {"database.sqlite.gz": data, "manifest.json": json.dumps(manifest).encode()})
    location = f"sqlite+aiosqlite:///{tmp_path / 'there.db'}"
    Here(tmp_path / "home", DATABASE_URL=location).said("restore", str(archive))
    assert [row[0] for row in rows_of(location)["Tenant"]] == ["first"]


def test_rows_of_other_programs_are_not_lost(tmp_path: Path, postgres: Postgres, archive: Path) -> None:
    location = postgres.new_database()
    cli = filled(tmp_path / "home", location)
    postgres.ask(location, 'CREATE TABLE "Shop" (tenant text REFERENCES "Tenant" (id) ON DELETE CASCADE)')
    postgres.ask(location, "INSERT INTO \"Shop\" VALUES ('acme')")
    refused = cli("restore", str(archive), "--force")
    assert (refused.returncode, "tables of another program refer to Atelier's" in refused.stderr) == (1, True)
    assert postgres.ask(location, 'SELECT tenant FROM "Shop"') == [["acme"]]


def test_tables_of_another_version_are_not_backed_up(tmp_path: Path) -> None:
    cli = filled(tmp_path / "home", f"sqlite:///{tmp_path / 'one.db'}")
    connection = sqlite3.connect(tmp_path / "one.db")
    connection.execute("UPDATE alembic_version SET version_num = '0003'")
    connection.commit()
    connection.close()
    refused = cli("backup", str(tmp_path / "all.tar"))
    assert (refused.returncode, "atelier db upgrade" in refused.stderr) == (1, True)
    assert not list(tmp_path.glob("all.tar*"))


def test_files_of_a_bucket_are_copied_where_it_is_asked_for(tmp_path: Path, s3: S3) -> None:
    location = f"sqlite+aiosqlite:///{tmp_path / 'one.db'}"
    bucket, other = s3.new_bucket(), s3.new_bucket()
    with opened(tmp_path / "home", database_url=location, **s3.settings(bucket)) as gateway:
        _, link = made(gateway)
    artifact = link.partition("/artifacts/")[2].partition("?")[0]
    cli = Here(tmp_path / "home", DATABASE_URL=location, **in_environment(s3, bucket))
    said = cli("backup", str(tmp_path / "rows.tar")).stderr
    assert f"they are in s3://{bucket}/kept" in said
    assert not [name for name in parts(tmp_path / "rows.tar") if name.startswith("artifacts/")]
    cli.said("backup", "--artifacts", str(tmp_path / "all.tar"))
    place = f"sqlite+aiosqlite:///{tmp_path / 'two.db'}"
    there = Here(tmp_path / "other", DATABASE_URL=place, **in_environment(s3, other))
    there.said("restore", str(tmp_path / "all.tar"))
    with opened(tmp_path / "other", database_url=place, **s3.settings(other)) as gateway:
        answer = gateway.get(f"/artifacts/{artifact}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "audio/wav")


def in_environment(s3: S3, bucket: str) -> dict[str, str]:
    given = s3.settings(bucket)
    given["s3_secret_access_key"] = given["s3_secret_access_key"].get_secret_value()
    return {f"ATELIER_{name.upper()}": value for name, value in given.items()}


def test_artifacts_without_their_files_and_with_others_bytes_are_told(tmp_path: Path) -> None:
    location, home = f"sqlite+aiosqlite:///{tmp_path / 'one.db'}", tmp_path / "home"
    with opened(home, database_url=location) as gateway:
        for number in range(3):
            made(gateway, number)
    gone, altered, _ = sorted((home / "artifacts").glob("*/*"))
    gone.unlink()
    data = altered.read_bytes()
    altered.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    said = Here(home, DATABASE_URL=location)("backup", str(tmp_path / "all.tar")).stderr
    assert "2 artifacts" in said
    assert "1 artifacts had no file any more" in said
    assert "1 artifacts have other bytes" in said

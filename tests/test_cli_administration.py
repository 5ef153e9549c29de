"""Administration by the command, over both databases: what it does, refuses and leaves in the audit log."""

from __future__ import annotations

import csv
import io
import json
import os
import pwd
import sqlite3
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from command import SECRET, CliHere
from postgres_server import on_both
from sqlite_file import lay_database

PLANS = {"pro": {"limits": [{"requests": 9, "per": "minute"}], "cache": True, "loras": ["grain"]}, "free": {}}


@pytest.fixture
def cli(tmp_path: Path, location: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CliHere:
    return here(tmp_path, monkeypatch, capsys, DATABASE_URL=location)


def here(home: Path, patch: pytest.MonkeyPatch, capture: pytest.CaptureFixture[str], **environment: str) -> CliHere:
    own = {"ATELIER_HOME": str(home), "JWT_SECRET": SECRET, "ATELIER_PLANS": json.dumps(PLANS)}
    return CliHere(patch, capture, own | environment)


@on_both
def test_a_tenant_is_made_shown_changed_suspended_and_deleted(cli: CliHere) -> None:
    assert cli.said("tenants", "create", "acme", "--name", "Acme Ltd", "--plan", "pro") == "Made."
    assert cli.said("tenants", "create", "acme") == "It is there already."
    assert cli.said("tenants", "suspend", "acme") == "Suspended."
    shown = cli.json("tenants", "show", "acme")
    assert (shown["name"], shown["plan"], shown["suspended"], shown["keys"]) == ("Acme Ltd", "pro", True, 0)
    cli.said("tenants", "resume", "acme")
    cli.said("tenants", "plan", "acme", "free")
    cli.said("tenants", "plan", "acme")
    assert [(row["id"], row["plan"]) for row in cli.json("tenants", "list", "--search", "LTD")] == [("acme", None)]
    assert cli.said("tenants", "delete", "acme") == "Deleted."
    entries = cli.json("audit", "list")
    assert [entry["action"] for entry in entries] == [
        "tenant.delete", "tenant.change", "tenant.change", "tenant.resume", "tenant.suspend", "tenant.create",
    ]  # fmt: skip
    assert {entry["actor"] for entry in entries} == {f"cli:{pwd.getpwuid(os.geteuid()).pw_name}"}
    assert entries[1]["details"] == {"plan": {"from": "free", "to": None}}


def test_a_tenant_is_marked_as_commercial(cli: CliHere) -> None:
    cli.said("tenants", "create", "acme", "--commercial")
    assert cli.json("tenants", "show", "acme")["commercial"] is True
    assert cli.said("tenants", "commercial", "acme", "--no") == "Changed."
    assert cli.json("tenants", "show", "acme")["commercial"] is False
    cli.said("tenants", "commercial", "acme")
    assert cli.json("audit", "list")[0]["details"] == {"commercial": {"from": False, "to": True}}


def test_a_tenant_has_a_list_of_loras(cli: CliHere) -> None:
    cli.said("tenants", "create", "acme", "--plan", "pro")
    assert cli.said("tenants", "loras", "acme", "watercolour", "acme-brand") == "Changed."
    cli.said("tenants", "loras", "acme", "--none")
    assert cli.json("tenants", "show", "acme")["loras"] == []
    cli.said("tenants", "loras", "acme", "--unset")
    assert [entry["details"]["loras"]["to"] for entry in cli.json("audit", "list")[:3]] == [
        None, [], ["acme-brand", "watercolour"],
    ]  # fmt: skip
    for words, said in ((("a,b",), "loras"), (("ink", "--none"), "--none")):
        refused = cli("tenants", "loras", "acme", *words)
        assert refused.returncode, refused.stdout
        assert said in refused.stderr


@on_both
def test_a_key_has_services_and_an_end(cli: CliHere) -> None:
    made = cli.json(
        "keys", "create", "--tenant", "acme", "--services", "text-to-speech,text-to-image", "--expires-in-days", "2",
        "--create-tenant",
    )  # fmt: skip
    assert made["services"] == ["text-to-image", "text-to-speech"]
    left = datetime.fromisoformat(made["expires_at"]) - datetime.now(UTC)
    assert timedelta(days=1.9) < left <= timedelta(days=2)
    admin = cli.said("keys", "create", "--tenant", "acme", "--admin", "--name", "operator's")
    rows = cli.json("keys", "list", "--tenant", "acme")
    assert [(row["name"], row["admin"], row["services"]) for row in rows] == [
        ("key", False, ["text-to-image", "text-to-speech"]), ("operator's", True, None),
    ]  # fmt: skip
    assert cli.said("keys", "revoke", admin) == "Revoked."
    [entry] = cli.json("audit", "list", "--action", "key.revoke")
    assert (entry["target"], entry["tenant"]) == (rows[1]["id"], "acme")
    assert admin.split("_", 2)[2] not in cli.said("audit", "list")


@on_both
def test_a_misspelt_tenant_is_not_made(cli: CliHere) -> None:
    cli.said("tenants", "create", "Acme")
    for words in (("keys", "create"), ("token",), ("limits", "set", "--requests", "1")):
        done = cli(*words, "--tenant", "acmee")
        assert (done.returncode, done.stdout, done.stderr.strip()) == (
            1,
            "",
            "atelier: There is no tenant 'acmee'; did you mean 'Acme'? "
            "To make it: atelier tenants create acmee, or add --create-tenant",
        )
    listed = cli("limits", "list", "--tenant", "the other's")
    assert listed.stderr.strip() == (
        "atelier: There is no tenant \"the other's\". To make it: atelier tenants create 'the other'\"'\"'s'"
    )
    assert [row["id"] for row in cli.json("tenants", "list")] == ["Acme"]


@pytest.mark.parametrize("words", [("keys", "create"), ("token",), ("limits", "set", "--requests", "1")])
def test_a_tenant_is_made_on_demand(cli: CliHere, words: tuple[str, ...]) -> None:
    cli.said("db", "upgrade")
    cli.said(*words, "--tenant", "acme", "--create-tenant")
    cli.said(*words, "--tenant", "acme", "--create-tenant")
    assert [entry["action"] for entry in cli.json("audit", "list", "--tenant", "acme")].count("tenant.create") == 1


@on_both
def test_limits_are_set_one_at_a_time(cli: CliHere) -> None:
    cli.said("tenants", "create", "acme")
    assert "none of its own" in cli.said("limits", "list", "--tenant", "acme")
    cli.said("limits", "set", "--tenant", "acme", "--requests", "600", "--per", "minute")
    cli.said("limits", "set", "--tenant", "acme", "--concurrent", "4", "--service", "text-to-image")
    cli.said("limits", "set", "--tenant", "acme", "--requests", "700", "--per", "minute")
    assert cli.json("limits", "list", "--tenant", "acme") == [
        {"service": "*", "measure": "requests", "allowed": 700, "per": "minute"},
        {"service": "text-to-image", "measure": "concurrent", "allowed": 4, "per": ""},
    ]
    cli.said("limits", "unset", "--tenant", "acme", "--measure", "requests", "--per", "minute")
    again = cli("limits", "unset", "--tenant", "acme", "--measure", "requests", "--per", "minute")
    assert (again.returncode, "no such limit" in again.stderr) == (1, True)
    cli.said("limits", "unset", "--tenant", "acme")
    assert cli.json("limits", "list", "--tenant", "acme") == []
    assert [entry["action"] for entry in cli.json("audit", "list", "--tenant", "acme", "--limit", "2")] == [
        "limits.unset", "limits.unset",
    ]  # fmt: skip


def test_plans_are_those_of_the_settings(cli: CliHere) -> None:
    assert cli.json("plans", "list")["pro"]["limits"][0]["requests"] == 9
    assert cli.json("plans", "list")["pro"]["loras"] == ["grain"]
    assert "service=* requests=9 per=minute" in cli.said("plans", "list")


def test_a_tenant_with_usage_goes_with_purge_alone(cli: CliHere, tmp_path: Path) -> None:
    cli.said("db", "upgrade")
    write_usage(tmp_path, 3)
    refused = cli("tenants", "delete", "acme")
    assert (refused.returncode, "3 usage records, 0 artifacts and 0 voices" in refused.stderr) == (1, True)
    assert cli.said("tenants", "delete", "acme", "--purge") == "Deleted."
    assert cli.json("tenants", "list") == []
    assert cli.json("audit", "list")[0]["details"] == {
        "name": "Acme",
        "purged": True,
        "usage": 3,
        "artifacts": 0,
        "voices": 0,
    }


def write_usage(tmp_path: Path, count: int) -> None:
    with sqlite3.connect(tmp_path / "atelier.db") as database:
        database.execute("""INSERT INTO "Tenant" (id, name) VALUES ('acme', 'Acme')""")
        database.executemany(
            """INSERT INTO "AIUsage" (id, "tenantId", service, "requestType", duration, status, unit, "createdAt")
            VALUES (?, 'acme', 'text-to-image', 'made', 7, 'succeeded', 'images', ?)""",
            [(f"{number:05}", f"2026-03-{number % 28 + 1:02} 12:00:00.000000") for number in range(count)],
        )


def test_usage_is_written_to_a_file_that_is_whole_and_private(cli: CliHere, tmp_path: Path) -> None:
    cli.said("db", "upgrade")
    write_usage(tmp_path, 3000)
    file = tmp_path / "usage.csv"
    assert cli.said("usage", "export", "--output", str(file)) == ""
    rows = list(csv.DictReader(io.StringIO(file.read_text())))
    assert len({row["id"] for row in rows}) == 3000
    assert [row["created_at"] for row in rows] == sorted(row["created_at"] for row in rows)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [other.name for other in tmp_path.glob("*.part")] == []
    some = cli.said("usage", "export", "--format", "ndjson", "--from", "2026-03-02", "--to", "2026-03-03T00:00:00Z")
    assert {json.loads(line)["created_at"] for line in some.splitlines()} == {"2026-03-02T12:00:00.000000Z"}
    assert cli.said("usage", "export", "--tenant", "nobody", "--format", "ndjson") == ""
    nowhere = cli("usage", "export", "--output", "/dev/null/usage.csv")
    assert (nowhere.returncode, "--output: /dev/null/usage.csv cannot be written" in nowhere.stderr) == (1, True)


@pytest.fixture
def refusing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CliHere:
    lay_database(tmp_path / "atelier.db")
    return here(tmp_path, monkeypatch, capsys)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("tenants", "create", "acme", "--plan", "gold"), "plan: there is no plan 'gold'; there are pro, free"),
        (("tenants", "create", "a\nb"), "1 to 128 printable characters"),
        (("tenants", "suspend", "nobody"), "There is no tenant 'nobody'"),
        (("tenants", "show", "nobody"), "There is no tenant 'nobody'"),
        (("tenants", "delete", "nobody", "--purge"), "There is no tenant 'nobody'"),
        (("keys", "create", "--tenant", "acme", "--services", "text-to-smell"), "no service 'text-to-smell'"),
        (("keys", "create", "--tenant", "acme", "--services", ""), "no service ''"),
        (("keys", "create", "--tenant", "acme", "--expires-in-days", "-1"), "expires_in_days: "),
        (("keys", "revoke", "0123"), "There is no such key in use"),
        (("limits", "set", "--tenant", "nobody", "--requests", "1"), "There is no tenant 'nobody'"),
        (("limits", "set", "--tenant", "acme"), "a limit names exactly one of"),
        (("limits", "set", "--tenant", "acme", "--requests", "1", "--units", "2"), "a limit names exactly one of"),
        (("limits", "set", "--tenant", "acme", "--cost", "1", "--per", "hour"), "cost can be limited per day, month"),
        (("limits", "unset", "--tenant", "acme", "--per", "hour"), "say which --measure"),
        (("limits", "unset", "--tenant", "acme", "--measure", "smells"), "--measure: must be one of requests"),
        (("usage", "export", "--from", "yesterday"), "from: must look like 2026-01-31"),
        (("usage", "export", "--from", "2026-02-01", "--to", "2026-01-01"), "from: must be before to"),
        (("usage", "export", "--format", "xml"), "format: "),
        (("audit", "list", "--action", "tenant.eat"), "action: "),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(refusing: CliHere, words: tuple[str, ...], said: str) -> None:
    done = refusing(*words)
    assert done.returncode != 0
    assert said in " ".join(done.stderr.replace("│", " ").split())
    assert "Traceback" not in done.stderr

"""The command, as a person and as a script use it."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import jwt
import pytest

from atelier.state.upgrade import HEAD
from command import SECRET, Cli
from ports import free_offset


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    return Cli(tmp_path)


def test_a_token_is_printed_and_nothing_else(cli: Cli) -> None:
    done = cli("token", "--tenant", "acme", "--user", "ann")
    claims = jwt.decode(done.stdout.strip(), SECRET, algorithms=["HS256"])
    assert (claims["tenantId"], claims["sub"]) == ("acme", "ann")
    assert done.stderr == ""


def test_a_token_may_be_for_some_services(cli: Cli) -> None:
    done = cli("token", "--tenant", "acme", "--services", "text-to-image, text-to-speech")
    claims = jwt.decode(done.stdout.strip(), SECRET, algorithms=["HS256"])
    assert claims["services"] == ["text-to-image", "text-to-speech"]
    wrong = cli("token", "--tenant", "acme", "--services", "text-to-smell")
    assert (wrong.returncode, "no service 'text-to-smell'" in wrong.stderr) == (1, True)


def test_a_token_says_whom_it_is_from_and_for_where_the_gateway_asks(cli: Cli) -> None:
    done = cli("token", "--tenant", "acme", ATELIER_JWT_ISSUER="shop", ATELIER_JWT_AUDIENCE="atelier")
    claims = jwt.decode(done.stdout.strip(), SECRET, algorithms=["HS256"], issuer="shop", audience="atelier")
    assert claims["tenantId"] == "acme"


def test_keys_are_shown_once_listed_and_revoked(cli: Cli) -> None:
    key = cli("keys", "create", "--tenant", "acme", "--name", "web", "--create-tenant").stdout.strip()
    assert key.startswith("atl_")
    listed = cli("keys", "list", "--json").stdout
    assert key.split("_", 2)[2] not in listed
    [row] = json.loads(listed)
    assert (row["tenant"], row["name"], row["revoked_at"]) == ("acme", "web", None)
    assert cli("keys", "revoke", row["id"]).stdout.strip() == "Revoked."
    again = cli("keys", "revoke", row["id"])
    assert (again.returncode, "There is no such key in use" in again.stderr) == (1, True)


def test_what_it_writes_is_for_this_user_alone(cli: Cli, tmp_path: Path) -> None:
    cli("tenants", "create", "acme")
    assert stat.S_IMODE((tmp_path / "atelier.db").stat().st_mode) == 0o600


def test_the_database_is_brought_up_to_date_and_tells_its_version(cli: Cli) -> None:
    before = cli("db", "current")
    assert (before.returncode, before.stdout.strip()) == (1, "none")
    assert cli("db", "upgrade").stdout.strip() == f"The database is at version {HEAD}."
    after = cli("db", "current")
    assert (after.returncode, after.stdout.strip()) == (0, HEAD)


@pytest.mark.parametrize("words", [("gateway",), ("serve",), ("db", "upgrade"), ("keys", "list")])
def test_a_database_that_cannot_be_reached_is_told_in_one_line(cli: Cli, words: tuple[str, ...]) -> None:
    where = {"DATABASE_URL": "postgresql://ann:s3cret@127.0.0.1:9/atelier", "ATELIER_PORT_OFFSET": str(free_offset())}
    done = cli(*words, **where)
    told = "atelier: DATABASE_URL: PostgreSQL at 127.0.0.1:9/atelier cannot be used: Connection refused"
    assert (done.returncode, done.stderr.strip().splitlines()[-1]) == (1, told)
    assert "s3cret" not in done.stderr + done.stdout
    assert "Traceback" not in done.stderr


def test_a_driver_that_is_missing_is_named_with_its_extra(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.util as u, sys\n"
        "find = u.find_spec\n"
        "u.find_spec = lambda name, *more: None if name == 'asyncpg' else find(name, *more)\n"
    )
    path = f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}"
    done = cli("db", "upgrade", DATABASE_URL="postgresql://127.0.0.1/atelier", PYTHONPATH=path)
    assert done.stderr.strip().endswith("pip install 'atelier[postgres]'")


def test_tenants_are_made_once(cli: Cli) -> None:
    assert "Made." in cli("tenants", "create", "acme", "--name", "Acme Ltd").stdout
    assert "there already" in cli("tenants", "create", "acme").stdout
    assert [row["name"] for row in json.loads(cli("tenants", "list", "--json").stdout)] == ["Acme Ltd"]


def test_usage_of_an_idle_tenant_is_nothing(cli: Cli) -> None:
    assert json.loads(cli("usage", "--tenant", "acme", "--json").stdout)["total"] == 0
    assert "No usage in" in cli("usage", "--tenant", "acme").stdout
    wrong = cli("usage", "--tenant", "acme", "--month", "May")
    assert (wrong.returncode, wrong.stderr.strip()) == (1, "atelier: month: must look like 2026-01")


def test_usage_wants_a_tenant_unless_it_exports(cli: Cli) -> None:
    done = cli("usage")
    assert (done.returncode, "--tenant" in done.stderr) == (2, True)


def test_models_say_what_is_here(cli: Cli) -> None:
    models = {row["model"]: row for row in json.loads(cli("models", "list", "--json").stdout)}
    assert models["espeak-ng"]["here"] == "yes"
    assert models["openai/whisper-large-v3"]["here"].startswith("no")
    assert "commercial use: no" in models["Salesforce/blip2-opt-2.7b"]["licence"]


def test_doctor_finds_this_machine_in_order(cli: Cli) -> None:
    findings = {row["what"]: row for row in json.loads(cli("doctor", "--json").stdout)}
    assert findings["Engine espeak"]["good"]
    assert "atelier-mini-sdxl (A miniature" in findings["Service text-to-image"]["found"]


@pytest.mark.parametrize(
    ("words", "environment", "said"),
    [
        (("gateway",), {"JWT_SECRET": ""}, "JWT_SECRET: is not set"),
        (("gateway",), {"JWT_SECRET": "short"}, "JWT_SECRET: has 5 characters and needs 32"),
        (("gateway",), {"JWT_SECRET_PREVIOUS": "old"}, "JWT_SECRET_PREVIOUS: has 3 characters and needs 32"),
        (("gateway",), {"ATELIER_JWKS_URL": "http://login.example.com/k"}, "must begin with https://"),
        (("gateway",), {"ATELIER_JWKS_URL": "https://ann:pw@login.example.com/k"}, "ATELIER_JWKS_URL"),
        (("gateway",), {"ATELIER_JWKS_URL": "login.example.com"}, "must look like https://"),
        (("gateway",), {"ATELIER_JWKS_URL": "https://login.example.com/k"}, "ATELIER_JWKS_ISSUER (or jwks_issuer in"),
        (
            ("gateway",),
            {"ATELIER_JWKS_URL": "http://keycloak:8080/k", "ATELIER_JWKS_ISSUER": "me"},
            "ATELIER_JWKS_AUDIENCE (or jwks_audience in atelier.toml): is not set",
        ),
        (("gateway",), {"DATABASE_URL": "mysql://x"}, "DATABASE_URL: mysql is not supported"),
        (("gateway",), {"ATELIER_PORT": "many"}, "ATELIER_PORT"),
        (("gateway",), {"ATELIER_LIMITS": '[{"requests": 1, "service": "text-to-smell"}]'}, "text-to-smell"),
        (("gateway",), {"ATELIER_CONFIG": "no/such.toml"}, "ATELIER_CONFIG: there is no file no/such.toml"),
        (("gateway",), {"ATELIER_REDIS_AWAY": "local"}, "ATELIER_GATEWAYS: say how many gateway processes there are"),
        (("gateway",), {"ATELIER_GATEWAY_PROCESSES": "2", "JWT_SECRET": "x" * 40}, "several processes need REDIS_URL"),
        (
            ("gateway",),
            {
                "JWT_SECRET": "x" * 40,
                "ATELIER_UPSTREAMS": '{"text-to-image": [{"url": "http://x:1", "key_variable": "NO"}]}',
            },
            "NO: is not set, and an upstream of text-to-image takes its key from it",
        ),
        (("gateway",), {"ATELIER_LIMITS": "{"}, "ATELIER_LIMITS (or limits in atelier.toml): must be written as JSON"),
        (("gateway",), {"ATELIER_PRT": "9000"}, "ATELIER_PRT: there is no such setting; did you mean ATELIER_PORT?"),
        (("serve",), {"MODEL_NAME": "espeak-ng"}, "MODEL_NAME: names the model of one worker"),
        (("serve",), {"ATELIER_MODELS": '{"text-to-speech": "no/such"}'}, "no/such is neither a folder nor a model"),
        (("worker", "text-to-smell"), {}, "There is no service text-to-smell"),
        (("worker", "text-to-image"), {"MODEL_NAME": "no/such"}, "MODEL_NAME: no/such"),
        (("token", "--tenant", "acme"), {"JWT_SECRET": ""}, "start it first"),
        (("token", "--tenant", ""), {}, "1 to 128 printable characters"),
        (("keys", "create", "--tenant", "a\nb"), {}, "1 to 128 printable characters"),
        (("token", "--tenant", "acme", "--hours", "inf"), {}, "hours"),
        (("gateway",), {"ATELIER_FETCH_ALLOW": '["10.0.0.1/8 x"]'}, "ATELIER_FETCH_ALLOW"),
        (("gateway",), {"ATELIER_HOME": "/dev/null/x"}, "ATELIER_HOME"),
        (("demo",), {"JWT_SECRET": ""}, "start it first"),
        (("demo", "--url", "http://elsewhere.example:8000"), {}, "--token: http://elsewhere.example:8000 is not on"),
        (("demo", "--url", "http://["), {}, "--url: http://[ is not a web address"),
        (("demo", "--url", "http://127.0.0.1:9"), {}, "no gateway answers at http://127.0.0.1:9; start one"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(
    cli: Cli, words: tuple[str, ...], environment: dict[str, str], said: str
) -> None:
    done = cli(*words, **{"ATELIER_PORT_OFFSET": str(free_offset()), **environment})
    assert done.returncode != 0
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_the_gateway_imports_no_model_library() -> None:
    code = "import sys, atelier.gateway.app; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = set(
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    )
    heavy = {"torch", "diffusers", "transformers", "faster_whisper", "ctranslate2", "pocketsphinx", "rapidocr", "av"}
    heavy |= {"onnxruntime", "espeakng_loader", "numpy", "PIL"}
    heavy |= {"cryptography", "jwt"}  # only where there is an identity provider
    heavy |= {"alembic", "mako", "asyncpg"}  # imported where a database needs them
    assert not loaded & heavy

"""When traces are made, and what is said where they cannot be."""

from __future__ import annotations

import subprocess
import sys

import pytest

from atelier import tracing
from atelier.settings import SettingsProblem
from atelier.tracing import check_tracing, is_wanted

WHERE = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({}, False),
        (WHERE, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector:4318/v1/traces"}, True),
        (WHERE | {"OTEL_SDK_DISABLED": "true"}, False),
        (WHERE | {"OTEL_TRACES_EXPORTER": "none"}, False),
        (WHERE | {"OTEL_TRACES_EXPORTER": ""}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, False),
    ],
)
def test_traces_are_made_where_a_receiver_is_named(environment: dict[str, str], wanted: bool) -> None:
    assert is_wanted(environment) == wanted


def test_without_a_receiver_nothing_of_the_sdk_is_there_and_no_class_that_makes_spans() -> None:
    program = """
import sys, os
os.environ = {k: v for k, v in os.environ.items() if not k.startswith("OTEL_")}
from atelier.tracing import start_tracing, tracer
start_tracing("gateway")
import atelier.gateway.app, atelier.worker.app
from atelier.gateway.app import _pipeline
from atelier.gateway.pipeline import Pipeline
assert tracer() is None and _pipeline() is Pipeline
unwanted = ("opentelemetry.sdk", "opentelemetry.exporter")
print([name for name in sys.modules if name.startswith(unwanted) or name.endswith(".traced")])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_receiver_that_is_to_be_spoken_to_by_grpc_is_refused() -> None:
    with pytest.raises(SettingsProblem, match=r"OTEL_EXPORTER_OTLP_PROTOCOL: grpc .* http/protobuf"):
        check_tracing(WHERE | {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"})
    check_tracing(
        WHERE | {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf"}
    )
    check_tracing({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"})


def test_missing_libraries_are_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing, "_LIBRARIES", ("no_such_library.sdk",))
    with pytest.raises(SettingsProblem, match=r"pip install 'atelier\[telemetry\]'"):
        check_tracing(WHERE)

"""`make cluster`: the five services on a Ray of this machine, with a gateway in front, until Ctrl-C.

Where RAY_DASHBOARD_ADDRESS names the head of a cluster that runs, serve.yaml is deployed there instead.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import ray
import yaml
from ray import serve

from atelier.catalog import SERVICES
from atelier.gateway.secret import kept_secret
from atelier.home import prepare_home
from atelier.machine import gpus
from atelier.ray_serve import bound
from atelier.settings import Settings, SettingsProblem, load_settings

CONFIG = Path(__file__).parent / "serve.yaml"
PORT = 8100
LOOPBACK = "127.0.0.1"
CPUS = 0.2
"""What a replica counts as here, so that all five, and a second of each, have room on a small machine."""

WAIT_SECONDS = 60.0


def main() -> None:
    if os.environ.get("RAY_DASHBOARD_ADDRESS"):
        command = str(Path(sys.executable).parent / "serve")
        os.execv(command, [command, "deploy", str(CONFIG)])  # noqa: S606
    try:
        settings = load_settings()
        prepare_home(settings.home)
        secret, _ = kept_secret(settings)
        with services_on_ray(settings), gateway_before_them(settings, secret):
            for number in (signal.SIGINT, signal.SIGTERM):  # Ray has set handlers of its own by now
                signal.signal(number, signal.default_int_handler)
            signal.pause()
    except KeyboardInterrupt:
        say("Everything has stopped.")
    except SettingsProblem as problem:
        sys.exit(f"cluster: {problem}")


@contextmanager
def services_on_ray(settings: Settings) -> Iterator[None]:
    """All of them serve. Ray listens on loopback alone, where others on this machine can reach it."""
    say("Starting Ray, and a replica of each service …")
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    ray.init(
        address="local",
        num_cpus=max(2, os.cpu_count() or 2),
        include_dashboard=False,
        log_to_driver=False,
        logging_level="error",
        _node_ip_address=LOOPBACK,
    )
    try:
        http = {"host": LOOPBACK, "port": PORT + settings.port_offset}
        serve.start(http_options=http, logging_config={"enable_access_log": False, "log_level": "WARNING"})
        targets = [target(entry) for entry in yaml.safe_load(CONFIG.read_text())["applications"]]
        serve.run_many(targets)
        yield
    finally:
        serve.shutdown()
        ray.shutdown()


def target(entry: dict[str, Any]) -> serve.RunTarget:
    """An application of serve.yaml, in the size that fits here and with this machine's settings."""
    [options] = entry["deployments"]
    share = options["ray_actor_options"]["num_gpus"] if gpus() else 0
    here = {name: value for name, value in os.environ.items() if name.startswith("ATELIER_")}
    actor = {"num_cpus": CPUS, "num_gpus": share, "runtime_env": {"env_vars": here}}
    scaling = options["autoscaling_config"] | {"max_replicas": 2, "downscale_delay_s": 60}
    app = bound(entry["args"]["service"], load_settings(), ray_actor_options=actor, autoscaling_config=scaling)
    return serve.RunTarget(app, name=entry["name"], route_prefix=entry["route_prefix"])


@contextmanager
def gateway_before_them(settings: Settings, secret: str) -> Iterator[None]:
    base = f"http://{LOOPBACK}:{PORT + settings.port_offset}"
    upstreams = json.dumps({service: [f"{base}/{service}"] for service in SERVICES})
    environment = {**os.environ, "ATELIER_UPSTREAMS": upstreams, "JWT_SECRET": secret}
    command = [sys.executable, "-m", "atelier", "gateway"]
    log = settings.home / "logs" / "gateway.log"
    with log.open("ab") as sink:
        process = subprocess.Popen(  # noqa: S603
            command, env=environment, stdout=sink, stderr=sink, start_new_session=True
        )
    try:
        wait(process, settings.gateway_url(), log)
        announce(settings.gateway_url(), base)
        yield
    finally:
        process.terminate()
        process.wait()


def wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    """Until it sees all services."""
    end = time.monotonic() + WAIT_SECONDS
    while process.poll() is None and time.monotonic() < end:
        with suppress(OSError), urllib.request.urlopen(f"{url}/health", timeout=2) as answer:  # noqa: S310
            if json.load(answer)["status"] == "healthy":
                return
        time.sleep(0.2)
    raise SettingsProblem(f"the gateway did not come up; what it says is in {log}")


def announce(gateway: str, base: str) -> None:
    lines = [
        "",
        f"Gateway      {gateway}   (its state: {gateway}/health)",
        *(f"Application  {base}/{service}" for service in SERVICES),
        "",
        "Try it:",
        "  TOKEN=$(.venv/bin/atelier token --tenant demo --create-tenant)",
        f'  curl -s {gateway}/api/text-to-speech -H "Authorization: Bearer $TOKEN" '
        "-H 'Content-Type: application/json' -d '{\"text\": \"Hello from Ray\"}'",
        "",
        "Stop: Ctrl-C.",
    ]
    say("\n".join(lines))


def say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    main()

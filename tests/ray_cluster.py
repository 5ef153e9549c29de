"""Ray on this machine, in several nodes: for tests and measurements of `atelier.ray_serve`.

It listens on loopback alone. Its ports are its own only in a network of its own (scripts/own_network.py).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
HEAD_PORT, NODE_PORT = 18100, 18101
"""Where the proxies of the head and of the other node listen."""

SERVICE = "text-to-speech"
HEAD, NODE = (f"http://127.0.0.1:{port}/{SERVICE}" for port in (HEAD_PORT, NODE_PORT))

_ENVIRONMENT = {
    "PYTHONPATH": os.pathsep.join(str(ROOT / folder) for folder in ("src", "tests")),
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_SERVE_WORKER_PROXY_HTTP_PORT": str(NODE_PORT),
    # Serve changes nothing more often than this (seconds); tests need not wait as long as a large cluster should.
    "RAY_SERVE_CONTROL_LOOP_INTERVAL_S": "0.1",
}


@contextmanager
def cluster(home: Path, *, cpus: int = 2, **environment: str) -> Iterator[Any]:
    """A head with Serve on it: a `ray.cluster_utils.Cluster`; its `add_node` takes more. home: a data folder."""
    os.environ.update(_ENVIRONMENT | {"ATELIER_HOME": str(home)} | environment)
    import ray
    from ray import serve
    from ray.cluster_utils import Cluster

    folder = mkdtemp(prefix="ray-")  # short: sockets lie below it, and their paths may not be long
    os.environ["RAY_TMPDIR"] = folder
    made = Cluster(initialize_head=True, head_node_args=_node(cpus) | {"include_dashboard": False})
    try:
        ray.init(address=made.address, logging_level="error", log_to_driver=False)
        quiet = {"enable_access_log": False, "log_level": "WARNING"}
        http = {"host": "127.0.0.1", "port": HEAD_PORT}
        serve.start(proxy_location="EveryNode", http_options=http, logging_config=quiet)
        yield made
        serve.shutdown()
    finally:
        ray.shutdown()
        made.shutdown()
        shutil.rmtree(folder, ignore_errors=True)


def add_node(made: Any, cpus: int = 2) -> Any:
    return made.add_node(**_node(cpus))


def _node(cpus: int) -> dict[str, Any]:
    """With a GPU, as far as Ray knows."""
    return {"num_cpus": cpus, "num_gpus": 1, "node_ip_address": "127.0.0.1"}


def deploy(version: str = "first", *, name: str = SERVICE, cpus: float = 1, gpus: float = 0, **options: Any) -> None:
    """The stand-in as an application, once it runs. Each of its replicas is of this version, and says so."""
    from ray import serve

    from atelier.ray_serve import bound
    from atelier.settings import load_settings
    from slow_speech import NOTE, slow_host

    actor = {"num_cpus": cpus, "num_gpus": gpus, "runtime_env": {"env_vars": {NOTE: version}}}
    serve.run(
        bound(SERVICE, load_settings(), slow_host, ray_actor_options=actor, **options),
        name=name,
        route_prefix=f"/{name}",
        logging_config={"enable_access_log": False},
    )


def remove() -> None:
    from ray import serve

    serve.delete(SERVICE)


def replicas() -> dict[str, int]:
    """How many are in each state."""
    from ray import serve

    application = serve.status().applications.get(SERVICE)
    states = application.deployments["worker"].replica_states if application else {}
    return {str(state): count for state, count in states.items()}

"""Who serves: the upstreams of each service, how they are, and calls to the one that fits best."""

from __future__ import annotations

from atelier.gateway.upstreams.answering import Answer, Answering
from atelier.gateway.upstreams.upstream import Served, Times, Upstream
from atelier.gateway.upstreams.upstreams import Relayed, Upstreams, create_upstreams

__all__ = ["Answer", "Answering", "Relayed", "Served", "Times", "Upstream", "Upstreams", "create_upstreams"]

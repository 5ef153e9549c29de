"""Files that services made: each belongs to one tenant, who reads it by token or by a signed, expiring link."""

from atelier.gateway.artifacts.artifacts import Artifacts, create_artifacts
from atelier.gateway.artifacts.links import PATH
from atelier.gateway.artifacts.rows import Artifact

__all__ = ["PATH", "Artifact", "Artifacts", "create_artifacts"]

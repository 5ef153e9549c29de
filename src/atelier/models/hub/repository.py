"""What a repository of the hub holds at a commit: each file's size and checksum."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from huggingface_hub import HfApi
from huggingface_hub.hf_api import ModelInfo, RepoSibling

from atelier.errors import UpstreamFailed
from atelier.models.entry import Source, is_inside, matches
from atelier.models.hub.patience import Patience
from atelier.models.hub.refusals import understood

LIST_SECONDS = 60.0


@dataclass(frozen=True)
class Published:
    """A file as the hub describes it. digest: SHA-256 of a large file, git's name of a small one, in hex."""

    repository: str
    commit: str
    path: str
    size: int
    digest: str

    @property
    def is_large(self) -> bool:
        return len(self.digest) == 64


def list_files(api: HfApi, source: Source, commit: str | None, patience: Patience) -> Mapping[str, Published]:
    """Path in the model's folder → file, for all that `source` names, at `commit` or the newest.

    Raises what `understood` does, and UpstreamFailed where the repository lacks something that the catalog names.
    """
    about = source.repository if commit is None else f"{source.repository} at commit {commit[:12]}"
    with understood(source.repository, about):
        info = patience.try_out(
            lambda: api.model_info(source.repository, revision=commit, files_metadata=True, timeout=LIST_SECONDS)
        )
    landing = {source.lands(sibling.rfilename): sibling for sibling in info.siblings or []}
    _check_complete(source, landing)
    return {path: _published(info, sibling) for path, sibling in landing.items() if source.takes(path)}


def _check_complete(source: Source, there: Iterable[str]) -> None:
    for pattern in source.wanted:
        if not any(matches(path, pattern) for path in there):
            raise UpstreamFailed(
                f"{source.repository} has no {pattern}, which the catalog names: the repository has changed since; "
                "a newer Atelier may know it"
            )


def _published(info: ModelInfo, sibling: RepoSibling) -> Published:
    digest = sibling.lfs.sha256 if sibling.lfs else sibling.blob_id
    if info.sha is None or digest is None or sibling.size is None:
        raise UpstreamFailed(
            f"{info.id}: the hub does not say which bytes {sibling.rfilename} has; is HF_ENDPOINT right?"
        )
    if not is_inside(sibling.rfilename):
        raise UpstreamFailed(f"{info.id}: the hub names a file that would lie elsewhere: {sibling.rfilename!r}")
    return Published(info.id, info.sha, sibling.rfilename, sibling.size, digest)

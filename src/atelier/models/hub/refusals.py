"""The hub's refusals, in words that say what to do."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from json import JSONDecodeError

import httpx2
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    OfflineModeIsEnabled,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from atelier.errors import AtelierError, Forbidden, NotFound, Unavailable, UpstreamFailed
from atelier.models.hub.patience import asked_seconds

PUBLIC = "https://huggingface.co"


def endpoint() -> str:
    """The hub, or the mirror that HF_ENDPOINT names."""
    return (os.environ.get("HF_ENDPOINT") or PUBLIC).rstrip("/")


@contextlib.contextmanager
def understood(repository: str, about: str) -> Iterator[None]:
    """`about`: what was asked for, in words. Raises Forbidden, NotFound, Unavailable or UpstreamFailed."""
    try:
        yield
    except OfflineModeIsEnabled:
        raise Unavailable(
            f"{about} is to be fetched, and HF_HUB_OFFLINE is set: unset it, or bring the files with "
            "`atelier models import FOLDER`"
        ) from None
    except JSONDecodeError:
        raise UpstreamFailed(f"{about}: {endpoint()} does not answer as a hub does; is HF_ENDPOINT right?") from None
    except HfHubHTTPError as problem:
        raise _refused(repository, about, problem) from problem
    except httpx2.TransportError as problem:
        raise Unavailable(
            f"{about}: {endpoint()} cannot be reached ({type(problem).__name__}). Check the network, HTTPS_PROXY and "
            "HF_ENDPOINT, and type the same again: what was fetched is kept"
        ) from problem


def _refused(repository: str, about: str, problem: HfHubHTTPError) -> AtelierError:
    if isinstance(problem, GatedRepoError):
        return Forbidden(_gated(repository, problem))
    if isinstance(problem, RevisionNotFoundError):
        return NotFound(
            f"{about}: the hub no longer has that commit, which models.lock.json holds the model to. To take the "
            "newest one instead, type: atelier models download MODEL --newest"
        )
    if isinstance(problem, RemoteEntryNotFoundError):
        return NotFound(f"{about}: the hub lists that file and does not have it (404); try again later")
    if isinstance(problem, RepositoryNotFoundError):
        return _unknown(about)
    return _of_status(about, problem)


def _of_status(about: str, problem: HfHubHTTPError) -> AtelierError:
    status = problem.response.status_code
    if status == 404:
        return _unknown(about)
    if status in {401, 403}:
        return Forbidden(f"{about}: the hub refuses the token ({status}); make a new one that may read, for HF_TOKEN")
    if status == 429:
        when = _when(problem)
        return Unavailable(f"{about}: the hub limits how much is asked of it (429){when}; HF_TOKEN raises the limit")
    if status >= 500:
        return Unavailable(f"{about}: the hub fails ({status}); try again later: what was fetched is kept")
    return UpstreamFailed(f"{about}: the hub answers {status}; is HF_ENDPOINT right?")


def _unknown(about: str) -> NotFound:
    return NotFound(f"{about}: {endpoint()} has no such repository, or hides it from this token (HF_TOKEN)")


def _gated(repository: str, problem: HfHubHTTPError) -> str:
    page = f"{PUBLIC}/{repository}"
    if problem.response.status_code == 401:
        return (
            f"{repository} is gated: its authors want to know who takes it. Ask for access at {page}, make a token "
            f"that may read at {PUBLIC}/settings/tokens, set HF_TOKEN to it, and type the same again"
        )
    return f"{repository} is gated, and this token has no access: ask for it at {page} as the token's owner, then again"


def _when(problem: HfHubHTTPError) -> str:
    seconds = asked_seconds(problem.response.headers)
    return f" and asks to come back in {seconds / 60:.0f} min" if seconds is not None else ""

"""Downloads of models: planned as a whole, fetched side by side, put in their places when they are whole."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from huggingface_hub import HfApi

from atelier import __version__
from atelier.errors import AtelierError, TooLarge
from atelier.models.entry import ModelEntry
from atelier.models.exclusive import only_one
from atelier.models.gathering import check_held, check_space, put_in_place
from atelier.models.hub.patience import MOST_FAILURES_TO_BEGIN, Patience
from atelier.models.hub.plan import Plan, is_whole, make_plan
from atelier.models.hub.refusals import endpoint
from atelier.models.hub.transfer import fetch
from atelier.models.lockfile import LockedFile, LockedModel, read_lock, record
from atelier.worker.checksums import sha256


class Watch(Protocol):
    """Who looks on, from several threads. `label` names a file; counts are bytes on the disk, of `size` in the end."""

    def say(self, text: str) -> None: ...

    def expect(self, size: int, done: int) -> None: ...

    def begin(self, label: str, size: int, done: int) -> None: ...

    def advance(self, label: str, count: int) -> None: ...

    def end(self, label: str) -> None: ...


@dataclass(frozen=True)
class Downloads:
    """What a run was asked for. parallel: files at a time. free: bytes free where a folder lies."""

    models_folder: Path
    watch: Watch
    parallel: int = 4
    newest: bool = False
    free: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free


def download(entries: Sequence[ModelEntry], wanted: Downloads) -> None:
    """Every model whole and right in its folder, and recorded in models.lock.json.

    A model that fails keeps no other from coming. Raises an AtelierError that tells of all that failed, TooLarge where
    the disk is too small, SettingsProblem where the folder cannot be written.
    """
    with only_one(
        wanted.models_folder, lambda: wanted.watch.say("Another process changes the models; waiting for it …")
    ):
        _Run(wanted).all(entries)


class _Run:
    """One run, which any thread can stop."""

    def __init__(self, wanted: Downloads) -> None:
        self._wanted = wanted
        self._folder = wanted.models_folder
        self._watch = wanted.watch
        self._api = HfApi(endpoint=endpoint(), library_name="atelier", library_version=__version__)
        self._stop = threading.Event()
        self._failed: list[AtelierError] = []

    def all(self, entries: Sequence[ModelEntry]) -> None:
        plans = [plan for entry in entries if (plan := self._plan(entry))]
        missing = sum(plan.bytes_missing for plan in plans)
        check_space((plan.entry.id for plan in plans), missing, self._wanted.free(self._folder))
        transfers = [transfer for plan in plans for transfer in plan.transfers.values()]
        if transfers:
            self._watch.expect(sum(one.file.size for one in transfers), sum(one.done for one in transfers))
        with ThreadPoolExecutor(self._wanted.parallel) as pool, self._stopping():
            begun = [(plan, self._begin(plan, pool)) for plan in plans]
            for plan, files in begun:
                self._finish(plan, files)
        if self._failed:
            raise _together(self._failed)

    def _plan(self, entry: ModelEntry) -> Plan | None:
        """None where nothing is to be done, or can be."""
        locked = None if self._wanted.newest else read_lock(self._folder).models.get(entry.id)
        if locked and locked.files:
            self._watch.say(f"{entry.id}: checking what is here …")
        if is_whole(entry, self._folder, locked):
            self._watch.say(f"{entry.id}: here, and every file is as recorded")
            return None
        try:
            return make_plan(self._api, entry, self._folder, locked, self._patience_to_begin)
        except AtelierError as problem:
            self._failed.append(problem)
            return None

    def _begin(self, plan: Plan, pool: ThreadPoolExecutor) -> list[Future[None]]:
        """The commits of a first download are recorded at once: if it is cut, it goes on with the same ones."""
        known = read_lock(self._folder).models.get(plan.entry.id)
        if known is None or not known.files:
            record(self._folder, plan.entry.id, LockedModel(commits=plan.commits))
        largest_first = sorted(plan.transfers, key=lambda path: -plan.files[path].size)
        return [pool.submit(self._fetch, plan, path) for path in largest_first]

    def _fetch(self, plan: Plan, path: str) -> None:
        transfer, label = plan.transfers[path], f"{plan.entry.id}: {path}"
        self._watch.begin(label, transfer.file.size, transfer.done)
        fetch(transfer, self._patience, partial(self._watch.advance, label), self._watch.say)
        target = plan.gathered(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        transfer.part.replace(target)
        self._watch.end(label)

    def _finish(self, plan: Plan, files: Iterable[Future[None]]) -> None:
        problems = [problem for file in files if (problem := file.exception()) is not None]
        for problem in problems:
            if isinstance(problem, TooLarge) or not isinstance(problem, AtelierError):
                raise problem
            self._failed.append(problem)
        if problems:
            return
        try:
            whole = _checked(plan)
        except AtelierError as problem:
            self._failed.append(problem)
            return
        put_in_place(plan.incoming, plan.place, plan.files)
        record(self._folder, plan.entry.id, LockedModel(commits=plan.commits, files=whole))
        commits = ", ".join(commit[:12] for commit in plan.commits.values())
        self._watch.say(f"{plan.entry.id}: here, at commit {commits}")

    def _patience_to_begin(self) -> Patience:
        return Patience(self._stop, self._watch.say, most=MOST_FAILURES_TO_BEGIN)

    def _patience(self) -> Patience:
        return Patience(self._stop, self._watch.say)

    @contextmanager
    def _stopping(self) -> Iterator[None]:
        """What ends the run early ends every thread of it."""
        try:
            yield
        except BaseException:
            self._stop.set()
            raise


def _checked(plan: Plan) -> dict[str, LockedFile]:
    """Every file of the model, as it is to be recorded. Raises Conflict for one that is not what was recorded."""
    whole: dict[str, LockedFile] = {}
    for path, file in plan.files.items():
        gathered = plan.gathered(path)
        digest = file.digest if file.is_large else sha256(gathered if gathered.is_file() else plan.place / path)
        whole[path] = LockedFile(size=file.size, sha256=digest)
        check_held(plan.entry.id, path, plan.locked.files.get(path), whole[path])
    return whole


def _together(problems: Sequence[AtelierError]) -> AtelierError:
    """One error that says what each says, once."""
    return type(problems[0])("\n".join(dict.fromkeys(problem.message for problem in problems)))

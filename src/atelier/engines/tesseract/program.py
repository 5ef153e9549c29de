"""The program `tesseract`: found, asked what it knows, and sent over one picture at a time, for a bounded time."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from PIL import Image

from atelier.errors import ModelMissing, TooSlow
from atelier.media.programs import environment

SECONDS = 120.0  # for one page; a dense one takes two
MOST_BYTES = 100_000_000  # that it writes of a page; ten thousand words take half a million
ANSWER_SECONDS = 30.0  # for what it tells of itself
CLEARLY = 5.0  # Tesseract's confidence in which way a page lies; a few words that lie straight get less
TURNS = "osd"  # the data by which it finds that out

_MISSING = (
    "Tesseract is not installed here: apt-get install tesseract-ocr (Debian, Ubuntu), "
    "brew install tesseract (macOS); in a container, build its image with PROGRAMS=tesseract-ocr"
)
_NO_DATA = (
    "Tesseract has no language's data here: apt-get install tesseract-ocr-eng (or of another language), "
    "or put .traineddata files into the model's folder"
)
_DAMAGED = "Tesseract cannot use the data of {}: it is missing, damaged or of another version; install it again"


class Program:
    """folder: of the .traineddata files; None: those of the system. seconds: what one picture may take."""

    def __init__(self, folder: Path | None, seconds: float = SECONDS) -> None:
        """Raises ModelMissing where there is no program, or no language."""
        found = shutil.which("tesseract")
        if found is None:
            raise ModelMissing(_MISSING)
        self._command, self._seconds = [found], seconds
        self._data = ["--tessdata-dir", str(folder)] if folder else []
        self.version = self._told("--version").partition("\n")[0].removeprefix("tesseract").strip()
        listed = self._told("--list-langs", *self._data).splitlines()[1:]
        self.knows_turns = TURNS in listed
        self.languages = tuple(name for name in listed if name not in {TURNS, "equ"} and "/" not in name)
        if not self.languages:
            raise ModelMissing(_NO_DATA)

    def check(self, languages: str) -> None:
        """Raises ModelMissing where it cannot read in these."""
        errand = self.read(Image.new("RGB", (64, 64), "white"), languages, None)
        try:
            whole = errand.ended(ANSWER_SECONDS) and errand.answer() is not None
        finally:
            errand.stop()
        if not whole:
            raise ModelMissing(_DAMAGED.format(languages))

    def look(self, picture: Image.Image) -> Errand:
        """Which way the page lies; `rotation` understands the answer."""
        return self._sent([*self._data, "--psm", "0"], picture)

    def read(self, picture: Image.Image, languages: str, resolution: int | None) -> Errand:
        """The text, as a table of tab-separated values. resolution: dots per inch; None: Tesseract guesses."""
        known = ["--dpi", str(resolution)] if resolution else []
        asked = ["-l", languages, "--psm", "3", *known, "-c", "tessedit_create_tsv=1"]
        return self._sent([*self._data, *asked], picture)

    @staticmethod
    def rotation(answer: str | None) -> int:
        """By how many degrees counter-clockwise the page must be turned; 0 where it is not clear (or too few words)."""
        told = dict(re.findall(r"^(Rotate|Orientation confidence): ([\d.]+)$", answer or "", re.MULTILINE))
        if float(told.get("Orientation confidence", 0)) < CLEARLY:
            return 0
        return -int(float(told.get("Rotate", 0))) % 360

    def _sent(self, arguments: Sequence[str], picture: Image.Image) -> Errand:
        return Errand([*self._command, "stdin", "stdout", *arguments], picture, self._seconds)

    def _told(self, *question: str) -> str:
        try:
            done = subprocess.run(  # noqa: S603  (no shell; nothing that tenants send)
                [*self._command, *question],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=ANSWER_SECONDS,
                env=_environment(),
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as problem:
            raise ModelMissing("Tesseract does not start here; install it again") from problem
        return (done.stdout or done.stderr).decode(errors="replace")


class Errand:
    """The program at work over one picture, in a process of its own. `stop` it in any case."""

    def __init__(self, command: Sequence[str], picture: Image.Image, seconds: float) -> None:
        self._seconds, self._until = seconds, time.monotonic() + seconds
        self._found = tempfile.TemporaryFile()  # noqa: SIM115  (closed by stop)
        with tempfile.TemporaryFile() as sent:
            picture.save(sent, "PNG", compress_level=1)
            sent.seek(0)
            # A session of its own: Ctrl-C in the worker's terminal must not end it in the middle of a page.
            self._process = subprocess.Popen(  # noqa: S603  (no shell; languages are of our own list)
                command,
                stdin=sent,
                stdout=self._found,
                stderr=subprocess.DEVNULL,
                env=_environment(),
                start_new_session=True,
            )
        _bound(self._process.pid, seconds)

    def ended(self, seconds: float) -> bool:
        """Wait so long at most. Raises TooSlow for a picture that took longer than it may."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            if time.monotonic() > self._until:
                self.stop()
                raise TooSlow(f"reading a page took more than {self._seconds:g} seconds; send it in parts") from None
            return False
        return True

    def answer(self) -> str | None:
        """What it wrote, once it ended; None where it failed. It can be asked once."""
        self._found.seek(0)
        written = self._found.read().decode(errors="replace")
        self.stop()
        return written if self._process.returncode == 0 else None

    def stop(self) -> None:
        """Stopping again changes nothing."""
        self._process.kill()
        self._process.wait()
        self._found.close()


def _bound(process: int, seconds: float) -> None:
    """What holds even where the worker dies before it can end the program, and where it writes without end."""
    if sys.platform == "linux":
        import resource

        with suppress(OSError):  # it has ended, or this container forbids it
            for kind, most in ((resource.RLIMIT_CPU, int(seconds) + 2), (resource.RLIMIT_FSIZE, MOST_BYTES)):
                resource.prlimit(process, kind, (most, most))


def _environment() -> dict[str, str]:
    """One thread: several make one page a little faster and all of them slower."""
    return environment("TESSDATA_PREFIX") | {"OMP_THREAD_LIMIT": "1", "LC_ALL": "C"}

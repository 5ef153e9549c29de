"""Recordings: from an encoded file of almost any kind to mono samples, a piece at a time."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import av
import numpy as np
from av.audio.resampler import AudioResampler

from atelier.errors import TooLarge, UnreadableMedia

if TYPE_CHECKING:
    from numpy.typing import NDArray

SAMPLE_RATE = 16_000
"""What speech recognisers hear."""

MOST_SECONDS = 4 * 60 * 60
LOWEST_RATE, HIGHEST_RATE = 4_000, 768_000
"""Samples a second. Below there is no speech; a file that claims more on either side only eats memory."""

MOST_CHANNELS = 8

CONTAINERS = (
    "aac,ac3,aiff,amr,amrnb,amrwb,ape,asf,au,avi,caf,dts,eac3,flac,flv,matroska,mov,mp3,mp4,mpc,mpc8,mpeg,mpegts,"
    "mxf,nistsphere,ogg,oma,rm,shn,tak,tta,voc,w64,wav,webm,wv,xwma"
)
"""FFmpeg's names of containers that hold their own sound. Playlists (hls, concat, dash, sdp) are missing on purpose:
they would have FFmpeg open files of this machine and addresses of its network."""

REMEDY = "send wav, mp3, m4a, ogg, flac, webm, or a video with sound"


class Recording:
    """The sound of an audio or video file, decoded while it is read: hours of it take no more memory than seconds.

    Damaged pieces are left out, and what lies before a damaged tail is used; `damaged` then says so. Raises
    UnreadableMedia for what is not a recording or has no sound, TooLarge for one longer than `longest` seconds,
    both naming `field`. sample_rate: of what comes out.
    """

    def __init__(
        self, data: bytes, *, field: str = "file", longest: float = MOST_SECONDS, sample_rate: int = SAMPLE_RATE
    ) -> None:
        self._field = field
        self._longest = longest
        self._rate = sample_rate
        self._samples = 0
        self.damaged = False
        self._container = self._open(data)
        try:
            self._track = self._find_track()
            self._announced = (self._container.duration or 0) / av.time_base
            self._refuse_endless(data)
        except BaseException:
            self.close()
            raise

    @property
    def duration(self) -> float:
        """Seconds decoded so far; the length of the recording once `blocks` has ended."""
        return self._samples / self._rate

    @property
    def progress(self) -> float:
        """How much is read, from 0 to 1, going by the length that the file says it has; 0 where it says none."""
        return min(self.duration / self._announced, 1.0) if self._announced else 0.0

    @property
    def closed(self) -> bool:
        return self._container is None

    def close(self) -> None:
        """Give the decoder's memory back. Closing again changes nothing."""
        if self._container is not None:
            self._container.close()
        self._container = self._track = None

    def blocks(self, *, seconds: float = 30.0) -> Iterator[NDArray[np.int16]]:
        """Mono samples of shape (n,): each block `seconds` long but the last one. To be run through once."""
        size = round(seconds * self._rate)
        pieces: list[NDArray[np.int16]] = []
        waiting = 0
        for piece in self._resampled():
            self._count(len(piece))
            pieces.append(piece)
            waiting += len(piece)
            if waiting < size:
                continue
            sound = np.concatenate(pieces)
            whole = waiting - waiting % size
            yield from np.split(sound[:whole], whole // size)
            pieces, waiting = [sound[whole:]], waiting - whole
        if waiting:
            yield np.concatenate(pieces)
        if not self._samples:
            raise self._unreadable("no sound could be read from it: it is empty or damaged")

    def _open(self, data: bytes) -> Any:
        if not data:
            raise self._unreadable("it is empty")
        try:
            return _opened(data)
        except (av.error.FFmpegError, ValueError):
            raise self._unreadable("it is not a recording that can be read") from None

    def _find_track(self) -> Any:
        track = self._container.streams.best("audio")
        if track is None:
            raise self._unreadable("there is no sound in it")
        if track.codec_context is None:
            raise self._unreadable("its sound is of a kind that cannot be decoded")
        return track

    def _refuse_endless(self, data: bytes) -> None:
        """Refuse what is too long before any work goes into it. Headers guess, so the packets have the last word."""
        if self._announced <= self._longest:
            return
        with _opened(data) as container, suppress(av.error.FFmpegError):
            track = container.streams.best("audio")
            ticks = 0
            for packet in container.demux(track):
                ticks += packet.duration or 0
                if ticks * track.time_base > self._longest:
                    raise self._too_long()

    def _resampled(self) -> Iterator[NDArray[np.int16]]:
        resampler, shape = None, None
        for frame in self._frames():
            found = (frame.sample_rate, frame.format.name, frame.layout.name)
            if found != shape:  # also in the middle: a stream of another station, a file glued from two
                yield from self._resample(resampler, None)
                resampler, shape = AudioResampler(format="s16", layout="mono", rate=self._rate), found
            yield from self._resample(resampler, frame)
        yield from self._resample(resampler, None)

    def _resample(self, resampler: Any, frame: Any) -> Iterator[NDArray[np.int16]]:
        """Without a frame: what the resampler still holds."""
        if resampler is None:
            return
        try:
            for piece in resampler.resample(frame):
                yield piece.to_ndarray().reshape(-1)
        except (av.error.FFmpegError, ValueError):
            self.damaged = True

    def _frames(self) -> Iterator[Any]:
        for packet in self._packets():
            try:
                frames = packet.decode()
            except av.error.FFmpegError:
                self.damaged = True
                continue
            for frame in frames:
                self._refuse_odd(frame)
                frame.pts = None  # the samples are counted; time stamps of damaged files leap
                yield frame

    def _refuse_odd(self, frame: Any) -> None:
        if not LOWEST_RATE <= frame.sample_rate <= HIGHEST_RATE:
            raise self._unreadable(f"it claims {frame.sample_rate} samples a second")
        if frame.layout.nb_channels > MOST_CHANNELS:
            raise self._unreadable(f"it has {frame.layout.nb_channels} channels, and {MOST_CHANNELS} can be mixed")

    def _packets(self) -> Iterator[Any]:
        """The encoded pieces, up to where a damaged file cannot be followed any more."""
        try:
            yield from self._container.demux(self._track)
        except av.error.FFmpegError:
            self.damaged = True

    def _count(self, samples: int) -> None:
        self._samples += samples
        if self.duration > self._longest:
            raise self._too_long()

    def _unreadable(self, reason: str) -> UnreadableMedia:
        return UnreadableMedia(f"{self._field}: {reason}; {REMEDY}", field=self._field)

    def _too_long(self) -> TooLarge:
        limit = f"{self._longest / 3600:.3g} hours"
        return TooLarge(f"{self._field}: the recording is longer than {limit}; send it in parts", field=self._field)


def _opened(data: bytes) -> Any:
    # What begins as a WAV is read as one: its length was reckoned as a WAV's before.
    wav = data.startswith(b"RIFF") and data.startswith(b"WAVE", 8)
    return av.open(
        io.BytesIO(data),
        format="wav" if wav else None,
        metadata_errors="ignore",
        container_options={"format_whitelist": CONTAINERS, "protocol_whitelist": ""},
        io_open=_open_nothing,
    )


def _open_nothing(url: str, flags: int, options: dict[str, str]) -> Any:
    raise PermissionError("a recording may not point at other files")

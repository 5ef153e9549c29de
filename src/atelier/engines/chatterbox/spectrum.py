"""What Chatterbox and its watermark take from torchaudio, beside another sample rate: two kinds of spectrum."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import nn

from atelier.media.spectrum import resample

_FRAME, _HOP, _TRANSFORM = 400, 160, 512  # samples: 25 and 10 ms at 16 kHz, and the next power of two
_RATE, _LOWEST = 16_000, 20.0  # hertz
_EMPHASIS, _POVEY = 0.97, 0.85


class Resample(nn.Module):  # type: ignore[misc]
    def __init__(self, orig_freq: int, new_freq: int) -> None:
        super().__init__()
        self._rates = orig_freq, new_freq

    def forward(self, samples: torch.Tensor) -> torch.Tensor:
        return resample(samples, *self._rates)


class Spectrogram(nn.Module):  # type: ignore[misc]
    """Complex, of samples of shape (…, n): (…, frequencies, frames)."""

    def __init__(
        self,
        *,
        n_fft: int,
        win_length: int,
        hop_length: int,
        window_fn: Callable[[int], torch.Tensor],
        power: None = None,
        normalized: bool = False,
    ) -> None:
        super().__init__()
        assert power is None
        assert not normalized
        self._sizes = n_fft, hop_length, win_length
        self.register_buffer("window", window_fn(win_length))

    def forward(self, samples: torch.Tensor) -> torch.Tensor:
        return torch.stft(samples, *self._sizes, self.window, return_complex=True)


class InverseSpectrogram(Spectrogram):
    """Back again."""

    def forward(self, spectrum: torch.Tensor) -> torch.Tensor:
        return torch.istft(spectrum, *self._sizes, self.window)


class TimeStretch(nn.Module):  # type: ignore[misc]
    """The watermark's network has one that does nothing; its checkpoint holds the buffer."""

    def __init__(self, *, n_freq: int, hop_length: int) -> None:
        super().__init__()
        self.register_buffer("phase_advance", torch.linspace(0, math.pi * hop_length, n_freq)[:, None])


def fbank(samples: torch.Tensor, num_mel_bins: int) -> torch.Tensor:
    """Kaldi's features of 16 kHz samples of shape (1, n): the logarithm of the power in mel bands, (frames, bands)."""
    frames = samples[0].unfold(0, _FRAME, _HOP)
    frames = frames - frames.mean(dim=1, keepdim=True)
    before = torch.cat([frames[:, :1], frames[:, :-1]], dim=1)
    window = torch.hann_window(_FRAME, periodic=False, device=samples.device, dtype=samples.dtype).pow(_POVEY)
    power = torch.fft.rfft((frames - _EMPHASIS * before) * window, _TRANSFORM).abs().pow(2)
    return (power @ _bands(num_mel_bins).to(power)).clamp(min=torch.finfo(torch.float32).eps).log()


def _bands(count: int) -> torch.Tensor:
    """Triangles over Kaldi's mel scale, of shape (frequencies, count)."""
    hertz = torch.arange(_TRANSFORM // 2 + 1, dtype=torch.float64) * _RATE / _TRANSFORM
    lowest, highest = _mel(_LOWEST), _mel(_RATE / 2)
    edges = torch.linspace(lowest, highest, count + 2, dtype=torch.float64)
    low, middle, high = edges[:-2], edges[1:-1], edges[2:]
    mels = 1127 * (1 + hertz / 700).log()[:, None]
    return torch.minimum((mels - low) / (middle - low), (high - mels) / (high - middle)).clamp(min=0)


def _mel(hertz: float) -> float:
    return 1127 * math.log(1 + hertz / 700)

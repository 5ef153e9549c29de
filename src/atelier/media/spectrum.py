"""What speech models take from torchaudio to hear a voice: mel spectrograms and another sample rate."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import nn

_ZEROS, _ROLLOFF = 6, 0.99
"""Of the resampling filter: crossings of zero on each side, and its edge as a share of the highest frequency."""


class MelSpectrogram(nn.Module):  # type: ignore[misc]
    """Power in mel bands of samples of shape (…, n): (…, bands, frames). Arguments and buffers as torchaudio's."""

    def __init__(
        self,
        *,
        sample_rate: int,
        n_fft: int,
        win_length: int,
        hop_length: int,
        n_mels: int,
        f_min: float = 0.0,
        f_max: float | None = None,
        window_fn: Callable[[int], torch.Tensor] = torch.hann_window,
        power: float = 2.0,
        normalized: bool = False,
        norm: str | None = None,
    ) -> None:
        super().__init__()
        assert power == 2
        assert not normalized
        self.n_fft, self.win_length, self.hop_length = n_fft, win_length, hop_length
        # Checkpoints hold both under these names.
        self.spectrogram, self.mel_scale = nn.Module(), nn.Module()
        self.spectrogram.register_buffer("window", window_fn(win_length))
        bands = _bands(n_fft // 2 + 1, sample_rate, f_min, f_max or sample_rate // 2, n_mels, even=norm == "slaney")
        self.mel_scale.register_buffer("fb", bands)

    def forward(self, samples: torch.Tensor) -> torch.Tensor:
        flat = samples.reshape(-1, samples.shape[-1])
        window = self.spectrogram.window
        spectrum = torch.stft(flat, self.n_fft, self.hop_length, self.win_length, window, return_complex=True)
        power = spectrum.abs().pow(2).reshape(*samples.shape[:-1], *spectrum.shape[-2:])
        return torch.matmul(power.transpose(-1, -2), self.mel_scale.fb).transpose(-1, -2)


def _bands(
    frequencies: int, sample_rate: int, lowest: float, highest: float, count: int, *, even: bool
) -> torch.Tensor:
    """Triangles over the mel scale (HTK's) of shape (frequencies, count); `even`: each with the same area."""
    hertz = torch.linspace(0, sample_rate // 2, frequencies)
    ends = [2595 * math.log10(1 + frequency / 700) for frequency in (lowest, highest)]
    edges = 700 * (10 ** (torch.linspace(ends[0], ends[1], count + 2) / 2595) - 1)
    low, middle, high = edges[:-2], edges[1:-1], edges[2:]
    rise, fall = (hertz[:, None] - low) / (middle - low), (high - hertz[:, None]) / (high - middle)
    triangles = torch.minimum(rise, fall).clamp(min=0)
    return triangles * (2 / (high - low)) if even else triangles


def resample(samples: torch.Tensor, old_rate: int, new_rate: int) -> torch.Tensor:
    """`samples` of shape (channels, n) at another rate, by a sinc under a cosine window.

    https://ccrma.stanford.edu/~jos/resample/
    """
    if old_rate == new_rate:
        return samples
    common = math.gcd(old_rate, new_rate)
    old, new = old_rate // common, new_rate // common
    edge = min(old, new) * _ROLLOFF
    reach = math.ceil(_ZEROS * old / edge)
    around = torch.arange(-reach, reach + old, dtype=torch.float64) / old
    phases = -torch.arange(new, dtype=torch.float64)[:, None] / new
    time = ((phases + around) * edge).clamp(-_ZEROS, _ZEROS)
    kernel = torch.sinc(time) * torch.cos(time * math.pi / _ZEROS / 2) ** 2 * (edge / old)
    padded = nn.functional.pad(samples[:, None], (reach, reach + old))
    made = nn.functional.conv1d(padded, kernel[:, None].to(samples), stride=old)
    return made.transpose(1, 2).reshape(len(samples), -1)[:, : math.ceil(new * samples.shape[-1] / old)]

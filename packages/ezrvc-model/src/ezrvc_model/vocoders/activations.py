"""What bends the signal between a vocoder's convolutions."""

import functools
import math

import torch
from torch import nn
from torch.nn import functional

FILTER_TAPS = 12
STOPBAND_HALF_WIDTH = 0.3
"""Of the lowpass filter, as a part of the rate it runs at."""


class LeakyReLU(nn.LeakyReLU):
    """The leaky ReLU of HiFi-GAN."""

    reach = 0
    """Samples to each side that an output depends on."""


class AntialiasedSnake(nn.Module):
    """x + sin²(a x) / b, at twice the rate between two lowpass filters, so that it cannot alias.

    Ziyin, Hartwig and Ueda, "Neural Networks Fail to Learn Periodic Functions" (2020) for snake;
    Lee et al., "BigVGAN" (2023) for the logarithmic scales a and b and for the filters.
    """

    reach = FILTER_TAPS // 2
    """Samples to each side that an output depends on."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.log_frequency = nn.Parameter(torch.zeros(channels))
        self.log_magnitude = nn.Parameter(torch.zeros(channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(batch, channels, n_samples) to the same."""
        return _halve(self._snake(_double(x)))

    def _snake(self, x: torch.Tensor) -> torch.Tensor:
        frequency = self.log_frequency.exp()[:, None]
        magnitude = self.log_magnitude.exp()[:, None]
        return x + (x * frequency).sin().square() / (magnitude + 1e-9)


def _double(x: torch.Tensor) -> torch.Tensor:
    """Resample to twice the rate; the ends are held."""
    channels, side = x.shape[1], FILTER_TAPS // 2 - 1
    weight = lowpass(x.device, x.dtype).expand(channels, 1, -1)
    padded = functional.pad(x, (side, side), mode="replicate")
    doubled = 2 * functional.conv_transpose1d(padded, weight, stride=2, groups=channels)
    trim = 2 * side + FILTER_TAPS // 2 - 1
    return doubled[:, :, trim:-trim]


def _halve(x: torch.Tensor) -> torch.Tensor:
    """Resample to half the rate; the ends are held."""
    channels, side = x.shape[1], FILTER_TAPS // 2
    weight = lowpass(x.device, x.dtype).expand(channels, 1, -1)
    padded = functional.pad(x, (side - 1, side), mode="replicate")
    return functional.conv1d(padded, weight, stride=2, groups=channels)


@functools.lru_cache(maxsize=16)
def lowpass(device: torch.device, dtype: torch.dtype) -> torch.Tensor:
    """A Kaiser-windowed sinc that halves the band, (1, 1, FILTER_TAPS), with sum 1."""
    # Kaiser's formulas: attenuation from length and transition width, shape from attenuation
    attenuation = 2.285 * (FILTER_TAPS // 2 - 1) * math.pi * 4 * STOPBAND_HALF_WIDTH + 7.95
    if attenuation > 50:
        beta = 0.1102 * (attenuation - 8.7)
    elif attenuation >= 21:
        beta = 0.5842 * (attenuation - 21) ** 0.4 + 0.07886 * (attenuation - 21)
    else:
        beta = 0.0
    with torch.inference_mode(mode=False):
        # in single precision, as the programs whose voices must sound the same here compute it
        window = torch.kaiser_window(FILTER_TAPS, periodic=False, beta=beta, dtype=torch.float32)
        times = torch.arange(FILTER_TAPS, dtype=torch.float32) - (FILTER_TAPS - 1) / 2
        taps = window * torch.sinc(times / 2) / 2
        return (taps / taps.sum()).to(dtype=dtype).to(device=device).view(1, 1, -1)

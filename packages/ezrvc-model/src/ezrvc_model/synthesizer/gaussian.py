"""Normal distributions over the frames of a latent."""

from typing import NamedTuple

import torch

from ezrvc_model.noise import Noise


class Gaussian(NamedTuple):
    """A normal distribution for each channel and frame, (batch, inter_channels, n_frames)."""

    mean: torch.Tensor
    log_deviation: torch.Tensor
    """Natural logarithm of the standard deviation."""

    @classmethod
    def from_statistics(cls, statistics: torch.Tensor) -> "Gaussian":
        """Split (batch, 2 * inter_channels, n_frames) into mean and log deviation."""
        mean, log_deviation = statistics.chunk(2, dim=1)
        return cls(mean, log_deviation)

    def sample(self, noise: Noise, scale: float = 1.0) -> torch.Tensor:
        """A draw, its deviation multiplied by `scale`."""
        drawn = noise.normal(self.mean.shape, self.mean)
        return self.mean + drawn * self.log_deviation.exp() * scale

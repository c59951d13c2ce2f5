"""Sound in memory, checked at the door."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ezrvc_audio.errors import AudioError

Samples = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Waveform:
    """Finite samples at a known rate.

    Attributes:
        samples: float32, (channels, n_samples), nominally within -1 and 1; never empty.
        sample_rate: samples a second, Hz.

    Raises:
        AudioError: the samples are empty, not finite, not two-dimensional, or the rate is not
            positive.
    """

    samples: Samples
    sample_rate: int

    def __post_init__(self) -> None:
        samples = np.atleast_2d(np.asarray(self.samples, dtype=np.float32))
        if samples.ndim != 2:
            raise AudioError(f"samples must be (channels, n_samples), got {samples.shape}")
        if samples.size == 0:
            raise AudioError("the sound is empty: it has no samples")
        if self.sample_rate <= 0:
            raise AudioError(f"the sample rate must be positive, got {self.sample_rate}")
        if not np.isfinite(samples).all():
            raise AudioError("the sound holds values that are not finite (NaN or infinity)")
        object.__setattr__(self, "samples", samples)

    @property
    def n_channels(self) -> int:
        """How many channels."""
        return self.samples.shape[0]

    @property
    def n_samples(self) -> int:
        """How many samples in each channel."""
        return self.samples.shape[1]

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.n_samples / self.sample_rate

    def mono(self) -> "Waveform":
        """The mean of the channels, as one channel."""
        if self.n_channels == 1:
            return self
        return Waveform(self.samples.mean(axis=0, keepdims=True), self.sample_rate)

    def cut(self, start: int, end: int) -> "Waveform":
        """The samples from `start` up to, not including, `end`."""
        return Waveform(self.samples[:, start:end], self.sample_rate)

"""The one place that counts frames."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ezrvc_audio.waveform import Waveform


@dataclass(frozen=True)
class FrameSpec:
    """A frame grid: one frame every `hop_length` samples at `sample_rate`, the first at time 0.

    Attributes:
        sample_rate: Hz.
        hop_length: samples from one frame to the next.
    """

    sample_rate: int
    hop_length: int

    def __post_init__(self) -> None:
        if self.sample_rate <= 0 or self.hop_length <= 0:
            raise ValueError(f"a frame grid needs a positive rate and hop, got {self}")

    @property
    def frame_rate_hz(self) -> float:
        """Frames a second."""
        return self.sample_rate / self.hop_length

    def n_frames(self, n_samples: int) -> int:
        """Whole frames in `n_samples` samples at this grid's rate (so-vits-svc: len // hop)."""
        return n_samples // self.hop_length

    def n_frames_of(self, waveform: Waveform) -> int:
        """Whole frames of a waveform of any rate, counted as if resampled to this grid's rate."""
        if waveform.sample_rate == self.sample_rate:
            return self.n_frames(waveform.n_samples)
        return self.n_frames(round(waveform.n_samples * self.sample_rate / waveform.sample_rate))

    def n_samples(self, n_frames: int) -> int:
        """Samples that `n_frames` frames span."""
        return n_frames * self.hop_length

    def times_s(self, n_frames: int) -> NDArray[np.float64]:
        """The time of each frame, seconds, (n_frames,)."""
        return np.arange(n_frames, dtype=np.float64) * (self.hop_length / self.sample_rate)

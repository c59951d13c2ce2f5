"""What a pitch estimator is, and what it gives."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ezrvc_audio.waveform import Waveform
from ezrvc_features.frames import FrameSpec


@dataclass(frozen=True, eq=False)
class F0Curve:
    """Pitch on a frame grid.

    Attributes:
        hz: float32, (n_frames,), 0 where unvoiced.
        voiced: bool, (n_frames,).
    """

    hz: NDArray[np.float32]
    voiced: NDArray[np.bool_]

    def __post_init__(self) -> None:
        if self.hz.shape != self.voiced.shape or self.hz.ndim != 1:
            raise ValueError(f"hz {self.hz.shape} and voiced {self.voiced.shape} must match")


@runtime_checkable
class F0Estimator(Protocol):
    """Estimates the pitch of a mono waveform of any rate on any frame grid."""

    @property
    def name(self) -> str:
        """The registry's name of the method."""
        ...

    @property
    def version(self) -> str:
        """Changes whenever the same input may give another curve; part of the cache key."""
        ...

    @property
    def range_hz(self) -> tuple[float, float]:
        """Lowest and highest pitch it reports, Hz."""
        ...

    def estimate(self, waveform: Waveform, frames: FrameSpec) -> F0Curve:
        """The curve of `waveform` with `frames.n_frames_of(waveform)` frames; 0 Hz is unvoiced."""
        ...

"""What turns an estimator into another one: the same pitch, refined afterwards."""

from abc import ABC, abstractmethod

import numpy as np

from ezrvc_audio.waveform import Waveform
from ezrvc_features.f0.base import F0Curve, F0Estimator
from ezrvc_features.frames import FrameSpec


class RefinedEstimator(ABC):
    """An estimator whose curve is the refined curve of another one.

    It keeps the other's name; its version adds what is done, so that features which were made
    without are not taken for features made with it.

    Args:
        estimator: finds the pitch.
    """

    def __init__(self, estimator: F0Estimator) -> None:
        self._estimator = estimator

    @property
    def name(self) -> str:
        """That of the estimator whose curve is refined."""
        return self._estimator.name

    @property
    def version(self) -> str:
        """That of the estimator, and what is done to its curve."""
        return f"{self._estimator.version}; {self.refinement}"

    @property
    def range_hz(self) -> tuple[float, float]:
        """Lowest and highest pitch it reports, Hz."""
        return self._estimator.range_hz

    @property
    @abstractmethod
    def refinement(self) -> str:
        """What is done, with its settings and revision."""

    def estimate(self, waveform: Waveform, frames: FrameSpec) -> F0Curve:
        """The refined curve, see `F0Estimator.estimate`."""
        return self.refine(self._estimator.estimate(waveform, frames), frames)

    @abstractmethod
    def refine(self, curve: F0Curve, frames: FrameSpec) -> F0Curve:
        """Another curve of the same frames."""


def voiced_stretches(curve: F0Curve) -> list[slice]:
    """The runs of voiced frames, in order."""
    edges = np.flatnonzero(np.diff(curve.voiced, prepend=False, append=False))
    return [slice(int(start), int(end)) for start, end in edges.reshape(-1, 2)]

"""SwiftF0: a small convolutional network on a spectrogram, run by ONNX Runtime on the CPU."""

from typing import Unpack

import numpy as np
from numpy.typing import NDArray
from swift_f0 import SwiftF0

from ezrvc_features.f0.grid import PitchTrack
from ezrvc_features.f0.windowed import F0Settings, WindowedEstimator


class SwiftF0Estimator(WindowedEstimator):
    """SwiftF0 (Nieradzik 2025, arXiv:2508.18440, and its successors); a point every 16 ms.

    Its confidence is calibrated so that a frame is voiced from 0.5.
    """

    name = "swift-f0"
    distribution = "swift-f0"
    supported_hz = (46.875, 2093.75)
    default_threshold = 0.5

    def __init__(self, **settings: Unpack[F0Settings]) -> None:
        super().__init__(**settings)
        # One thread: batch extraction spreads clips over processes, not a clip over threads.
        self._detector = SwiftF0(threads=1)

    def _analyse(self, samples: NDArray[np.float32]) -> PitchTrack:
        found = self._detector.detect(samples, self.sample_rate, self._min_hz, self._max_hz)
        return PitchTrack(
            times_s=found.timestamps,
            hz=found.pitch_hz,
            voiced=found.confidence >= self._threshold,
        )

"""Networks that answer with an activation for each of many pitches."""

from abc import abstractmethod

import numpy as np
from numpy.typing import NDArray

from ezrvc_features.f0.decoding import bins_within, likely_path, pitch_on_path
from ezrvc_features.f0.grid import PitchTrack
from ezrvc_features.f0.windowed import WindowedEstimator

CREPE_BIN_CENTS = 1997.3794084376191 + 20.0 * np.arange(360, dtype=np.float64)
"""The 360 pitches of CREPE, which RMVPE took over: cents above 10 Hz, 32.7 to 1975.5 Hz."""
HOP_LENGTH = 160
"""Samples from one point to the next, 10 ms."""


class SalienceEstimator(WindowedEstimator):
    """A network that sees a point every 10 ms and gives each of its bins an activation.

    Pitch is decoded between bins along the likeliest path; a point is voiced where the largest
    activation around the path reaches the threshold, see `ezrvc_features.f0.decoding`.

    Attributes:
        bin_cents: the pitch of each bin, cents above 10 Hz, (n_bins,).
    """

    bin_cents: NDArray[np.float64] = CREPE_BIN_CENTS

    def _analyse(self, samples: NDArray[np.float32]) -> PitchTrack:
        wanted = bins_within(self.bin_cents, self._min_hz, self._max_hz)
        activations = self._activations(samples)[:, wanted]
        bin_cents = self.bin_cents[wanted]
        hz, confidence = pitch_on_path(activations, likely_path(activations), bin_cents)
        return PitchTrack(
            times_s=np.arange(len(hz), dtype=np.float64) * (HOP_LENGTH / self.sample_rate),
            hz=hz,
            voiced=confidence >= self._threshold,
        )

    @abstractmethod
    def _activations(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Of each bin, (n_points, n_bins), 0 to 1; point i is centred at sample i * hop."""

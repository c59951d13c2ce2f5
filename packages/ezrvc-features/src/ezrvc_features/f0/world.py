"""Harvest and DIO: the estimators of the WORLD vocoder."""

from abc import abstractmethod

import numpy as np
import pyworld
from numpy.typing import NDArray

from ezrvc_features.f0.grid import PitchTrack
from ezrvc_features.f0.periodicity import periodicity
from ezrvc_features.f0.windowed import WindowedEstimator

_STEP_MS = 5.0
_EDGE_POINTS = 3  # at either end of a voiced stretch, where half the method's window is not voice


class _WorldEstimator(WindowedEstimator):
    """A method of WORLD, refined by StoneMask; a point every 5 ms.

    WORLD does not say how sure it is, so a point counts as voiced when the signal repeats after
    the period found: the threshold is on that correlation, see `periodicity`. Harvest prolongs
    voiced stretches with a pitch that can be a semitone off; the first and last 15 ms of a stretch
    therefore hold the pitch next to them.
    """

    distribution = "pyworld-prebuilt"

    def _analyse(self, samples: NDArray[np.float32]) -> PitchTrack:
        signal = samples.astype(np.float64)
        # The methods are unsure close to the ends of the range that they search.
        coarse_hz, times_s = self._search(signal, 0.95 * self._min_hz, 1.08 * self._max_hz)
        hz = pyworld.stonemask(signal, coarse_hz, times_s, self.sample_rate)
        sure = periodicity(signal, self.sample_rate, times_s, hz)
        asked = (hz > 0.99 * self._min_hz) & (hz < 1.01 * self._max_hz)
        voiced = asked & (sure >= self._threshold)
        return PitchTrack(times_s=times_s, hz=_hold_edges(hz, voiced), voiced=voiced)

    @abstractmethod
    def _search(
        self, signal: NDArray[np.float64], floor_hz: float, ceiling_hz: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Pitch, Hz (0 where unvoiced), and times, seconds."""


class HarvestEstimator(_WorldEstimator):
    """Harvest (Morise 2017, "Harvest: a high-performance fundamental frequency estimator")."""

    name = "harvest"
    supported_hz = (40.0, 900.0)  # measured on tones: above, it may find a tenth of the pitch
    default_threshold = 0.5

    def _search(
        self, signal: NDArray[np.float64], floor_hz: float, ceiling_hz: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return pyworld.harvest(
            signal,
            self.sample_rate,
            f0_floor=floor_hz,
            f0_ceil=ceiling_hz,
            frame_period=_STEP_MS,
        )


class DioEstimator(_WorldEstimator):
    """DIO (Morise et al. 2009): fast, for clean recordings."""

    name = "dio"
    supported_hz = (40.0, 1300.0)
    default_threshold = 0.5

    def _search(
        self, signal: NDArray[np.float64], floor_hz: float, ceiling_hz: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return pyworld.dio(
            signal,
            self.sample_rate,
            f0_floor=floor_hz,
            f0_ceil=ceiling_hz,
            frame_period=_STEP_MS,
        )


def _hold_edges(hz: NDArray[np.float64], voiced: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The curve with the ends of voiced stretches at the pitch next to them."""
    span = np.lib.stride_tricks.sliding_window_view(
        np.pad(voiced, _EDGE_POINTS), 2 * _EDGE_POINTS + 1
    )
    inner = np.flatnonzero(span.all(axis=1))
    if inner.size == 0:
        return hz
    point = np.arange(hz.size)
    after = inner[np.searchsorted(inner, point).clip(0, inner.size - 1)]
    before = inner[(np.searchsorted(inner, point, side="right") - 1).clip(0)]
    nearest = np.where(np.abs(after - point) < np.abs(point - before), after, before)
    return np.where(np.abs(nearest - point) <= _EDGE_POINTS, hz[nearest], hz)

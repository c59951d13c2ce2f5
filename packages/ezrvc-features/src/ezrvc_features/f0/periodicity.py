"""How well a signal repeats after a given period: for methods that cannot say how sure they are."""

import numpy as np
from numpy.typing import NDArray

_POINTS = 160
_MIN_SPAN_S = 0.02


def periodicity(
    samples: NDArray[np.float64],
    sample_rate: int,
    times_s: NDArray[np.float64],
    hz: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Normalised correlation of the signal with itself one period later, around each time.

    Taken over two periods, at least 20 ms, centred on the time: 1 for a periodic signal of that
    pitch (or of a multiple of it), near 0 for noise.

    Args:
        samples: (n_samples,).
        sample_rate: Hz.
        times_s: (n_points,), seconds.
        hz: (n_points,), the pitch to test; 0 gives 0.

    Returns:
        (n_points,), -1 to 1.
    """
    result = np.zeros(len(times_s))
    known = np.flatnonzero(hz > 0)
    period_s = 1 / hz[known]
    span_s = np.maximum(2 * period_s, _MIN_SPAN_S)
    place = np.linspace(-0.5, 0.5, _POINTS)
    start_s = times_s[known, None] + place * span_s[:, None] - period_s[:, None] / 2
    now = _sampled(samples, start_s * sample_rate)
    later = _sampled(samples, (start_s + period_s[:, None]) * sample_rate)
    now = now - now.mean(axis=1, keepdims=True)
    later = later - later.mean(axis=1, keepdims=True)
    energy = np.sqrt((now**2).sum(axis=1) * (later**2).sum(axis=1))
    result[known] = (now * later).sum(axis=1) / np.maximum(energy, 1e-12)
    return result


def _sampled(samples: NDArray[np.float64], positions: NDArray[np.float64]) -> NDArray[np.float64]:
    """The signal between samples, by straight lines; its ends are held."""
    return np.interp(positions, np.arange(len(samples)), samples)

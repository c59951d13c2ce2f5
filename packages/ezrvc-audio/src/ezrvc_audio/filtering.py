"""The typed door to scipy's filters."""

# scipy ships no types: its unknowns end here.
# pyright: reportMissingTypeStubs=false, reportUnknownVariableType=false

from collections.abc import Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d
from scipy.signal import lfilter

Signal = NDArray[np.float64]


def recursive_filter(
    numerator: Sequence[float], denominator: Sequence[float], signal: Signal, state: Signal
) -> tuple[Signal, Signal]:
    """Filter one stretch of a signal and carry on later where it ended.

    Args:
        numerator: coefficients of the input, newest first.
        denominator: coefficients of the output, newest first; the first is 1.
        signal: (n_samples,).
        state: (order,) zeros at first, then what the last call returned.

    Returns:
        The filtered signal and the state to go on with.
    """
    return cast(
        tuple[Signal, Signal], lfilter(list(numerator), list(denominator), signal, zi=state)
    )


def maximum_ahead(signal: Signal, n_ahead: int) -> Signal:
    """The greatest of each value and the `n_ahead` that follow it; (n_samples,) in and out."""
    size = n_ahead + 1
    # scipy's window starts size // 2 before each value; a negative origin moves it there.
    return cast(Signal, maximum_filter1d(signal, size, mode="nearest", origin=-(size // 2)))


def smooth_behind(signal: Signal, weights: Signal) -> Signal:
    """Weighted mean of each value and those before it; the first value is held backwards.

    Args:
        signal: (n_samples,).
        weights: (n_weights,), for the current value first; their sum is 1.
    """
    held = np.concatenate([np.full(len(weights) - 1, signal[0]), signal])
    return np.convolve(held, weights, mode="valid")

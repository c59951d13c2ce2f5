"""The adaptive key: high notes brought into the range that a vocoder was trained on.

A recording is treated as if it had been taken at another rate, which lowers it by some semitones;
what the vocoder makes of it is raised again the same way. The rules are those of DDSP-SVC and
so-vits-svc 4.1.
"""

import math

import numpy as np
from numpy.typing import NDArray

_HIGHEST_HZ = 760.0
"""The automatic key leaves nothing above this pitch."""
_RATE_STEP = 100
"""Hz; rates to resample to are whole multiples of it."""


def automatic_key(f0: NDArray[np.floating]) -> int:
    """The smallest whole key, 0 or more, that brings every pitch to 760 Hz or lower.

    Args:
        f0: Hz, of the voiced frames; may be empty.

    Returns:
        Semitones.
    """
    highest = float(f0.max(initial=0.0))
    return max(0, math.ceil(12 * math.log2(highest / _HIGHEST_HZ))) if highest > 0 else 0


def adaptive_rate(sample_rate: int, key_semitones: float) -> int:
    """The rate to resample to, so that the sound taken for one at `sample_rate` is lower by a key.

    Args:
        sample_rate: of the vocoder, Hz.
        key_semitones: how far down; negative: up.

    Returns:
        Hz, a multiple of 100; `sample_rate` itself for a key of 0.
    """
    if key_semitones == 0:
        return sample_rate
    return _RATE_STEP * round(sample_rate * 2 ** (key_semitones / 12) / _RATE_STEP)

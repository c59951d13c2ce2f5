"""From the times at which a method looks to the times of a frame grid."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_QUIET_BLOCK_S = 0.005
_QUIET_REACH_BLOCKS = 4


@dataclass(frozen=True, eq=False)
class PitchTrack:
    """Pitch at a method's own times.

    Attributes:
        times_s: float64, (n_points,), seconds, increasing, at least one.
        hz: float64, (n_points,); any value where unvoiced.
        voiced: bool, (n_points,).
    """

    times_s: NDArray[np.float64]
    hz: NDArray[np.float64]
    voiced: NDArray[np.bool_]

    def at(self, times_s: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Pitch, Hz (0 where unvoiced), and voicing at the given times.

        Voicing is that of the nearest point; pitch is interpolated linearly where the points on
        both sides are voiced, else it is that of the nearest point.
        """
        last = len(self.times_s) - 1
        right = np.searchsorted(self.times_s, times_s).clip(0, last)
        left = (right - 1).clip(0)
        width = np.maximum(self.times_s[right] - self.times_s[left], 1e-9)
        weight = ((times_s - self.times_s[left]) / width).clip(0, 1)
        nearest = np.where(weight >= 0.5, right, left)
        joined = self.hz[left] + weight * (self.hz[right] - self.hz[left])
        between = self.voiced[left] & self.voiced[right]
        voiced = self.voiced[nearest]
        return np.where(voiced, np.where(between, joined, self.hz[nearest]), 0.0), voiced


def level_near(
    samples: NDArray[np.float32], sample_rate: int, times_s: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Half the range of the samples within about 20 ms of each time; a constant offset is no sound.

    Args:
        samples: (n_samples,).
        sample_rate: Hz.
        times_s: (n_points,).

    Returns:
        (n_points,); the amplitude of a sine that fills the neighbourhood.
    """
    block = max(round(_QUIET_BLOCK_S * sample_rate), 1)
    n_blocks = -(-len(samples) // block)
    filled = np.pad(samples, (0, n_blocks * block - len(samples)), mode="edge")
    blocks = filled.reshape(n_blocks, block)
    reach = 2 * _QUIET_REACH_BLOCKS + 1

    def neighbourhood(values: NDArray[np.float32]) -> NDArray[np.float32]:
        padded = np.pad(values, _QUIET_REACH_BLOCKS, mode="edge")
        return np.lib.stride_tricks.sliding_window_view(padded, reach)

    highest = neighbourhood(blocks.max(axis=1)).max(axis=1)
    lowest = neighbourhood(blocks.min(axis=1)).min(axis=1)
    nearest = (times_s * sample_rate / block).astype(np.int64).clip(0, n_blocks - 1)
    return ((highest - lowest) / 2).astype(np.float64)[nearest]

"""The phase of the sine source by place in the recording, not by where synthesis starts."""

import numpy as np
import torch
from numpy.typing import NDArray


def cycles_before(
    f0: NDArray[np.floating], hop_length: int, sample_rate: int
) -> NDArray[np.float64]:
    """Fractional part of the cycles that a pitch goes through before each frame.

    Summed in float64 over the whole recording, so that the phase at a frame does not depend on
    where synthesis starts, and is right after hours: the sum of float32 pitches is all but exact.

    Args:
        f0: Hz, held for the length of each frame, (n_frames,).
        hop_length: samples of a frame.
        sample_rate: at which the source counts, Hz.

    Returns:
        Within 0 and 1, (n_frames,).
    """
    summed_hz = np.cumsum(f0, dtype=np.float64) - f0
    return summed_hz * hop_length / sample_rate % 1.0


class PartialPhases:
    """Phases of the fundamental, which begins at 0, and of overtones that begin at random.

    Args:
        n_partials: fundamental and overtones.
        seed: of the whole conversion.
        stream: tells these draws from those of another use.
    """

    def __init__(self, n_partials: int, seed: int, *, stream: int) -> None:
        self._first = np.random.default_rng((seed, stream)).random(n_partials)
        self._first[0] = 0.0

    def at(self, cycles: float) -> torch.Tensor:
        """Phase of each partial once the fundamental has gone through `cycles`.

        Returns:
            Cycles, (1, n_partials), on the CPU.
        """
        partials = np.arange(1, len(self._first) + 1)
        phase = (self._first + partials * cycles) % 1.0
        return torch.from_numpy(phase).float().unsqueeze(0)

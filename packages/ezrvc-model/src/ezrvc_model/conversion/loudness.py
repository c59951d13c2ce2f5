"""The loudness contour of a long sound, and giving one sound the contour of another.

The rule is that of so-vits-svc 4.1 and RVC ("loudness envelope", "rms mix rate"): with the RMS of
source and result over one second, twice a second, joined by straight lines, the result is
multiplied by source^(1 - mix) * result^(mix - 1). A mix of 1 changes nothing, 0 copies the
source's contour.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ezrvc_model.conversion.windows import Mono

_RESULT_FLOOR = 1e-6


@dataclass(frozen=True, eq=False)
class LoudnessContour:
    """RMS over one second around every half second.

    Attributes:
        rms: float64, (n_points,); point k stands at sample k * hop_length.
        hop_length: half a second, samples.
    """

    rms: NDArray[np.float64]
    hop_length: int

    def between(self, start: int, end: int) -> NDArray[np.float64]:
        """The contour at the samples from `start` up to `end`; its edges are held."""
        points = np.arange(len(self.rms)) * self.hop_length
        return np.interp(np.arange(start, end), points, self.rms)


class LoudnessMeter:
    """Measures the contour of a sound that arrives in pieces."""

    def __init__(self, sample_rate: int) -> None:
        self.hop_length = max(1, sample_rate // 2)
        self._energies: list[float] = []
        self._open_energy = 0.0
        self._open_samples = 0

    @property
    def n_points(self) -> int:
        """Points of the contour that later samples no longer change."""
        return len(self._energies)

    def push(self, samples: Mono) -> None:
        """Take in the next samples."""
        position = 0
        while position < len(samples):
            piece = samples[position : position + self.hop_length - self._open_samples]
            self._open_energy += float(np.sum(np.square(piece, dtype=np.float64)))
            self._open_samples += len(piece)
            position += len(piece)
            if self._open_samples == self.hop_length:
                self._energies.append(self._open_energy)
                self._open_energy, self._open_samples = 0.0, 0

    def contour(self) -> LoudnessContour:
        """The contour of what has come so far, silence assumed to follow."""
        energies = np.array([0.0, *self._energies, self._open_energy, 0.0])
        rms = np.sqrt((energies[:-1] + energies[1:]) / (2 * self.hop_length))
        return LoudnessContour(rms, self.hop_length)


class LoudnessMatcher:
    """Moves the loudness of a sound that arrives in pieces towards a contour.

    Holds up to one and a half seconds back, because a sample's loudness depends on what follows.
    """

    def __init__(self, source: LoudnessContour, sample_rate: int, mix: float) -> None:
        self._source = source
        self._mix = mix
        self._meter = LoudnessMeter(sample_rate)
        self._pending: Mono = np.empty(0, dtype=np.float32)
        self._done = 0

    def push(self, samples: Mono) -> Mono:
        """Take in the next samples; give those whose loudness is settled (maybe none)."""
        if self._mix == 1.0:
            return samples
        self._meter.push(samples)
        self._pending = np.concatenate((self._pending, samples))
        settled = max(0, self._meter.n_points - 1) * self._meter.hop_length
        return self._give(max(0, settled - self._done))

    def finish(self) -> Mono:
        """Give the rest."""
        return self._give(len(self._pending))

    def _give(self, count: int) -> Mono:
        if count == 0:
            return self._pending[:0]
        start, end = self._done, self._done + count
        result = np.maximum(self._meter.contour().between(start, end), _RESULT_FLOOR)
        source = self._source.between(start, end)
        gain = source ** (1 - self._mix) * result ** (self._mix - 1)
        matched = (self._pending[:count] * gain).astype(np.float32)
        self._pending = self._pending[count:]
        self._done = end
        return matched

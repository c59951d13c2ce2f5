"""How loud a recording is, frame by frame: all that the slicer remembers of it."""

import numpy as np
from numpy.typing import NDArray

Levels = NDArray[np.float64]

_FRAME_S = 0.01
_SMOOTHING_FRAMES = 3
_FLOOR_DBFS = -100.0
_ABSOLUTE_GATE_DBFS = -70.0
_RELATIVE_GATE_DB = -10.0
_NOISE_PERCENTILE = 5.0
_NOISE_MARGIN_DB = 6.0
_HIGHEST_RAISE_DB = 10.0


def frame_length(sample_rate: int) -> int:
    """Samples in one frame of 10 ms: the grid that cuts lie on."""
    return max(1, round(_FRAME_S * sample_rate))


class FrameEnergies:
    """Mean squares of consecutive frames, gathered from blocks of any length.

    The blocks' borders do not show in the result. Samples after the last whole frame are left out.
    """

    def __init__(self, frame_length: int) -> None:
        self._frame_length = frame_length
        self._rest: NDArray[np.floating] = np.zeros(0, np.float32)
        self._energies: list[NDArray[np.float32]] = []
        self.n_samples = 0
        self.peak = 0.0

    def push(self, samples: NDArray[np.floating]) -> None:
        """Take the next samples, (n_samples,)."""
        self.n_samples += samples.size
        self.peak = max(self.peak, float(np.max(np.abs(samples), initial=0.0)))
        samples = np.concatenate([self._rest, samples])
        n_frames = samples.size // self._frame_length
        framed = samples[: n_frames * self._frame_length].reshape(n_frames, self._frame_length)
        squares = np.square(framed, dtype=np.float64)
        self._energies.append(squares.mean(axis=1).astype(np.float32))
        self._rest = samples[n_frames * self._frame_length :].copy()

    def collect(self) -> Levels:
        """All mean squares so far, (n_frames,)."""
        if not self._energies:
            return np.zeros(0)
        return np.concatenate(self._energies).astype(np.float64)


def to_db(energies: Levels) -> Levels:
    """Mean squares as dB of full scale, not below -100."""
    return 10 * np.log10(np.maximum(energies, 10 ** (_FLOOR_DBFS / 10)))


def smooth_levels(energies: Levels) -> Levels:
    """Level around each frame (30 ms, two periods of the lowest voices), dBFS."""
    return to_db(moving_mean(energies, _SMOOTHING_FRAMES))


def sounding_level(energies: Levels) -> float:
    """Level of the parts that sound, dBFS; -100 where nothing does.

    The gated mean of ITU-R BS.1770-5 over frames, without its frequency weighting: pauses do not
    lower it, however long they are.
    """
    audible = energies[to_db(energies) > _ABSOLUTE_GATE_DBFS]
    if audible.size == 0:
        return _FLOOR_DBFS
    gate = audible.mean() * 10 ** (_RELATIVE_GATE_DB / 10)
    return float(to_db(audible[audible > gate].mean(keepdims=True))[0])


def silence_threshold(energies: Levels, level_dbfs: float, threshold_db: float) -> float:
    """Level below which a frame is silent, dBFS.

    It lies `threshold_db` from the sounding level. Where the recording's own noise (the level that
    5 % of frames stay below) comes nearer than 6 dB to it, it is raised above the noise, by 10 dB
    at most: else the pauses of a noisy room would count as sound.
    """
    lowest = level_dbfs + threshold_db
    noise = float(np.percentile(smooth_levels(energies), _NOISE_PERCENTILE))
    return min(max(lowest, noise + _NOISE_MARGIN_DB), lowest + _HIGHEST_RAISE_DB)


def moving_mean(values: Levels, width: int) -> Levels:
    """Mean over `width` values around each one, over fewer at the ends."""
    if values.size == 0:
        return values
    sums = np.concatenate([[0.0], np.cumsum(values)])
    index = np.arange(values.size)
    first = np.maximum(index - (width - 1) // 2, 0)
    last = np.minimum(index + width // 2 + 1, values.size)
    return (sums[last] - sums[first]) / (last - first)

"""PM: Praat's autocorrelation method."""

import numpy as np
import parselmouth
from numpy.typing import NDArray

from ezrvc_features.f0.grid import PitchTrack
from ezrvc_features.f0.windowed import WindowedEstimator

_STEP_S = 0.01


class PmEstimator(WindowedEstimator):
    """Praat's "Sound: To Pitch (ac)" (Boersma 1993), by Parselmouth; a point every 10 ms.

    Praat calls quiet what is quiet beside the loudest sound of the whole file; here that rule is
    off and silence is judged in one way for all methods, see `WindowedEstimator`.
    """

    name = "pm"
    distribution = "praat-parselmouth"
    supported_hz = (40.0, 1600.0)
    default_threshold = 0.6

    def _analyse(self, samples: NDArray[np.float32]) -> PitchTrack:
        # Praat centres its points in the sound; a whole number of steps keeps them on one grid.
        step = round(_STEP_S * self.sample_rate)
        whole = np.pad(samples, (0, -len(samples) % step)).astype(np.float64)
        pitch = parselmouth.Sound(whole, sampling_frequency=self.sample_rate).to_pitch_ac(
            time_step=_STEP_S,
            pitch_floor=self._min_hz,
            pitch_ceiling=self._max_hz,
            voicing_threshold=self._threshold,
            silence_threshold=1e-9,
        )
        hz = pitch.selected_array["frequency"]
        return PitchTrack(times_s=pitch.xs(), hz=hz, voiced=hz > 0)

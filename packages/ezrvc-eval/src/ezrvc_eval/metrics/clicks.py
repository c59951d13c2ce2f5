"""Does it click? Lone discontinuities, as a bad join leaves them.

Differences of neighbouring samples, taken three times, leave little of speech and music, whose
energy lies low, and much of a step: after Godsill and Rayner, "Digital Audio Restoration" (1998),
chapter 5, with a fixed filter in place of a fitted one. A sample is a click where the result is far
above what is usual nearby (the median within 10 ms) and above everything else nearby (within 25 ms
but for the click's own 7 samples). The second rule tells clicks from the pulses of a low voice,
which come again, and from the onsets of consonants, after which noise goes on; it also hides clicks
inside loud consonants.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d, median_filter

from ezrvc_audio.waveform import Waveform
from ezrvc_device.progress import Progress
from ezrvc_eval.config import EvaluationConfig
from ezrvc_eval.items import Take
from ezrvc_eval.metric import Measurement, Score

_LEAST_STEP = 0.01
"""A step of less of full scale is not looked for."""
_OVER_USUAL = 20.0
_OVER_NEIGHBOURS = 4.0
_USUAL_S = 0.010
_NEAR_S = 0.025
_OWN_SAMPLES = 3
"""On either side of a click; what rings for longer is a consonant."""
_MEDIAN_STEP_S = 0.001


class ClickMeter:
    """Counts clicks."""

    def measure(self, take: Take) -> Measurement:
        """`clicks`, weighted by duration."""
        minutes = take.converted.duration_s / 60
        n_clicks = len(find_clicks(take.converted))
        return Measurement({"clicks": Score(n_clicks / minutes, minutes)})


def find_clicks(waveform: Waveform) -> NDArray[np.intp]:
    """The samples at which a recording clicks, in order.

    Args:
        waveform: mono; of several channels their mean is looked at.
    """
    samples = waveform.mono().samples[0].astype(np.float64)
    if len(samples) < 4:
        return np.zeros(0, np.intp)
    rate = waveform.sample_rate
    change = np.abs(np.diff(samples, n=3))  # change[i] is about sample i + 1.5
    own, near = _OWN_SAMPLES, round(_NEAR_S * rate)
    peaks = change == maximum_filter1d(change, 2 * own + 1, mode="constant")
    # a step of height h leaves h, -2h, h
    candidates = np.flatnonzero(peaks & (change > 2 * _LEAST_STEP))
    if not len(candidates):
        return candidates
    usual = _usual(change, rate)
    kept: list[int] = []
    for index in candidates:
        before = change[max(0, index - near) : max(0, index - own)]
        after = change[index + own + 1 : index + near + 1]
        neighbour = max(before.max(initial=0.0), after.max(initial=0.0))
        if change[index] > max(_OVER_USUAL * usual[index], _OVER_NEIGHBOURS * neighbour):
            kept.append(int(index) + 2)
    return np.array(kept, np.intp)


def _usual(change: NDArray[np.float64], rate: int) -> NDArray[np.float64]:
    """The median of what is within 10 ms: of the medians of every millisecond."""
    block = max(1, round(_MEDIAN_STEP_S * rate))
    padded = np.pad(change, (0, -len(change) % block), mode="edge").reshape(-1, block)
    medians = median_filter(
        np.median(padded, axis=1), size=2 * round(_USUAL_S / _MEDIAN_STEP_S) + 1
    )
    return np.repeat(medians, block)[: len(change)]


def load(config: EvaluationConfig, device: str, progress: Progress) -> ClickMeter:
    """It needs no model."""
    return ClickMeter()

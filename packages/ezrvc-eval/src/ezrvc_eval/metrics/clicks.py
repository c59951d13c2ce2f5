"""Does it click? Lone discontinuities, as a bad join leaves them.

After Godsill and Rayner, "Digital Audio Restoration" (1998), chapter 5: each sample is predicted
from those before it, by an autoregressive model fitted to the 30 ms around, and a click is where
prediction fails. Ours: a sample is predicted from those after it too, and the smaller failure of
the two sides of a join counts, for the pulses of a voice surprise from one side more than from the
other. A join is a click where that is far above what is usual nearby (the median within 10 ms) and
above everything else nearby (within 25 ms but for its own 7 samples). The second rule tells clicks
from the pulses of a low voice, which come again, and from the onsets of consonants, after which
noise goes on; it also hides clicks inside loud consonants.
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
_OVER_USUAL = 15.0
_OVER_NEIGHBOURS = 4.0
_ORDER = 32
_FRAME_S = 0.030
_FRAMES_AT_ONCE = 256
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
    if len(samples) <= 2 * _ORDER:
        return np.zeros(0, np.intp)
    rate = waveform.sample_rate
    surprise = join_errors(samples, round(_FRAME_S * rate / 2))
    own, near = _OWN_SAMPLES, round(_NEAR_S * rate)
    peaks = surprise == maximum_filter1d(surprise, 2 * own + 1, mode="constant")
    candidates = np.flatnonzero(peaks & (surprise > _LEAST_STEP))
    if not len(candidates):
        return candidates
    usual = _usual(surprise, rate)
    kept: list[int] = []
    for index in candidates:
        before = surprise[max(0, index - near) : max(0, index - own)]
        after = surprise[index + own + 1 : index + near + 1]
        neighbour = max(before.max(initial=0.0), after.max(initial=0.0))
        if surprise[index] > max(_OVER_USUAL * usual[index], _OVER_NEIGHBOURS * neighbour):
            kept.append(int(index))
    return np.array(kept, np.intp)


def join_errors(samples: NDArray[np.float64], hop: int) -> NDArray[np.float64]:
    """By how much prediction fails on both sides of a sample's join to the one before.

    The lesser of how far sample i is from what those before it predict, and sample i - 1 from what
    those after it do. Frames of two hops under a Hann window overlap and add up. The first and last
    samples, which lack others to be predicted from, have none.

    Args:
        samples: (n_samples,).
        hop: half the length of a frame, in samples.

    Returns:
        (n_samples,), zero or more.
    """
    n_samples, length = len(samples), 2 * hop
    n_frames = n_samples // hop + 2
    behind_end = n_frames * hop + length + _ORDER - n_samples
    # reflected, so that frames at the ends are as full as others; odd, so that waves go on
    padded = np.pad(samples, (hop + _ORDER, behind_end), mode="reflect", reflect_type="odd")
    shape = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)
    errors = np.zeros((2, (n_frames + 1) * hop))
    for first in range(0, n_frames, _FRAMES_AT_ONCE):
        starts = np.arange(first, min(first + _FRAMES_AT_ONCE, n_frames)) * hop
        places = starts[:, None] + np.arange(length + 2 * _ORDER)
        frames = padded[places]
        filters = prediction_filters(frames[:, _ORDER:-_ORDER] * shape)
        views = np.lib.stride_tricks.sliding_window_view(frames, _ORDER + 1, axis=1)
        forward = np.einsum("fnk,fk->fn", views[:, :length], filters[:, ::-1], optimize=True)
        backward = np.einsum("fnk,fk->fn", views[:, _ORDER:], filters, optimize=True)
        for side, values in enumerate((forward, backward)):
            for start, value in zip(starts, values * shape, strict=True):
                errors[side, start : start + length] += value
    ahead, behind = np.abs(errors[:, hop : hop + n_samples])
    both = np.minimum(ahead, np.concatenate([[0.0], behind[:-1]]))
    both[:_ORDER] = both[n_samples - _ORDER :] = 0.0
    return both


def prediction_filters(frames: NDArray[np.float64]) -> NDArray[np.float64]:
    """Prediction-error filters of order 32, by autocorrelation and the Levinson-Durbin recursion.

    Args:
        frames: (n_frames, length), windowed.

    Returns:
        (n_frames, 33); the first coefficient is 1. Of silence the others are 0.
    """
    spectra = np.fft.rfft(frames, 2 * frames.shape[1])
    correlation = np.fft.irfft(np.abs(spectra) ** 2)[:, : _ORDER + 1]
    # white noise 50 dB below the frame, so that a pure tone has a filter too
    correlation[:, 0] = correlation[:, 0] * (1 + 1e-5) + 1e-12
    filters = np.zeros((len(frames), _ORDER + 1))
    filters[:, 0] = 1.0
    power = correlation[:, 0].copy()
    for order in range(1, _ORDER + 1):
        backwards = correlation[:, order:0:-1]
        reflection = -(filters[:, :order] * backwards).sum(axis=1) / power
        filters[:, 1 : order + 1] += reflection[:, None] * filters[:, order - 1 :: -1][:, :order]
        power *= 1 - reflection**2
    return filters


def _usual(errors: NDArray[np.float64], rate: int) -> NDArray[np.float64]:
    """The median of what is within 10 ms: of the medians of every millisecond."""
    block = max(1, round(_MEDIAN_STEP_S * rate))
    padded = np.pad(errors, (0, -len(errors) % block), mode="edge").reshape(-1, block)
    medians = median_filter(
        np.median(padded, axis=1), size=2 * round(_USUAL_S / _MEDIAN_STEP_S) + 1
    )
    return np.repeat(medians, block)[: len(errors)]


def load(config: EvaluationConfig, device: str, progress: Progress) -> ClickMeter:
    """It needs no model."""
    return ClickMeter()

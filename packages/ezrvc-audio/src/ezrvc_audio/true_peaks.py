"""The greatest amplitude around each sample, between samples too (ITU-R BS.1770-4, Annex 2)."""

import numpy as np

from ezrvc_audio.filtering import Signal
from ezrvc_audio.resampling import StreamResampler
from ezrvc_audio.waveform import Samples, Waveform

_BLOCK = 1 << 18

_PHASES = (
    (0.001708984375, 0.010986328125, -0.0196533203125, 0.033203125, -0.0594482421875,
     0.1373291015625, 0.97216796875, -0.102294921875, 0.047607421875, -0.026611328125,
     0.014892578125, -0.00830078125),
    (-0.0291748046875, 0.029296875, -0.0517578125, 0.089111328125, -0.16650390625,
     0.465087890625, 0.77978515625, -0.2003173828125, 0.1015625, -0.0582275390625,
     0.0330810546875, -0.0189208984375),
)  # fmt: skip
"""Interpolating filter of Annex 2: the first two of four phases; the others are their mirrors."""


def oversampled_peaks(waveform: Waveform, oversampling: int) -> Samples:
    """Peaks of the band-limited sound, found by oversampling with soxr.

    Returns:
        (n_samples,): for each sample the greatest amplitude of any channel from its left neighbour
        to its right. Memory beyond this does not grow with the sound.
    """
    peaks: Samples = np.abs(waveform.samples).max(axis=0)
    resampler = StreamResampler(1, oversampling, waveform.n_channels)
    position = 0
    rest = np.zeros(0, np.float32)
    for start in (*range(0, waveform.n_samples, _BLOCK), None):
        if start is None:
            oversampled = resampler.finish()
        else:
            oversampled = resampler.push(waveform.samples[:, start : start + _BLOCK])
        joined = np.concatenate([rest, np.abs(oversampled).max(axis=0)])
        n_whole = len(joined) // oversampling
        rest = joined[n_whole * oversampling :]
        # What lies between two samples counts for both: (n_whole * oversampling,) -> (n_whole,)
        between = joined[: n_whole * oversampling].reshape(n_whole, oversampling).max(axis=1)
        left = peaks[position : position + n_whole]
        np.maximum(left, between, out=left)
        right = peaks[position + 1 : position + 1 + n_whole]
        np.maximum(right, between[: len(right)], out=right)
        position += n_whole
    return peaks


def standard_filter_peaks(waveform: Waveform) -> Samples:
    """Peaks as meters see them that use the filter printed in Annex 2 (high near half the rate).

    Returns:
        (n_samples,): for each sample the greatest amplitude of any channel and phase there.
    """
    peaks = np.zeros(waveform.n_samples, np.float32)
    for channel in waveform.samples:
        for phase in _PHASES:
            for taps in (phase, phase[::-1]):
                filtered: Signal = np.convolve(channel, taps)
                # The middle of the 12 taps lies between samples: both sides hear of it.
                for delay in (5, 6):
                    part = np.abs(filtered[delay : delay + waveform.n_samples])
                    np.maximum(peaks, part.astype(np.float32), out=peaks)
    return peaks

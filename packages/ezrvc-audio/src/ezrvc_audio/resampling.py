"""Change of sample rate by soxr at its very high quality, with lengths that are always exact."""

# soxr ships no types: its unknowns end here.
# pyright: reportMissingTypeStubs=false

import math
from typing import cast

import numpy as np
import soxr

from ezrvc_audio.errors import AudioError
from ezrvc_audio.waveform import Samples, Waveform

_FEED = 1 << 16
"""Samples given to soxr at once: it keeps its speed and its memory stays small."""


def resampled_length(n_samples: int, from_rate: int, to_rate: int) -> int:
    """How many samples `n_samples` become: `round(n_samples * to_rate / from_rate)`."""
    return round(n_samples * to_rate / from_rate)


def resample(waveform: Waveform, sample_rate: int) -> Waveform:
    """Give the sound another sample rate; the length is `resampled_length`.

    Args:
        waveform: any sound.
        sample_rate: the new rate, Hz; the sound itself is returned if it has that rate already.

    Raises:
        AudioError: the rate is not positive, or the sound is so short that nothing is left.
    """
    if sample_rate == waveform.sample_rate:
        return waveform
    resampler = StreamResampler(waveform.sample_rate, sample_rate, waveform.n_channels)
    samples = np.concatenate([resampler.push(waveform.samples), resampler.finish()], axis=1)
    if samples.shape[1] == 0:
        raise AudioError(
            f"{waveform.n_samples} samples at {waveform.sample_rate} Hz are too short for "
            f"{sample_rate} Hz: none would be left"
        )
    return Waveform(samples, sample_rate)


class StreamResampler:
    """Resamples sound that arrives in pieces; the pieces together equal the whole resampled.

    Push every piece, then finish once. What comes out lags behind what went in by the filter's
    half length, and the total is exactly `resampled_length` of the total input.

    Args:
        from_rate: rate of what is pushed, Hz.
        to_rate: rate of what comes out, Hz.
        n_channels: channels of every piece.

    Raises:
        AudioError: a rate is not positive.
    """

    def __init__(self, from_rate: int, to_rate: int, n_channels: int = 1) -> None:
        if from_rate <= 0 or to_rate <= 0:
            raise AudioError(f"sample rates must be positive, got {from_rate} and {to_rate}")
        self._from_rate = from_rate
        self._to_rate = to_rate
        self._n_channels = n_channels
        self._n_in = 0
        self._n_out = 0
        self._engine = (
            None
            if from_rate == to_rate
            else soxr.ResampleStream(from_rate, to_rate, n_channels, dtype="float32", quality="VHQ")
        )

    def push(self, samples: Samples) -> Samples:
        """Take the next piece and give what is ready.

        Args:
            samples: (n_channels, n_samples); may be empty.

        Returns:
            (n_channels, n_ready); may be empty.
        """
        if samples.ndim != 2 or samples.shape[0] != self._n_channels:
            raise AudioError(
                f"expected pieces of shape ({self._n_channels}, n_samples), got {samples.shape}"
            )
        self._n_in += samples.shape[1]
        ready = self._feed(samples)
        self._n_out += ready.shape[1]
        return ready

    def finish(self) -> Samples:
        """Give what is left, (n_channels, n_left); nothing may be pushed afterwards."""
        n_left = resampled_length(self._n_in, self._from_rate, self._to_rate) - self._n_out
        if self._engine is None or n_left == 0:
            return np.zeros((self._n_channels, 0), np.float32)
        # soxr's own end may be a sample off: silence after the end supplies what rounding asks for.
        n_silent = math.ceil(2 * self._from_rate / self._to_rate) + 1
        silence = np.zeros((n_silent, self._n_channels), np.float32)
        left = self._engine.resample_chunk(silence, last=True)
        return np.ascontiguousarray(left.T[:, :n_left])

    def _feed(self, samples: Samples) -> Samples:
        if self._engine is None:
            return samples
        ready = [np.zeros((self._n_channels, 0), np.float32)]
        for start in range(0, samples.shape[1], _FEED):
            piece = np.ascontiguousarray(samples[:, start : start + _FEED].T, dtype=np.float32)
            ready.append(cast(Samples, self._engine.resample_chunk(piece)).T)
        return np.concatenate(ready, axis=1)

"""Joining sounds over an overlap: two of them at once, or a stream of overlapping blocks."""

from typing import Literal

import numpy as np

from ezrvc_audio.errors import AudioError
from ezrvc_audio.waveform import Samples, Waveform

Curve = Literal["equal_gain", "equal_power"]
"""How a fade runs: equal gain for two versions of the same sound (their sum keeps its level), equal
power for two unrelated sounds (their power keeps its level)."""


def fade_in(n_samples: int, curve: Curve = "equal_gain") -> Samples:
    """Weights that rise from near 0 to near 1, (n_samples,); reversed they are the fade out.

    Equal gain is the rising half of a Hann window: fade in and fade out add up to 1. Equal power is
    its square root: their squares add up to 1.
    """
    angle = (np.arange(n_samples) + 0.5) * (0.5 * np.pi / max(1, n_samples))
    weights = np.sin(angle)
    return (weights if curve == "equal_power" else weights**2).astype(np.float32)


def crossfade(
    left: Waveform, right: Waveform, overlap: int, *, curve: Curve = "equal_gain"
) -> Waveform:
    """Join two sounds; the last samples of one fade into the first of the other.

    Args:
        left: what comes first.
        right: what follows; same rate and channels.
        overlap: how many samples they share; 0 sets them end to end.
        curve: how the fade runs.

    Returns:
        `left.n_samples + right.n_samples - overlap` samples.

    Raises:
        AudioError: rates or channels differ, or the overlap is negative or longer than a sound.
    """
    if (left.sample_rate, left.n_channels) != (right.sample_rate, right.n_channels):
        raise AudioError(
            f"cannot join {left.n_channels} channels at {left.sample_rate} Hz with "
            f"{right.n_channels} at {right.sample_rate} Hz; resample or mix down first"
        )
    joint = OverlapAdd(overlap, left.n_channels, curve=curve)
    pieces = [joint.push(left.samples), joint.push(right.samples), joint.finish()]
    return Waveform(np.concatenate(pieces, axis=1), left.sample_rate)


class OverlapAdd:
    """Joins blocks that arrive one after another, each overlapping the one before.

    Push a block and get the samples that no later block can change; finish for the last ones. The
    output has as many samples as the blocks, less one overlap for every joint. With equal gain, a
    constant stays constant and blocks cut from one sound give that sound back.

    Args:
        overlap: samples that each block shares with the one before.
        n_channels: channels of every block.
        curve: how the fades run.

    Raises:
        AudioError: the overlap is negative.
    """

    def __init__(self, overlap: int, n_channels: int = 1, *, curve: Curve = "equal_gain") -> None:
        if overlap < 0:
            raise AudioError(f"the overlap must not be negative, got {overlap} samples")
        self._overlap = overlap
        self._n_channels = n_channels
        self._rise = fade_in(overlap, curve)
        self._tail: Samples | None = None

    def push(self, block: Samples) -> Samples:
        """Take the next block and give what is finished.

        Args:
            block: (n_channels, n_samples), at least `overlap` samples.

        Returns:
            (n_channels, n_finished); may be empty.

        Raises:
            AudioError: the block is shorter than the overlap or has other channels.
        """
        if block.ndim != 2 or block.shape[0] != self._n_channels:
            raise AudioError(
                f"expected blocks of shape ({self._n_channels}, n_samples), got {block.shape}"
            )
        if block.shape[1] < self._overlap:
            raise AudioError(
                f"a block of {block.shape[1]} samples is shorter than the overlap "
                f"of {self._overlap}"
            )
        joined = block.astype(np.float32)
        if self._tail is not None:
            joined[:, : self._overlap] *= self._rise
            joined[:, : self._overlap] += self._tail * self._rise[::-1]
        n_finished = joined.shape[1] - self._overlap
        self._tail = joined[:, n_finished:].copy()
        return joined[:, :n_finished]

    def finish(self) -> Samples:
        """Give the last samples, (n_channels, overlap), and be ready for a new stream."""
        tail, self._tail = self._tail, None
        return np.zeros((self._n_channels, 0), np.float32) if tail is None else tail

"""A long clip as passages with their surroundings, read as a stream."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ezrvc_audio.reading import stream
from ezrvc_audio.waveform import Waveform

_BLOCK_S = 10.0


@dataclass(frozen=True, eq=False)
class Passage:
    """A part of a clip, and some sound on either side of it.

    Attributes:
        start: its first sample, counted from the clip's first.
        end: the sample after its last.
        n_before: samples of sound in front of it: the margin, or nothing for the first passage.
        is_last: whether the clip ends with it.
        sound: the margin in front, the passage, and the margin behind as far as the clip reaches.
    """

    start: int
    end: int
    n_before: int
    is_last: bool
    sound: Waveform


def passages(path: Path, sample_rate: int, length: int, margin: int) -> Iterator[Passage]:
    """Cut a sound file into passages that cover it without gap or overlap.

    Args:
        path: the file.
        sample_rate: that the sound is resampled to, Hz.
        length: of every passage but the last, samples; the last one is at least `margin` and at
            most `length + margin` long, unless it is the only one.
        margin: sound on either side, samples, less than `length`.

    Raises:
        AudioError: the file cannot be read.
    """
    held = np.zeros((1, 0), np.float32)
    first, start = 0, 0  # of what is held, and of the next passage
    for block in stream(path, block_s=_BLOCK_S, sample_rate=sample_rate, mono=True):
        held = np.concatenate([held, block.samples], axis=1)
        while first + held.shape[1] >= start + length + margin:
            end = start + length
            yield _passage(held, first, start, end, end + margin, sample_rate, is_last=False)
            start = end
            keep = max(start - margin, first)
            held, first = held[:, keep - first :].copy(), keep
    total = first + held.shape[1]
    yield _passage(held, first, start, total, total, sample_rate, is_last=True)


def _passage(
    held: NDArray[np.float32],
    first: int,
    start: int,
    end: int,
    heard_to: int,
    sample_rate: int,
    *,
    is_last: bool,
) -> Passage:
    sound = Waveform(held[:, : heard_to - first].copy(), sample_rate)
    return Passage(start=start, end=end, n_before=start - first, is_last=is_last, sound=sound)

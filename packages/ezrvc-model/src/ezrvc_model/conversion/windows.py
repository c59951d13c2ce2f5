"""A long recording seen through a window that only moves forward."""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from ezrvc_audio.waveform import Waveform

Mono = NDArray[np.float32]


class SlidingSource:
    """Random windows of a stream of mono blocks, in order of their starts.

    Keeps only what a later window may still ask for. Outside the recording there is silence.
    """

    def __init__(self, blocks: Iterable[Waveform]) -> None:
        self._blocks: Iterator[Waveform] = iter(blocks)
        self._held: Mono = np.empty(0, dtype=np.float32)
        self._held_start = 0
        self._n_samples: int | None = None

    @property
    def n_samples(self) -> int | None:
        """Length of the recording, samples; None until a window has reached its end."""
        return self._n_samples

    def read(self, start: int, end: int) -> Mono:
        """The samples from `start` up to `end`, zeros where the recording has none.

        Raises:
            ValueError: `start` lies before that of an earlier window.
        """
        if start < self._held_start:
            raise ValueError(f"window at {start} after one at {self._held_start}")
        self._hold(start, end)
        window = np.zeros(end - start, dtype=np.float32)
        known = self._held[: end - start]
        window[: len(known)] = known
        return window

    def _hold(self, start: int, end: int) -> None:
        """Take in blocks up to `end`, and let go of what lies before `start`."""
        parts = [self._held[start - self._held_start :]]
        reached = self._held_start + len(self._held)
        while reached < end and self._n_samples is None:
            block = next(self._blocks, None)
            if block is None:
                self._n_samples = reached
                break
            parts.append(block.samples[0][max(0, start - reached) :])
            reached += block.n_samples
        self._held = np.concatenate(parts)
        self._held_start = start

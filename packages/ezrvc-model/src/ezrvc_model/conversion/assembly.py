"""Blocks of sound in, one continuous recording of exact length out."""

from collections.abc import Iterator

import numpy as np

from ezrvc_audio.crossfade import OverlapAdd
from ezrvc_model.conversion.blocks import Block
from ezrvc_model.conversion.gate import fade_edges
from ezrvc_model.conversion.windows import Mono

_SILENCE_PIECE = 1 << 18
"""Long silence is given in pieces of so many samples."""


class Assembly:
    """Puts blocks where they belong: seams crossfaded, span edges faded, silence in between.

    Args:
        n_samples: of the whole result.
        hop_length: samples of a frame.
        sample_rate: Hz.
        seam_frames: how far two blocks that meet each reach over their seam.
    """

    def __init__(self, n_samples: int, hop_length: int, sample_rate: int, seam_frames: int) -> None:
        self._n_samples = n_samples
        self._hop_length = hop_length
        self._sample_rate = sample_rate
        self._joint = OverlapAdd(2 * seam_frames * hop_length)
        self._given = 0

    def add(self, block: Block, audio: Mono) -> Iterator[Mono]:
        """Take the next block; give what can no longer change.

        Args:
            block: the plan of the block.
            audio: its sound, with the seams on each side that is not a span's edge.
        """
        start = block.start * self._hop_length
        end = block.end * self._hop_length
        audio = fade_edges(
            audio,
            self._sample_rate,
            fade_in=block.opens and start > 0,
            fade_out=block.closes and end < self._n_samples,
        )
        if block.opens:
            yield from self._silence_until(start)
        if block.opens and block.closes:
            yield from self._give(audio)
            return
        yield from self._give(self._joint.push(audio[np.newaxis])[0])
        if block.closes:
            yield from self._give(self._joint.finish()[0])

    def finish(self) -> Iterator[Mono]:
        """Give the silence that is left after the last block."""
        yield from self._silence_until(self._n_samples)

    def _silence_until(self, position: int) -> Iterator[Mono]:
        while self._given < min(position, self._n_samples):
            length = min(_SILENCE_PIECE, position - self._given)
            yield from self._give(np.zeros(length, dtype=np.float32))

    def _give(self, audio: Mono) -> Iterator[Mono]:
        audio = audio[: self._n_samples - self._given]
        self._given += len(audio)
        if len(audio):
            yield audio

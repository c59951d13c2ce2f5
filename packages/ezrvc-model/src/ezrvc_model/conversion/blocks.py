"""Cutting what sounds into blocks of bounded length, at its quietest places."""

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ezrvc_model.conversion.gate import Span

_EARLIEST_CUT = 0.6
"""A block is cut no earlier than at this part of its longest length."""
_SHORTEST_REST = 0.25
"""A cut leaves at least this part of the longest length to the rest of the span."""


@dataclass(frozen=True)
class Block:
    """Frames converted at once.

    Attributes:
        start: first frame that this block contributes.
        end: one after the last frame it contributes.
        window_start: first frame the network is given.
        window_end: one after the last frame the network is given.
        opens: whether a sounding span starts here (else the block continues the one before).
        closes: whether a sounding span ends here.
    """

    start: int
    end: int
    window_start: int
    window_end: int
    opens: bool
    closes: bool


def plan_blocks(
    spans: list[Span], volume: NDArray[np.floating], *, block_frames: int, context_frames: int
) -> list[Block]:
    """Cut spans into blocks of at most `block_frames`, each with context on both sides.

    Args:
        spans: what sounds, in order.
        volume: frame RMS, (n_frames,); cuts go to its lowest place within reach.
        block_frames: the longest block, frames.
        context_frames: frames of context; fewer at the edges of the recording. The window may
            reach past the recording's end, into silence.

    Returns:
        Blocks in order; together they cover each span exactly once.
    """
    blocks: list[Block] = []
    for span in spans:
        cuts = [span.start]
        while span.end - cuts[-1] > block_frames:
            earliest = cuts[-1] + math.ceil(block_frames * _EARLIEST_CUT)
            latest = min(cuts[-1] + block_frames, span.end - int(block_frames * _SHORTEST_REST))
            cuts.append(earliest + int(np.argmin(volume[earliest : latest + 1])))
        cuts.append(span.end)
        blocks += [
            Block(
                start=start,
                end=end,
                window_start=max(0, start - context_frames),
                window_end=end + context_frames,
                opens=start == span.start,
                closes=end == span.end,
            )
            for start, end in pairwise(cuts)
        ]
    return blocks

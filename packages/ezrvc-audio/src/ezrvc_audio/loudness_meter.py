"""Integrated loudness of a recording that arrives in blocks."""

# pyloudnorm ships no types: its unknowns end here.
# pyright: reportMissingTypeStubs=false

import math
from typing import cast

import numpy as np
import pyloudnorm

from ezrvc_audio.filtering import Signal, recursive_filter
from ezrvc_audio.slicing.levels import FrameEnergies
from ezrvc_audio.waveform import Waveform

_STEP_S = 0.1
_STEPS_A_BLOCK = 4
_OFFSET_LUFS = -0.691
_ABSOLUTE_GATE_LUFS = -70.0
_RELATIVE_GATE = 0.1  # of the mean power: -10 LU


class LoudnessMeter:
    """Loudness of ITU-R BS.1770-4 of a mono recording, in memory of 40 bytes a second.

    K-weighting runs on from block to block; the gated mean is that of the whole recording.

    Args:
        sample_rate: of the recording, Hz.
    """

    def __init__(self, sample_rate: int) -> None:
        # Shelf and high pass of K-weighting as pyloudnorm gives them for every sample rate.
        shelf = pyloudnorm.IIRfilter(4.0, 1 / math.sqrt(2), 1500.0, sample_rate, "high_shelf")
        high_pass = pyloudnorm.IIRfilter(0.0, 0.5, 38.0, sample_rate, "high_pass")
        self._stages = [
            (cast(Signal, stage.b).tolist(), cast(Signal, stage.a).tolist())
            for stage in (shelf, high_pass)
        ]
        self._states = [np.zeros(2) for _ in self._stages]
        self._energies = FrameEnergies(round(_STEP_S * sample_rate))

    def push(self, block: Waveform) -> None:
        """Take the next block; channels are averaged."""
        weighted = block.mono().samples[0].astype(np.float64)
        for index, (numerator, denominator) in enumerate(self._stages):
            weighted, self._states[index] = recursive_filter(
                numerator, denominator, weighted, self._states[index]
            )
        self._energies.push(weighted)

    @property
    def lufs(self) -> float:
        """Integrated loudness so far, LUFS; minus infinity for silence and for less than 0.4 s."""
        steps = self._energies.collect()
        if steps.size < _STEPS_A_BLOCK:
            return -math.inf
        blocks = np.convolve(steps, np.full(_STEPS_A_BLOCK, 1 / _STEPS_A_BLOCK), mode="valid")
        loud = blocks[blocks > 10 ** ((_ABSOLUTE_GATE_LUFS - _OFFSET_LUFS) / 10)]
        if loud.size == 0:
            return -math.inf
        gated = loud[loud > _RELATIVE_GATE * loud.mean()]
        return _OFFSET_LUFS + 10 * math.log10(float(gated.mean()))

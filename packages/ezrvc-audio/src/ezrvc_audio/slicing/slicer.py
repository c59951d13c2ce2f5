"""The slicer: blocks of a recording in, its clips out."""

import math
from collections.abc import Sequence

import numpy as np

from ezrvc_audio.config import SlicerConfig
from ezrvc_audio.errors import AudioError
from ezrvc_audio.slicing.cutting import FrameLimits, Span, cut_frames
from ezrvc_audio.slicing.levels import (
    FrameEnergies,
    frame_length,
    silence_threshold,
    smooth_levels,
    sounding_level,
)
from ezrvc_audio.slicing.segment import Segment
from ezrvc_audio.waveform import Waveform

TimeSpan = tuple[float, float]
"""Seconds from the first up to the second."""


class Slicer:
    """Cuts one recording that arrives in blocks, and remembers nothing but frame energies.

    A recording of three hours takes 4 MiB. How it was divided into blocks never shows: the result
    is that of the whole recording.

    Args:
        sample_rate: of the recording, Hz.
        config: where to cut.
    """

    def __init__(self, sample_rate: int, config: SlicerConfig | None = None) -> None:
        self._sample_rate = sample_rate
        self._config = config or SlicerConfig()
        self._frame_length = frame_length(sample_rate)
        self._energies = FrameEnergies(self._frame_length)

    @property
    def duration_s(self) -> float:
        """Length of what has arrived, seconds."""
        return self._energies.n_samples / self._sample_rate

    @property
    def peak(self) -> float:
        """Highest magnitude among the samples that have arrived (channels averaged)."""
        return self._energies.peak

    @property
    def level_dbfs(self) -> float:
        """Level of the parts that sound in what has arrived, dB of full scale (RMS)."""
        return sounding_level(self._energies.collect())

    def push(self, block: Waveform) -> None:
        """Take the next block.

        Raises:
            AudioError: the block has another sample rate.
        """
        if block.sample_rate != self._sample_rate:
            raise AudioError(
                f"a block at {block.sample_rate} Hz in a recording at {self._sample_rate} Hz; "
                "resample it first"
            )
        self._energies.push(block.mono().samples[0])

    def finish(self, within: Sequence[TimeSpan] | None = None) -> list[Segment]:
        """The clips of all that has arrived; empty for silence.

        Args:
            within: use these spans only, such as the turns of one speaker; none: all of it.

        Returns:
            Segments in order, without overlap. Each has the configured length; only if the whole
            recording offers none of that length, shorter ones with at least `min_sound_s` of sound.
        """
        energies = self._energies.collect()
        spans = self._frame_spans(within, energies.size)
        usable = np.concatenate([*(energies[start:end] for start, end in spans), energies[:0]])
        level = sounding_level(usable)
        if level <= self._config.silence_dbfs:
            return []
        clips = cut_frames(
            smooth_levels(energies),
            spans,
            silence_threshold(usable, level, self._config.threshold_db),
            FrameLimits.of(self._config, self._frame_length / self._sample_rate),
        )
        return [
            Segment(start * self._frame_length, end * self._frame_length, self._sample_rate)
            for start, end in clips
        ]

    def _frame_spans(self, within: Sequence[TimeSpan] | None, n_frames: int) -> list[Span]:
        """Time spans as whole frames inside them, in order, overlapping ones joined."""
        if within is None:
            return [(0, n_frames)]
        frames_per_s = self._sample_rate / self._frame_length
        spans: list[Span] = []
        for start_s, end_s in sorted(within):
            start = max(0, math.ceil(start_s * frames_per_s))
            end = min(n_frames, math.floor(end_s * frames_per_s))
            if spans and start <= spans[-1][1]:
                spans[-1] = (spans[-1][0], max(spans[-1][1], end))
            elif end > start:
                spans.append((start, end))
        return spans


def slice_silence(waveform: Waveform, config: SlicerConfig | None = None) -> list[Segment]:
    """Cut a whole recording at its pauses; see `Slicer`."""
    slicer = Slicer(waveform.sample_rate, config)
    slicer.push(waveform)
    return slicer.finish()

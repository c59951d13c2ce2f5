"""Where the source is silent, and the fades at the edges of what is not."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ezrvc_audio import crossfade

_LOUD_PERCENTILE = 95
_ABSOLUTE_FLOOR_DB = -75.0
"""dB re full scale: below it nothing counts as speech however quiet the whole recording is."""
_DIGITAL_SILENCE = 1e-7
"""RMS up to which a frame holds nothing: less than the ringing of a resampler."""
_MARGIN_S = 0.06
"""How far a sounding span reaches into the silence around it; the outer part is the fade."""
_FADE_S = 0.02
_SHORTEST_SILENCE_S = 0.22
"""A shorter dip is part of what sounds."""


@dataclass(frozen=True)
class Span:
    """Frames that sound, from `start` up to, not including, `end`; silence lies around them."""

    start: int
    end: int


def sounding_spans(
    volume: NDArray[np.floating], threshold_db: float | None, frame_rate_hz: float
) -> list[Span]:
    """Find what is to be converted; everything outside the spans is to be digital silence.

    Args:
        volume: frame RMS, (n_frames,).
        threshold_db: frames this far (negative) below the loud parts of the recording are silent;
            None: only frames of digital silence are.
        frame_rate_hz: frames a second.

    Returns:
        Spans in order, apart from each other; none for digital silence.
    """
    sounds = volume > _DIGITAL_SILENCE
    if threshold_db is not None and sounds.any():
        loud = float(np.percentile(volume[sounds], _LOUD_PERCENTILE))
        floor = max(loud * 10 ** (threshold_db / 20), 10 ** (_ABSOLUTE_FLOOR_DB / 20))
        sounds &= volume >= floor
    if not sounds.any():
        return []
    margin = max(1, round(_MARGIN_S * frame_rate_hz))
    shortest = max(2 * margin + 1, round(_SHORTEST_SILENCE_S * frame_rate_hz))
    spans: list[Span] = []
    for start, end in _runs(sounds):
        if spans and start - (spans[-1].end - margin) < shortest:
            spans[-1] = Span(spans[-1].start, end + margin)
        else:
            spans.append(Span(start - margin, end + margin))
    n_frames = len(volume)
    return [Span(max(0, span.start), min(n_frames, span.end)) for span in spans]


def fade_edges(
    audio: NDArray[np.float32], sample_rate: int, *, fade_in: bool, fade_out: bool
) -> NDArray[np.float32]:
    """A copy with fades of 20 ms (at most half the length) at the asked-for ends.

    Args:
        audio: (n_samples,).
        sample_rate: Hz.
        fade_in: fade the start.
        fade_out: fade the end.
    """
    length = min(round(_FADE_S * sample_rate), len(audio) // 2)
    rise = crossfade.fade_in(length)
    faded = audio.copy()
    if fade_in:
        faded[:length] *= rise
    if fade_out:
        faded[len(faded) - length :] *= rise[::-1]
    return faded


class SpanGate:
    """Makes what lies outside the spans of a sound that arrives in pieces digital silence.

    The inner edges of the spans are faded, as by `fade_edges`.

    Args:
        spans: frames that sound, in order.
        hop_length: samples of a frame.
        sample_rate: Hz.
        n_samples: of the whole sound.
    """

    def __init__(
        self, spans: Sequence[Span], hop_length: int, sample_rate: int, n_samples: int
    ) -> None:
        self._ahead = [
            (span.start * hop_length, min(span.end * hop_length, n_samples)) for span in spans
        ]
        self._n_samples = n_samples
        self._fade = round(_FADE_S * sample_rate)
        self._position = 0

    def push(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """The next samples, gated."""
        first, last = self._position, self._position + len(samples)
        gain = np.zeros(len(samples), dtype=np.float32)
        for start, end in self._ahead:
            if start >= last:
                break
            gain[max(start - first, 0) : end - first] = 1
            length = min(self._fade, (end - start) // 2)
            places = np.arange(length)
            rise = crossfade.fade_in(length)
            if start > 0:
                _scale(gain, places + (start - first), rise)
            if end < self._n_samples:
                _scale(gain, places + (end - length - first), rise[::-1])
        self._ahead = [(start, end) for start, end in self._ahead if end > last]
        self._position = last
        return samples * gain


def _scale(gain: NDArray[np.float32], places: NDArray[np.int_], by: NDArray[np.float32]) -> None:
    """Multiply a gain at those places that it has."""
    inside = (places >= 0) & (places < len(gain))
    gain[places[inside]] *= by[inside]


def _runs(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Start and end of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], mask, [False])).astype(np.int8)))
    return [(int(start), int(end)) for start, end in edges.reshape(-1, 2)]

"""Where to cut, decided on frame levels alone.

Sound separated by pauses forms stretches; pauses longer than the silence that may be kept divide
one stretch from the next, and what is beyond the kept silence is dropped. A stretch is divided
into clips at the first pause that leaves both sides long enough; where no pause is within reach
of the longest clip, at the quietest place within reach.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ezrvc_audio.config import SlicerConfig
from ezrvc_audio.slicing.levels import Levels, moving_mean

Span = tuple[int, int]
"""Frames from the first up to, not including, the second."""

_CLICK_S = 0.08
_WORD_GAP_S = 0.2
_DEPTH_DB = 20.0


@dataclass(frozen=True)
class FrameLimits:
    """The slicer's lengths, counted in frames."""

    min_clip: int
    max_clip: int
    min_interval: int
    kept: int
    min_sound: int
    click: int
    word_gap: int

    @classmethod
    def of(cls, config: SlicerConfig, frame_s: float) -> "FrameLimits":
        """Count in frames of `frame_s` seconds so that every limit holds exactly."""
        slack = 1e-9  # a limit of whole frames stays that many
        return cls(
            min_clip=math.ceil(config.min_clip_s / frame_s - slack),
            max_clip=math.floor(config.max_clip_s / frame_s + slack),
            min_interval=math.ceil(config.min_interval_ms / 1000 / frame_s - slack),
            kept=math.floor(config.max_silence_kept_ms / 1000 / frame_s + slack),
            min_sound=math.ceil(config.min_sound_s / frame_s - slack),
            click=math.ceil(_CLICK_S / frame_s - slack),
            word_gap=math.ceil(_WORD_GAP_S / frame_s - slack),
        )


@dataclass(frozen=True)
class Stretch:
    """Sounds whose pauses are short enough to stay, with the silence kept around them."""

    start: int
    end: int
    sounds: tuple[Span, ...]

    @property
    def length(self) -> int:
        """Frames from start to end."""
        return self.end - self.start

    @property
    def sounding(self) -> int:
        """Frames of sound."""
        return sum(end - start for start, end in self.sounds)

    @property
    def pauses(self) -> list[Span]:
        """The silences between its sounds."""
        return [
            (left[1], right[0])
            for left, right in zip(self.sounds[:-1], self.sounds[1:], strict=True)
        ]


def cut_frames(
    levels: Levels, within: list[Span], threshold: float, limits: FrameLimits
) -> list[Span]:
    """The clips of a recording.

    Args:
        levels: level around each frame, dB, (n_frames,).
        within: the only frames that may be used, in order, without overlap.
        threshold: level below which a frame is silent, dB.
        limits: how long clips, pauses and kept silence may be.

    Returns:
        Clips in order. Each is as long as the limits say, but when no stretch is as long as the
        shortest clip: then every stretch with enough sound is one clip.
    """
    sounding = levels >= threshold
    stretches = [
        stretch
        for start, end in within
        for stretch in _stretches(sounding, start, end, limits)
        if stretch.sounding >= limits.min_sound
    ]
    long_enough = [stretch for stretch in stretches if stretch.length >= limits.min_clip]
    if not long_enough:
        return [(stretch.start, stretch.end) for stretch in stretches]
    depth = moving_mean(np.maximum(levels, threshold - _DEPTH_DB), limits.word_gap)
    return [clip for stretch in long_enough for clip in _divide(stretch, levels, depth, limits)]


def sound_spans(sounding: NDArray[np.bool_], limits: FrameLimits) -> list[Span]:
    """Runs of sound: silences shorter than a pause are bridged, lone clicks left out."""
    edges = np.flatnonzero(np.diff(sounding, prepend=False, append=False)).tolist()
    bridged: list[Span] = []
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        if bridged and start - bridged[-1][1] < limits.min_interval:
            bridged[-1] = (bridged[-1][0], end)
        else:
            bridged.append((start, end))
    return [(start, end) for start, end in bridged if end - start >= limits.click]


def _stretches(
    sounding: NDArray[np.bool_], start: int, end: int, limits: FrameLimits
) -> list[Stretch]:
    """Group the sounds between two frames by the silence that may stay between them."""
    groups: list[list[Span]] = []
    for first, last in sound_spans(sounding[start:end], limits):
        sound = (start + first, start + last)
        if groups and sound[0] - groups[-1][-1][1] <= 2 * limits.kept:
            groups[-1].append(sound)
        else:
            groups.append([sound])
    return [
        Stretch(
            start=max(start, sounds[0][0] - limits.kept),
            end=min(end, sounds[-1][1] + limits.kept),
            sounds=tuple(sounds),
        )
        for sounds in groups
    ]


def _divide(stretch: Stretch, levels: Levels, depth: Levels, limits: FrameLimits) -> list[Span]:
    """Divide a stretch into clips that all keep the limits.

    It always can: a clip ends no nearer to the stretch's end than the shortest clip, and the
    longest clip is at least two of the shortest.
    """
    pause_cuts = [_cut_in_pause(pause, levels, limits.kept) for pause in stretch.pauses]
    clips: list[Span] = []
    start = stretch.start
    while True:
        earliest = start + limits.min_clip
        latest = min(start + limits.max_clip, stretch.end - limits.min_clip)
        cut = next((cut for cut in pause_cuts if earliest <= cut <= latest), None)
        if cut is None:
            if stretch.end - start <= limits.max_clip:
                return [*clips, (start, stretch.end)]
            cut = _cut_in_sound(earliest, latest, levels, depth, limits.word_gap)
        clips.append((start, cut))
        start = cut


def _cut_in_pause(pause: Span, levels: Levels, kept: int) -> int:
    """The quietest frame border of a pause that leaves neither side more silence than is kept."""
    start, end = pause
    return _quietest(levels, max(start, end - kept), min(end, start + kept))


def _cut_in_sound(earliest: int, latest: int, levels: Levels, depth: Levels, word_gap: int) -> int:
    """The quietest place between two frames.

    The mean of the levels in dB over the length of a gap between words finds the place: a gap
    between words is deep and long, the closure of a plosive inside one is short. The quietest
    frame near that place is the cut.
    """
    place = _quietest(depth, earliest, latest)
    near = max(earliest, place - word_gap // 2), min(latest, place + word_gap // 2)
    return _quietest(levels, *near)


def _quietest(levels: Levels, first: int, last: int) -> int:
    """The frame of the lowest level from `first` to `last`, the most central one of equals."""
    window = levels[first : last + 1]
    lowest = np.flatnonzero(window <= window.min() + 1e-6)
    centre = (last - first) / 2
    return first + int(lowest[np.argmin(np.abs(lowest - centre))])

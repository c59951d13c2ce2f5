"""What is known of the whole source before its conversion starts: pitch, volume, loudness."""

import math
from array import array
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray

from ezrvc_audio.waveform import Waveform
from ezrvc_device.progress import Progress, silent
from ezrvc_features.f0.base import F0Curve, F0Estimator
from ezrvc_features.f0.correction import F0Correction
from ezrvc_features.frames import FrameSpec
from ezrvc_features.volume import frame_volume
from ezrvc_model.conversion.loudness import LoudnessContour, LoudnessMeter
from ezrvc_model.conversion.windows import Mono, SlidingSource

_WINDOW_S = 60.0
_CONTEXT_S = 2.0
"""What a pitch estimator is given to hear on either side of its window, at least, seconds."""
_ESTIMATOR_STEP = Fraction(8, 100)
"""Seconds; a whole number of steps of every pitch estimator's own frame grid."""


@dataclass(frozen=True, eq=False)
class SourceCurves:
    """Curves of a whole recording, a few bytes a frame however long it is.

    They run some frames past the recording's end, into silence, so that its last block has
    context like every other.

    Attributes:
        n_samples: of the recording at the voice's rate.
        n_frames: frames that cover the recording; the last may be partly empty.
        hz: F0 float32, (n_frames + tail,), Hz, 0 where unvoiced.
        voiced: bool, (n_frames + tail,).
        volume: frame RMS float32, (n_frames + tail,).
        loudness: RMS contour of the recording.
    """

    n_samples: int
    n_frames: int
    hz: NDArray[np.float32]
    voiced: NDArray[np.bool_]
    volume: NDArray[np.float32]
    loudness: LoudnessContour

    @property
    def n_frames_total(self) -> int:
        """Frames with the tail."""
        return len(self.hz)

    @property
    def median_hz(self) -> float | None:
        """Median pitch of the voiced frames, or None when nothing is voiced."""
        return float(np.median(self.hz[self.voiced])) if self.voiced.any() else None

    def corrected(self, correction: F0Correction, frames: FrameSpec) -> Self:
        """The same curves with a pitch that is corrected by hand.

        Raises:
            FeatureError: the correction goes on after the recording's end.
        """
        curve = correction.apply(F0Curve(self.hz, self.voiced), frames)
        return replace(self, hz=curve.hz, voiced=curve.voiced)


def measure_curves(
    source: SlidingSource,
    frames: FrameSpec,
    estimator: F0Estimator,
    *,
    tail_frames: int,
    duration_s: float | None = None,
    progress: Progress = silent,
) -> SourceCurves:
    """Stream a recording once and measure its curves, window by window with context.

    Args:
        source: the recording at the rate of `frames`.
        frames: the voice's frame grid.
        estimator: finds the pitch.
        tail_frames: frames of silence to describe after the end.
        duration_s: of the recording where known, for `progress` only.
        progress: told the seconds that are done.
    """
    step = _common_step(frames)
    core = step * max(1, round(_WINDOW_S * frames.frame_rate_hz / step))
    context = step * math.ceil(_CONTEXT_S * frames.frame_rate_hz / step)
    meter = LoudnessMeter(frames.sample_rate)
    # one block of memory each: many small arrays that stay, between large ones that go, would
    # splinter the heap, and memory would grow with the recording
    all_hz, all_voiced, all_volume = array("f"), array("B"), array("f")
    start = 0
    n_samples, total = 0, None
    while total is None or start < total:
        first, end = max(0, start - context), start + core
        window = source.read(frames.n_samples(first), frames.n_samples(end + context))
        if source.n_samples is not None:
            n_samples = source.n_samples
            total = -(-n_samples // frames.hop_length) + tail_frames
            end = min(end, total)
            window = window[: frames.n_samples(min(end + context, total) - first)]
        inside = slice(start - first, end - first)
        hz, voiced = _pitch(window, frames, estimator)
        volume = frame_volume(torch.from_numpy(window), frames.hop_length).numpy()
        all_hz.frombytes(hz[inside].tobytes())
        all_voiced.frombytes(voiced[inside].tobytes())
        all_volume.frombytes(volume[inside].tobytes())
        meter.push(window[frames.n_samples(inside.start) : frames.n_samples(inside.stop)])
        start = end
        done = min(frames.n_samples(start), source.n_samples or frames.n_samples(start))
        progress("analyse", done / frames.sample_rate, duration_s)
    return SourceCurves(
        n_samples=n_samples,
        n_frames=total - tail_frames,
        hz=np.frombuffer(all_hz, np.float32),
        voiced=np.frombuffer(all_voiced, np.bool_),
        volume=np.frombuffer(all_volume, np.float32),
        loudness=meter.contour(),
    )


def _common_step(frames: FrameSpec) -> int:
    """Frames after which the frame grid and the estimators' own grids meet again.

    Windows that begin there are analysed at the same instants as the whole recording.
    """
    step = (Fraction(frames.hop_length, frames.sample_rate) / _ESTIMATOR_STEP).denominator
    return step if frames.n_samples(step) <= _WINDOW_S / 4 * frames.sample_rate else 1


def _pitch(
    window: Mono, frames: FrameSpec, estimator: F0Estimator
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    if not window.any():
        n_frames = frames.n_frames(len(window))
        return np.zeros(n_frames, np.float32), np.zeros(n_frames, np.bool_)
    curve = estimator.estimate(Waveform(window, frames.sample_rate), frames)
    return curve.hz, curve.voiced

"""Long sound in bounded memory: overlapping windows whose frames are blended into one sequence.

Content networks look at everything they are given at once (attention, normalisation over time),
so a window never gives exactly the frames of one pass. Windows therefore overlap: the frames near
a window's inner edges, which lack context, are dropped, and the next ones are crossfaded. How far
the result is from one pass is measured by the tests of each encoder.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch

from ezrvc_audio.resampling import resample
from ezrvc_audio.waveform import Waveform
from ezrvc_features.errors import FeatureError

SPEECH_RATE = 16_000
"""The sample rate every content network listens at, Hz."""
SPEECH_HOP = 320
"""Samples from one content frame to the next at `SPEECH_RATE`: 50 frames a second."""


@dataclass(frozen=True)
class WindowPlan:
    """How long sound is cut.

    Attributes:
        n_frames: frames of a window; sound of up to so many is encoded in one pass.
    """

    n_frames: int

    @property
    def guard_frames(self) -> int:
        """Frames dropped at each inner edge of a window."""
        return max(self.n_frames // 20, 2)

    @property
    def ramp_frames(self) -> int:
        """Frames over which two windows are crossfaded."""
        return max(self.n_frames // 20, 2)

    @property
    def overlap_frames(self) -> int:
        """The least that neighbouring windows share."""
        return 2 * self.guard_frames + self.ramp_frames

    def starts(self, n_frames: int) -> list[int]:
        """First frames of the windows that cover `n_frames` frames, evenly spread."""
        if n_frames <= self.n_frames:
            return [0]
        step = self.n_frames - self.overlap_frames
        count = math.ceil((n_frames - self.overlap_frames) / step)
        return [index * (n_frames - self.n_frames) // (count - 1) for index in range(count)]

    def weights(self, n_frames: int, *, first: bool, last: bool) -> torch.Tensor:
        """How much each frame of a window counts in the blend, (n_frames,), 0 to 1."""
        frame = torch.arange(n_frames, dtype=torch.float32) + 0.5
        weights = torch.ones(n_frames)
        if not first:
            weights *= ((frame - self.guard_frames) / self.ramp_frames).clamp(0, 1)
        if not last:
            to_end = n_frames - frame
            weights *= ((to_end - self.guard_frames) / self.ramp_frames).clamp(0, 1)
        return weights


def to_speech(waveform: Waveform) -> torch.Tensor:
    """What a content network hears: one channel at 16 kHz.

    Returns:
        (n_samples,), float32, on the CPU.

    Raises:
        FeatureError: the sound is shorter than 20 ms.
    """
    speech = resample(waveform.mono(), SPEECH_RATE)
    if speech.n_samples < SPEECH_HOP:
        raise FeatureError(
            f"the sound lasts {waveform.duration_s * 1000:.1f} ms: content needs at least 20 ms"
        )
    return torch.from_numpy(speech.samples[0])


def encode_in_windows(
    samples: torch.Tensor,
    shape: tuple[int, int],
    run: Callable[[torch.Tensor], torch.Tensor],
    plan: WindowPlan,
    *,
    lookahead: int = 0,
) -> torch.Tensor:
    """Encode sound of any length, a window at a time.

    Args:
        samples: (n_samples,), 16 kHz.
        shape: (dim, n_frames) of the result.
        run: encodes (n_samples,) into (dim, n_frames); frame i must begin at sample
            `i * SPEECH_HOP` of what it is given.
        plan: how long the windows are.
        lookahead: samples beyond its last frame's hop that `run` needs to give that frame.

    Returns:
        (dim, n_frames).
    """
    _, n_frames = shape
    starts = plan.starts(n_frames)
    if len(starts) == 1:
        return run(samples)
    blend = torch.zeros(shape)
    total = torch.zeros(n_frames)
    for index, start in enumerate(starts):
        end = start + plan.n_frames
        window = run(samples[start * SPEECH_HOP : end * SPEECH_HOP + lookahead])
        weights = plan.weights(window.shape[-1], first=index == 0, last=index == len(starts) - 1)
        blend[:, start:end] += window * weights
        total[start:end] += weights
    return blend.div_(total)

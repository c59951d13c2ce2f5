"""A clip in memory, and pieces of it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

import torch

from ezrvc_features.frames import FrameSpec
from ezrvc_features.spectrogram import linear_spectrogram
from ezrvc_features.utterance import UtteranceFeatures

_FEATURES = ("content", "f0", "voiced", "volume", "spectrogram")


@dataclass(frozen=True, eq=False)
class TrainingClip:
    """What training needs of one clip (or of a piece of one).

    Attributes:
        name: its path relative to the experiment, which identifies it.
        speaker_id: row of the speaker table.
        features: content, f0, voiced and volume on the model's frames; the spectrogram may wait.
        audio: float32, (n_frames * hop_length,), at the model's rate.
        peak: largest sample of the whole clip, without sign; 1 where it was not measured.
        bandwidth_hz: above it the recording holds nothing; infinite where it was not measured.
    """

    name: str
    speaker_id: int
    features: UtteranceFeatures
    audio: torch.Tensor
    peak: float = 1.0
    bandwidth_hz: float = math.inf

    @property
    def n_frames(self) -> int:
        """How many frames."""
        return self.features.n_frames

    @property
    def n_bytes(self) -> int:
        """Memory its tensors take."""
        return sum(tensor.numel() * tensor.element_size() for tensor in self.tensors().values())

    def tensors(self) -> dict[str, torch.Tensor]:
        """Everything that takes memory, by name; `with_tensors` takes it back."""
        present = {name: getattr(self.features, name) for name in _FEATURES}
        kept = {name: tensor for name, tensor in present.items() if tensor is not None}
        return {"audio": self.audio, **kept}

    def with_tensors(self, tensors: Mapping[str, torch.Tensor]) -> Self:
        """The same clip with its tensors held elsewhere."""
        rest = {name: tensor for name, tensor in tensors.items() if name != "audio"}
        features = replace(self.features, **rest)
        return replace(self, audio=tensors["audio"], features=features)

    def part(self, start: int, end: int, frames: FrameSpec) -> Self:
        """Frames `start` up to `end`, without a copy."""
        whole = self.features
        features = UtteranceFeatures(
            content=whole.content[:, start:end],
            f0=whole.f0[start:end],
            voiced=whole.voiced[start:end],
            volume=whole.volume[start:end],
            spectrogram=None if whole.spectrogram is None else whole.spectrogram[:, start:end],
        )
        audio = self.audio[frames.n_samples(start) : frames.n_samples(end)]
        return replace(self, features=features, audio=audio)


def crop(
    clip: TrainingClip, start: int, n_frames: int, frames: FrameSpec, n_fft: int
) -> TrainingClip:
    """Frames `start` to `start + n_frames` of a clip, with their spectrogram.

    A spectrogram that the clip does not bring is computed here, from the piece and as much audio
    around it as its first and last window reach: the result is that of the whole clip.
    """
    end = min(start + n_frames, clip.n_frames)
    piece = clip.part(start, end, frames)
    if piece.features.spectrogram is not None:
        spectrogram = piece.features.spectrogram.float()
    else:
        spectrogram = _spectrogram_of_piece(clip, start, end, frames, n_fft)
    return replace(piece, features=replace(piece.features, spectrogram=spectrogram))


def amplify(clip: TrainingClip, gain: float) -> TrainingClip:
    """The clip as if it had been recorded `gain` times as loud."""
    whole = clip.features
    louder = replace(
        whole,
        volume=whole.volume * gain,
        spectrogram=None if whole.spectrogram is None else whole.spectrogram * gain,
    )
    return replace(clip, features=louder, audio=clip.audio * gain, peak=clip.peak * gain)


def _spectrogram_of_piece(
    clip: TrainingClip, start: int, end: int, frames: FrameSpec, n_fft: int
) -> torch.Tensor:
    reach = -(-(n_fft - frames.hop_length) // (2 * frames.hop_length))  # frames, rounded up
    first, last = max(start - reach, 0), min(end + reach, clip.n_frames)
    samples = clip.audio[frames.n_samples(first) : frames.n_samples(last)]
    wide = linear_spectrogram(samples[None], n_fft, frames.hop_length)[0]
    return wide[:, start - first : end - first]

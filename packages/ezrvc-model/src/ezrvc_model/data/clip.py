"""A clip in memory, and pieces of it."""

from dataclasses import dataclass, replace

import torch

from ezrvc_features.frames import FrameSpec
from ezrvc_features.spectrogram import linear_spectrogram
from ezrvc_features.utterance import UtteranceFeatures


@dataclass(frozen=True, eq=False)
class TrainingClip:
    """What training needs of one clip (or of a piece of one).

    Attributes:
        name: its path relative to the experiment, which identifies it.
        speaker_id: row of the speaker table.
        features: content, f0, voiced and volume on the model's frames; the spectrogram may wait.
        audio: float32, (n_frames * hop_length,), at the model's rate.
    """

    name: str
    speaker_id: int
    features: UtteranceFeatures
    audio: torch.Tensor

    @property
    def n_frames(self) -> int:
        """How many frames."""
        return self.features.n_frames

    @property
    def n_bytes(self) -> int:
        """Memory its tensors take."""
        kept = (self.audio, *_tensors(self.features))
        return sum(tensor.numel() * tensor.element_size() for tensor in kept)


def crop(
    clip: TrainingClip, start: int, n_frames: int, frames: FrameSpec, n_fft: int
) -> TrainingClip:
    """Frames `start` to `start + n_frames` of a clip, with their spectrogram.

    A spectrogram that the clip does not bring is computed here, from the piece and as much audio
    around it as its first and last window reach: the result is that of the whole clip.
    """
    end = min(start + n_frames, clip.n_frames)
    whole = clip.features
    if whole.spectrogram is not None:
        spectrogram = whole.spectrogram[:, start:end].float()
    else:
        spectrogram = _spectrogram_of_piece(clip, start, end, frames, n_fft)
    features = UtteranceFeatures(
        content=whole.content[:, start:end],
        f0=whole.f0[start:end],
        voiced=whole.voiced[start:end],
        volume=whole.volume[start:end],
        spectrogram=spectrogram,
    )
    audio = clip.audio[frames.n_samples(start) : frames.n_samples(end)]
    return replace(clip, features=features, audio=audio)


def amplify(clip: TrainingClip, gain: float) -> TrainingClip:
    """The clip as if it had been recorded `gain` times as loud."""
    whole = clip.features
    louder = replace(
        whole,
        volume=whole.volume * gain,
        spectrogram=None if whole.spectrogram is None else whole.spectrogram * gain,
    )
    return replace(clip, features=louder, audio=clip.audio * gain)


def _spectrogram_of_piece(
    clip: TrainingClip, start: int, end: int, frames: FrameSpec, n_fft: int
) -> torch.Tensor:
    reach = -(-(n_fft - frames.hop_length) // (2 * frames.hop_length))  # frames, rounded up
    first, last = max(start - reach, 0), min(end + reach, clip.n_frames)
    samples = clip.audio[frames.n_samples(first) : frames.n_samples(last)]
    wide = linear_spectrogram(samples[None], n_fft, frames.hop_length)[0]
    return wide[:, start - first : end - first]


def _tensors(features: UtteranceFeatures) -> list[torch.Tensor]:
    present = (
        features.content,
        features.f0,
        features.voiced,
        features.volume,
        features.spectrogram,
    )
    return [tensor for tensor in present if tensor is not None]

"""Pieces of clips as they are cut for one step, and laid together before they are analysed."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Self

import torch

from ezrvc_features.frames import FrameSpec
from ezrvc_features.spectrogram import linear_spectrogram, reflect_pad
from ezrvc_model.data.batch import Batch
from ezrvc_model.data.clip import TrainingClip, amplify
from ezrvc_model.synthesizer.masks import frame_mask


def reach_frames(hop_length: int, n_fft: int) -> int:
    """How many frames around a piece its first and last analysis window reach, rounded up."""
    return -(-(n_fft - hop_length) // (2 * hop_length))


@dataclass(frozen=True, eq=False)
class Piece:
    """A piece of a clip, not yet analysed.

    Attributes:
        clip: the features of the piece; its audio is that of the piece alone.
        samples: float32, the piece with `reach_frames` of audio to each side, reflected where the
            clip ends: (n_frames + 2 * reach) * hop_length samples.
        key: seeds the noise of this use of the clip, from 0 to 2**62.
    """

    clip: TrainingClip
    samples: torch.Tensor
    key: int

    def amplified(self, gain: float) -> Self:
        """The piece as if it had been recorded `gain` times as loud."""
        return replace(self, clip=amplify(self.clip, gain), samples=self.samples * gain)


def cut(
    clip: TrainingClip, start: int, n_frames: int, frames: FrameSpec, n_fft: int, key: int = 0
) -> Piece:
    """Frames `start` to `start + n_frames` of a clip, fewer where it ends before."""
    end = min(start + n_frames, clip.n_frames)
    reach = reach_frames(frames.hop_length, n_fft)
    first, last = start - reach, end + reach
    inside = clip.audio[
        frames.n_samples(max(first, 0)) : frames.n_samples(min(last, clip.n_frames))
    ]
    missing = (max(-first, 0), max(last - clip.n_frames, 0))
    if any(missing):
        inside = reflect_pad(inside[None], *(frames.n_samples(count) for count in missing))[0]
    return Piece(clip.part(start, end, frames), inside, key)


@dataclass(frozen=True, eq=False)
class Pieces:
    """The pieces of one step, filled up with zeros behind, before their spectrogram is taken.

    Attributes:
        content: float32 or float16, (batch, content_dim, n_frames).
        f0: float32, (batch, n_frames), Hz.
        voiced: float32, (batch, n_frames).
        volume: float32, (batch, n_frames).
        samples: float32, (batch, (n_frames + 2 * reach) * hop_length).
        speaker: int64, (batch,).
        lengths: int64, (batch,), frames.
        bandwidth_hz: float32, (batch,).
        keys: int64, (batch,), see `Piece.key`.
    """

    content: torch.Tensor
    f0: torch.Tensor
    voiced: torch.Tensor
    volume: torch.Tensor
    samples: torch.Tensor
    speaker: torch.Tensor
    lengths: torch.Tensor
    bandwidth_hz: torch.Tensor
    keys: torch.Tensor

    def to(self, device: torch.device) -> Self:
        """The same on another device; from pinned memory the copy does not wait."""
        moved = {
            field.name: getattr(self, field.name).to(device, non_blocking=True)
            for field in fields(self)
        }
        return type(self)(**moved)

    def pin_memory(self) -> Self:
        """What is on no device yet, in page-locked memory; `DataLoader(pin_memory=True)` calls."""
        tensors: dict[str, torch.Tensor] = {
            field.name: getattr(self, field.name) for field in fields(self)
        }
        pinned = {
            name: tensor.pin_memory() if tensor.device.type == "cpu" else tensor
            for name, tensor in tensors.items()
        }
        return type(self)(**pinned)

    def analyse(self, frames: FrameSpec, n_fft: int) -> Batch:
        """The batch with its spectrogram, computed where the pieces are.

        Each piece's spectrogram is that of its whole clip: the audio around it is at hand.
        """
        reach, n_frames = reach_frames(frames.hop_length, n_fft), self.content.shape[2]
        wide = linear_spectrogram(self.samples, n_fft, frames.hop_length)
        mask = frame_mask(self.lengths, n_frames, wide.dtype)
        edge = frames.n_samples(reach)
        audio = self.samples[:, None, edge : edge + frames.n_samples(n_frames)]
        return Batch(
            content=self.content.float(),
            f0=self.f0,
            voiced=self.voiced,
            volume=self.volume,
            spectrogram=wide[:, :, reach : reach + n_frames] * mask,
            audio=audio * mask.repeat_interleave(frames.hop_length, dim=2),
            speaker=self.speaker,
            lengths=self.lengths,
            bandwidth_hz=self.bandwidth_hz,
            keys=self.keys,
        )


def lay_together(pieces: Sequence[Piece], hop_length: int, n_frames: int) -> Pieces:
    """Lay pieces together, filled up to `n_frames` frames (the longest piece has no more)."""
    clips = [piece.clip for piece in pieces]
    features = [clip.features for clip in clips]
    longest = max(piece.clip.n_frames for piece in pieces)
    around = max(piece.samples.shape[0] for piece in pieces) - longest * hop_length
    return Pieces(
        content=_filled_up([each.content for each in features], n_frames),
        f0=_filled_up([each.f0 for each in features], n_frames),
        voiced=_filled_up([each.voiced for each in features], n_frames),
        volume=_filled_up([each.volume for each in features], n_frames),
        samples=_filled_up([each.samples for each in pieces], n_frames * hop_length + around),
        speaker=torch.tensor([clip.speaker_id for clip in clips]),
        lengths=torch.tensor([clip.n_frames for clip in clips]),
        bandwidth_hz=torch.tensor([clip.bandwidth_hz for clip in clips]),
        keys=torch.tensor([piece.key for piece in pieces]),
    )


def bucket(n_frames: int, max_frames: int, n_buckets: int = 8) -> int:
    """The smallest of a few lengths, evenly spaced up to `max_frames`, that holds `n_frames`.

    A handful of shapes lets libraries choose their kernels once, and memory be reused.
    """
    width = -(-max_frames // n_buckets)
    return max(min(-(-n_frames // width) * width, max_frames), n_frames)


def _filled_up(tensors: Sequence[torch.Tensor], length: int) -> torch.Tensor:
    first = tensors[0]
    filled = first.new_zeros(len(tensors), *first.shape[:-1], length)
    for row, tensor in zip(filled, tensors, strict=True):
        row[..., : tensor.shape[-1]] = tensor
    return filled

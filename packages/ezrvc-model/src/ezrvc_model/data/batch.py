"""Several pieces of clips laid together."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Self

import torch
from torch.nn.functional import pad

from ezrvc_model.data.clip import TrainingClip


@dataclass(frozen=True, eq=False)
class Batch:
    """Pieces of clips of one training step; shorter ones are filled up with zeros behind.

    Attributes:
        content: float32, (batch, content_dim, n_frames).
        f0: float32, (batch, n_frames), Hz.
        voiced: float32, (batch, n_frames), 1 where voiced, else 0.
        volume: float32, (batch, n_frames), frame RMS.
        spectrogram: float32, (batch, n_bins, n_frames), linear magnitudes.
        audio: float32, (batch, 1, n_frames * hop_length).
        speaker: int64, (batch,), rows of the speaker table.
        lengths: int64, (batch,), frames of each piece before filling up.
    """

    content: torch.Tensor
    f0: torch.Tensor
    voiced: torch.Tensor
    volume: torch.Tensor
    spectrogram: torch.Tensor
    audio: torch.Tensor
    speaker: torch.Tensor
    lengths: torch.Tensor

    @property
    def size(self) -> int:
        """How many pieces."""
        return self.content.shape[0]

    def to(self, device: torch.device) -> Self:
        """The batch on another device; from pinned memory the copy does not wait."""
        moved = {
            field.name: getattr(self, field.name).to(device, non_blocking=True)
            for field in fields(self)
        }
        return type(self)(**moved)

    def pin_memory(self) -> Self:
        """The batch in page-locked memory (what `DataLoader(pin_memory=True)` calls)."""
        pinned = {field.name: getattr(self, field.name).pin_memory() for field in fields(self)}
        return type(self)(**pinned)


def collate(pieces: Sequence[TrainingClip], hop_length: int) -> Batch:
    """Lay pieces together, as long as the longest.

    Raises:
        ValueError: a piece has no spectrogram (`crop` gives it one).
    """
    n_frames = max(piece.n_frames for piece in pieces)
    features = [piece.features for piece in pieces]
    spectrograms = [each.spectrogram for each in features if each.spectrogram is not None]
    if len(spectrograms) != len(pieces):
        raise ValueError("every piece of a batch needs its spectrogram")
    return Batch(
        content=_filled_up([each.content for each in features], n_frames),
        f0=_filled_up([each.f0 for each in features], n_frames),
        voiced=_filled_up([each.voiced for each in features], n_frames),
        volume=_filled_up([each.volume for each in features], n_frames),
        spectrogram=_filled_up(spectrograms, n_frames),
        audio=_filled_up([piece.audio[None] for piece in pieces], n_frames * hop_length),
        speaker=torch.tensor([piece.speaker_id for piece in pieces]),
        lengths=torch.tensor([piece.n_frames for piece in pieces]),
    )


def _filled_up(tensors: Sequence[torch.Tensor], length: int) -> torch.Tensor:
    return torch.stack([pad(tensor, (0, length - tensor.shape[-1])) for tensor in tensors])

"""What one training step sees."""

from dataclasses import dataclass

import torch


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
        bandwidth_hz: float32, (batch,), above which the recording holds nothing.
        keys: int64, (batch,), which seed the noise of each piece.
    """

    content: torch.Tensor
    f0: torch.Tensor
    voiced: torch.Tensor
    volume: torch.Tensor
    spectrogram: torch.Tensor
    audio: torch.Tensor
    speaker: torch.Tensor
    lengths: torch.Tensor
    bandwidth_hz: torch.Tensor
    keys: torch.Tensor

    @property
    def size(self) -> int:
        """How many pieces."""
        return self.content.shape[0]

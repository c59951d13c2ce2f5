"""What the network is told about each frame, and about the speaker, as vectors."""

import torch
from torch import nn

from ezrvc_model.config import SynthesizerConfig
from ezrvc_model.convolution import Conv1d
from ezrvc_model.errors import ModelError


class ContentEmbedding(nn.Module):
    """Content, voicing and volume of each frame as one vector."""

    def __init__(self, config: SynthesizerConfig) -> None:
        super().__init__()
        self.mask_padding = config.mask_padding
        channels, kernel_size = config.hidden_channels, config.content_kernel_size
        self.projection = Conv1d(
            config.content_dim, channels, kernel_size, padding=kernel_size // 2
        )
        self.voiced = nn.Embedding(2, channels) if config.voiced_embedding else None
        self.volume = nn.Linear(1, channels) if config.volume_embedding else None

    def forward(
        self,
        content: torch.Tensor,
        voiced: torch.Tensor,
        volume: torch.Tensor | None,
        mask: torch.Tensor,
    ) -> torch.Tensor:
        """Embed frames.

        Args:
            content: (batch, content_dim, n_frames).
            voiced: (batch, n_frames), 1 or 0.
            volume: (batch, n_frames) frame RMS; needed only by models that know volume.
            mask: (batch, 1, n_frames).

        Returns:
            (batch, hidden_channels, n_frames).

        Raises:
            ModelError: the model knows volume and none was given.
        """
        x = self.projection(content * mask if self.mask_padding else content) * mask
        if self.voiced is not None:
            x = x + self.voiced(voiced.long()).transpose(1, 2)
        if self.volume is not None:
            if volume is None:
                raise ModelError("this voice was trained with volume: pass the frames' volume")
            x = x + self.volume(volume.unsqueeze(2)).transpose(1, 2)
        return x


class SpeakerEmbedding(nn.Module):
    """A table of speakers, which can be mixed."""

    def __init__(self, n_speakers: int, speaker_dim: int) -> None:
        super().__init__()
        self.table = nn.Embedding(n_speakers, speaker_dim)

    def forward(self, speaker: torch.Tensor) -> torch.Tensor:
        """Look speakers up, or mix them.

        Args:
            speaker: rows of the table, (batch,) int64; or weights, (batch, n_speakers), or one
                set of weights for each frame, (batch, n_speakers, n_frames), floating point.

        Returns:
            (batch, speaker_dim, 1), or (batch, speaker_dim, n_frames) for weights by frame.

        Raises:
            ModelError: the shape fits neither rows nor weights.
        """
        if not speaker.is_floating_point():
            if speaker.ndim != 1:
                raise ModelError(f"speaker rows must be (batch,), got {tuple(speaker.shape)}")
            return self.table(speaker).unsqueeze(2)
        if speaker.ndim not in (2, 3) or speaker.shape[1] != self.table.num_embeddings:
            raise ModelError(
                f"speaker weights must be (batch, {self.table.num_embeddings}) or "
                f"(batch, {self.table.num_embeddings}, n_frames), got {tuple(speaker.shape)}"
            )
        weights = speaker.unsqueeze(2) if speaker.ndim == 2 else speaker
        return self.table.weight.t() @ weights.to(self.table.weight.dtype)

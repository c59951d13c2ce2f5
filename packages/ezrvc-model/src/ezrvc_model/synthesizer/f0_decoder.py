"""A melody for spoken content: F0 as the target speaker would have used it."""

import torch
from torch import nn

from ezrvc_model.config import SynthesizerConfig
from ezrvc_model.convolution import Conv1d
from ezrvc_model.synthesizer.transformer import StackShape, Transformer

KERNEL_SIZE = 3


class F0Decoder(nn.Module):
    """Predicts F0 from content, the shape of the given melody, and the speaker.

    It learns beside the rest and never steers it: what it reads is cut off from their gradients.
    """

    def __init__(self, config: SynthesizerConfig) -> None:
        super().__init__()
        self.mask_padding = config.mask_padding
        channels = config.hidden_channels
        self.input = Conv1d(channels, channels, KERNEL_SIZE, padding=KERNEL_SIZE // 2)
        self.melody = Conv1d(1, channels, KERNEL_SIZE, padding=KERNEL_SIZE // 2)
        self.speaker = Conv1d(config.speaker_dim, channels, 1)
        shape = StackShape(
            channels,
            config.filter_channels,
            config.n_heads,
            config.n_layers,
            config.kernel_size,
            config.dropout,
        )
        self.transformer = Transformer(shape, causal=True)
        self.output = Conv1d(channels, 1, 1)

    def forward(
        self, x: torch.Tensor, melody: torch.Tensor, mask: torch.Tensor, speaker: torch.Tensor
    ) -> torch.Tensor:
        """Predict.

        Args:
            x: embedded content, (batch, hidden_channels, n_frames).
            melody: centred log F0, (batch, n_frames).
            mask: (batch, 1, n_frames).
            speaker: (batch, speaker_dim, 1 or n_frames).

        Returns:
            Log F0 (see `log_f0`), (batch, n_frames).
        """
        x = x.detach() + self.speaker(speaker.detach()) + self.melody(melody.unsqueeze(1))
        x = self.input(x * mask if self.mask_padding else x) * mask
        return (self.output(self.transformer(x, mask)) * mask).squeeze(1)

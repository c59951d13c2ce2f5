"""From what is said and sung to a distribution of latents that no speaker colours yet."""

import math
from typing import Literal

import torch
from torch import nn
from torch.nn import functional

from ezrvc_features.f0.quantization import N_COARSE_BINS, coarse_f0
from ezrvc_model.config import SynthesizerConfig
from ezrvc_model.convolution import Conv1d
from ezrvc_model.synthesizer.gaussian import Gaussian
from ezrvc_model.synthesizer.transformer import StackShape, Transformer


class PriorEncoder(nn.Module):
    """Adds pitch to the embedded content and encodes it: p(z | content, F0)."""

    def __init__(self, config: SynthesizerConfig) -> None:
        super().__init__()
        channels = config.hidden_channels
        self.pitch = nn.Embedding(N_COARSE_BINS, channels) if config.pitch_embedding else None
        self.pitch_overflow: Literal["clamp", "zero"] = config.pitch_overflow
        self.embedding_scale = math.sqrt(channels) if config.scaled_embedding else None
        shape = StackShape(
            channels,
            config.filter_channels,
            config.n_heads,
            config.n_layers,
            config.kernel_size,
            config.dropout,
        )
        self.transformer = Transformer(shape, window=config.attention_window)
        self.statistics = Conv1d(channels, 2 * config.inter_channels, 1)

    def forward(self, x: torch.Tensor, f0: torch.Tensor, mask: torch.Tensor) -> Gaussian:
        """Encode frames.

        Args:
            x: embedded content, (batch, hidden_channels, n_frames).
            f0: (batch, n_frames), Hz.
            mask: (batch, 1, n_frames).
        """
        if self.pitch is not None:
            classes = coarse_f0(f0, overflow=self.pitch_overflow)
            x = x + self.pitch(classes).transpose(1, 2)
        if self.embedding_scale is not None:
            x = functional.leaky_relu(x * self.embedding_scale, 0.1)
        x = self.transformer(x, mask)
        return Gaussian.from_statistics(self.statistics(x) * mask)

"""Stacks of attention and feed-forward layers over frames."""

from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional

from ezrvc_model.convolution import Conv1d
from ezrvc_model.synthesizer.attention import MultiHeadAttention
from ezrvc_model.synthesizer.gating import gated
from ezrvc_model.weight_norm import normalised


class StackShape(NamedTuple):
    """The numbers of a stack of layers."""

    channels: int
    filter_channels: int
    n_heads: int
    n_layers: int
    kernel_size: int
    dropout: float


class ChannelNorm(nn.LayerNorm):
    """Layer normalisation over the channels of (batch, channels, n_frames)."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Normalise each frame."""
        return super().forward(input.transpose(1, 2)).transpose(1, 2)


class FeedForward(nn.Module):
    """Two convolutions with a ReLU between, over neighbouring or only over earlier frames."""

    def __init__(
        self,
        channels: int,
        filter_channels: int,
        kernel_size: int,
        dropout: float,
        *,
        causal: bool,
    ) -> None:
        super().__init__()
        before = kernel_size - 1 if causal else (kernel_size - 1) // 2
        after = kernel_size - 1 - before
        # convolutions pad both sides alike; only what is needed beyond that costs a copy
        self.padding = (before - after, 0) if before > after else (0, after - before)
        both = min(before, after)
        self.expand = Conv1d(channels, filter_channels, kernel_size, padding=both)
        self.contract = Conv1d(filter_channels, channels, kernel_size, padding=both)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """(batch, channels, n_frames) to the same; padded frames come out as 0."""
        x = self.expand(self._padded(x * mask)).relu()
        # in the type of x, as the next layer reads it: 0 and 1 are exact in every type
        return self.contract(self._padded(self.dropout(x) * mask.to(x.dtype))) * mask

    def _padded(self, x: torch.Tensor) -> torch.Tensor:
        # padding keeps the order in memory of four axes, not of three
        return functional.pad(x.unsqueeze(2), self.padding).squeeze(2) if any(self.padding) else x


class TransformerLayer(nn.Module):
    """Attention, then feed-forward, each added to its input and normalised after."""

    def __init__(self, shape: StackShape, *, window: int | None, causal: bool) -> None:
        super().__init__()
        self.attention = MultiHeadAttention(
            shape.channels, shape.n_heads, shape.dropout, window=window, causal=causal
        )
        self.attention_norm = ChannelNorm(shape.channels)
        self.feed_forward = FeedForward(
            shape.channels, shape.filter_channels, shape.kernel_size, shape.dropout, causal=causal
        )
        self.feed_forward_norm = ChannelNorm(shape.channels)
        self.dropout = nn.Dropout(shape.dropout)

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """(batch, channels, n_frames) to the same."""
        x = self.attention_norm(x + self.dropout(self.attention(x, mask)))
        return self.feed_forward_norm(x + self.dropout(self.feed_forward(x, mask)))


class Transformer(nn.Module):
    """Layers over frames: the prior's encoder, the F0 decoder, or the inside of a coupling.

    Args:
        shape: the numbers of the stack.
        window: relative positions known to each side (not with `causal`).
        causal: whether frames see only earlier ones.
        speaker_dim: if given, each layer's input passes a gate that the speaker opens.
    """

    def __init__(
        self,
        shape: StackShape,
        *,
        window: int | None = None,
        causal: bool = False,
        speaker_dim: int | None = None,
    ) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            TransformerLayer(shape, window=window, causal=causal) for _ in range(shape.n_layers)
        )
        self.gate = self.speaker = None
        if speaker_dim is not None:
            self.gate = Conv1d(shape.channels, 2 * shape.channels, 1)
            self.speaker = normalised(Conv1d(speaker_dim, 2 * shape.channels * shape.n_layers, 1))

    def forward(
        self, x: torch.Tensor, mask: torch.Tensor, speaker: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Encode frames.

        Args:
            x: (batch, channels, n_frames).
            mask: (batch, 1, n_frames).
            speaker: (batch, speaker_dim, 1 or n_frames), where the stack is steered by one.

        Returns:
            (batch, channels, n_frames), 0 at padded frames.
        """
        x = x * mask
        steering = [None] * len(self.layers)
        if self.speaker is not None and speaker is not None:
            steering = self.speaker(speaker).chunk(len(self.layers), dim=1)
        for layer, steer in zip(self.layers, steering, strict=True):
            if self.gate is not None:
                x = gated(self.gate(x) + steer)
            x = layer(x, mask)
        return x * mask

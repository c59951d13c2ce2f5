"""The WaveNet of VITS: gated convolutions steered by a speaker, with residual and skip paths."""

import torch
from torch import nn

from ezrvc_model.convolution import Conv1d, split_channels
from ezrvc_model.synthesizer.gating import gated
from ezrvc_model.weight_norm import normalised


class DepthwiseSeparableConv(nn.Module):
    """One convolution over frames for each channel, then one over channels for each frame."""

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int) -> None:
        super().__init__()
        self.depthwise = normalised(
            Conv1d(
                in_channels, in_channels, kernel_size, padding=kernel_size // 2, groups=in_channels
            )
        )
        self.pointwise = normalised(Conv1d(in_channels, out_channels, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(batch, in_channels, n_frames) to (batch, out_channels, n_frames)."""
        return self.pointwise(self.depthwise(x))


class WaveNet(nn.Module):
    """Gated residual convolutions (without dilation) over frames.

    Kim, Kong and Son, "Conditional Variational Autoencoder with Adversarial Learning for
    End-to-End Text-to-Speech" (VITS, 2021), after Prenger et al., "WaveGlow" (2018).

    Args:
        channels: of input and output.
        kernel_size: of each convolution, frames; odd.
        n_layers: how many.
        speaker_dim: of the speaker vectors.
        depthwise: whether the convolutions are depthwise separable.
    """

    def __init__(
        self,
        channels: int,
        kernel_size: int,
        n_layers: int,
        speaker_dim: int,
        *,
        depthwise: bool = False,
    ) -> None:
        super().__init__()
        self.channels = channels

        def convolution() -> nn.Module:
            if depthwise:
                return DepthwiseSeparableConv(channels, 2 * channels, kernel_size)
            return normalised(Conv1d(channels, 2 * channels, kernel_size, padding=kernel_size // 2))

        self.convolutions = nn.ModuleList(convolution() for _ in range(n_layers))
        # the last layer has no residual path
        self.projections = nn.ModuleList(
            normalised(Conv1d(channels, channels if last else 2 * channels, 1))
            for last in [False] * (n_layers - 1) + [True]
        )
        self.speaker = normalised(Conv1d(speaker_dim, 2 * channels * n_layers, 1))

    def forward(self, x: torch.Tensor, mask: torch.Tensor, speaker: torch.Tensor) -> torch.Tensor:
        """Filter frames.

        Args:
            x: (batch, channels, n_frames).
            mask: (batch, 1, n_frames).
            speaker: (batch, speaker_dim, 1 or n_frames).

        Returns:
            The sum of the skip paths, (batch, channels, n_frames), 0 at padded frames.
        """
        steering = self.speaker(speaker).chunk(len(self.convolutions), dim=1)
        layers = zip(self.convolutions, self.projections, steering, strict=True)
        skipped: torch.Tensor | None = None
        for convolution, projection, steer in layers:
            projected = projection(gated(convolution(x) + steer))
            *residual, skip = split_channels(projected, self.channels)
            skipped = skip if skipped is None else skipped + skip
            if residual:
                x = (x + residual[0]) * mask
        assert skipped is not None
        return skipped * mask

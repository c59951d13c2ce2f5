"""What every HuBERT has, whoever trained or pruned it.

Hsu et al., "HuBERT: Self-Supervised Speech Representation Learning by Masked Prediction of Hidden
Units" (2021); the convolutions are those of wav2vec 2.0.
"""

import torch
from torch import nn

KERNELS_AND_STRIDES = ((10, 5), (3, 2), (3, 2), (3, 2), (3, 2), (2, 2), (2, 2))
"""Of the convolutions, in frames of the layer before."""
FIELD = 400
"""Samples that they compute a frame from; the next frame begins 320 samples later."""
HEAD_CHANNELS = 64
"""Of one attention head, in all published sizes."""


class PositionalEmbedding(nn.Module):
    """What a wide grouped convolution says about where a frame is.

    Args:
        hidden: width of the transformer.
        kernel: frames that the convolution spans.
        groups: into which its channels are split.
    """

    def __init__(self, hidden: int, kernel: int, groups: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(hidden, hidden, kernel, padding=kernel // 2, groups=groups)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """What is to be added, (batch, n_frames, hidden), from features of the same shape."""
        positions = self.conv(features.mT)[..., : features.shape[1]]
        return nn.functional.gelu(positions).mT

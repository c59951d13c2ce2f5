"""A discriminator of spectrograms."""

import torch
from torch import nn
from torch.nn import functional

from ezrvc_features.spectrogram import linear_spectrogram
from ezrvc_model.convolution import Conv2d
from ezrvc_model.weight_norm import normalised

CHANNELS = 32
SLOPE = 0.1


class ResolutionDiscriminator(nn.Module):
    """Looks at the magnitudes of one short-time Fourier transform.

    Jang et al., "UnivNet" (2021). Several with different transforms see what no single one shows.

    Args:
        n_fft: points of the transform and of its window.
        hop_length: samples from one frame to the next.
        narrowing: divides the channels of every layer.
    """

    def __init__(self, n_fft: int, hop_length: int, *, narrowing: int = 1) -> None:
        super().__init__()
        self.n_fft = n_fft
        self.hop_length = hop_length
        width = max(CHANNELS // narrowing, 1)
        shapes = [(1, (3, 9), (1, 1))] + [(width, (3, 9), (1, 2))] * 3
        shapes.append((width, (3, 3), (1, 1)))
        self.convolutions = nn.ModuleList(
            normalised(
                Conv2d(channels, width, kernel, stride, padding=(kernel[0] // 2, kernel[1] // 2))
            )
            for channels, kernel, stride in shapes
        )
        self.output = normalised(Conv2d(width, 1, (3, 3), padding=(1, 1)))

    def forward(self, audio: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """Logits (batch, n_logits) and feature maps of audio (batch, 1, n_samples)."""
        magnitudes = linear_spectrogram(audio[:, 0], self.n_fft, self.hop_length)
        x = magnitudes.transpose(1, 2).unsqueeze(1)  # (batch, 1, n_frames, n_bins)
        maps: list[torch.Tensor] = []
        for convolution in self.convolutions:
            x = functional.leaky_relu(convolution(x), SLOPE)
            maps.append(x)
        x = self.output(x)
        maps.append(x)
        return x.flatten(1), maps

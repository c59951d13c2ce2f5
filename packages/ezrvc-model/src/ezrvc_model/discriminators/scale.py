"""A discriminator of the samples as they follow each other."""

from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional

from ezrvc_model.weight_norm import normalised

SLOPE = 0.1


class _Layer(NamedTuple):
    in_channels: int
    out_channels: int
    kernel_size: int
    stride: int
    groups: int


LAYERS = (
    _Layer(1, 16, 15, 1, 1),
    _Layer(16, 64, 41, 4, 4),
    _Layer(64, 256, 41, 4, 16),
    _Layer(256, 1024, 41, 4, 64),
    _Layer(1024, 1024, 41, 4, 256),
    _Layer(1024, 1024, 5, 1, 1),
)


class ScaleDiscriminator(nn.Module):
    """Grouped convolutions with growing strides, at the full rate.

    Kumar et al., "MelGAN" (2019), in the form of VITS.
    """

    def __init__(self) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(
            normalised(
                nn.Conv1d(
                    layer.in_channels,
                    layer.out_channels,
                    layer.kernel_size,
                    layer.stride,
                    padding=layer.kernel_size // 2,
                    groups=layer.groups,
                )
            )
            for layer in LAYERS
        )
        self.output = normalised(nn.Conv1d(LAYERS[-1].out_channels, 1, 3, padding=1))

    def forward(self, audio: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """Logits (batch, n_logits) and feature maps of audio (batch, 1, n_samples)."""
        x = audio
        maps: list[torch.Tensor] = []
        for convolution in self.convolutions:
            x = functional.leaky_relu(convolution(x), SLOPE)
            maps.append(x)
        x = self.output(x)
        maps.append(x)
        return x.flatten(1), maps

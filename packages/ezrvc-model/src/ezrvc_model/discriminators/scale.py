"""A discriminator of the samples as they follow each other."""

import math
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional

from ezrvc_model.convolution import Conv1d
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

    Args:
        narrowing: divides the channels of every layer; groups become fewer where they must.
    """

    def __init__(self, *, narrowing: int = 1) -> None:
        super().__init__()
        layers = [_narrowed(layer, narrowing) for layer in LAYERS]
        self.convolutions = nn.ModuleList(
            normalised(
                Conv1d(
                    layer.in_channels,
                    layer.out_channels,
                    layer.kernel_size,
                    layer.stride,
                    padding=layer.kernel_size // 2,
                    groups=layer.groups,
                )
            )
            for layer in layers
        )
        self.output = normalised(Conv1d(layers[-1].out_channels, 1, 3, padding=1))

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


def _narrowed(layer: _Layer, narrowing: int) -> _Layer:
    in_channels = 1 if layer.in_channels == 1 else max(layer.in_channels // narrowing, 1)
    out_channels = max(layer.out_channels // narrowing, 1)
    groups = math.gcd(layer.groups, in_channels, out_channels)
    return layer._replace(in_channels=in_channels, out_channels=out_channels, groups=groups)

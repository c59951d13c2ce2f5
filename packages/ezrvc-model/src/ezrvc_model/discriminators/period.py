"""A discriminator of equally spaced samples."""

import torch
from torch import nn
from torch.nn import functional

from ezrvc_features.spectrogram import reflect_pad
from ezrvc_model.convolution import Conv2d
from ezrvc_model.weight_norm import normalised

CHANNELS = (1, 32, 128, 512, 1024, 1024)
KERNEL_SIZE = 5
STRIDE = 3
SLOPE = 0.1


class PeriodDiscriminator(nn.Module):
    """Folds the samples into columns of one period each and looks along the rows.

    Kong, Kim and Bae, "HiFi-GAN" (2020), section 2.3.

    Args:
        period: samples of a column.
        narrowing: divides the channels of every layer.
    """

    def __init__(self, period: int, *, narrowing: int = 1) -> None:
        super().__init__()
        self.period = period
        channels = (1, *(max(width // narrowing, 1) for width in CHANNELS[1:]))
        strides = [STRIDE] * (len(CHANNELS) - 2) + [1]
        self.convolutions = nn.ModuleList(
            normalised(
                Conv2d(
                    in_channels,
                    out_channels,
                    (KERNEL_SIZE, 1),
                    (stride, 1),
                    padding=(KERNEL_SIZE // 2, 0),
                )
            )
            for in_channels, out_channels, stride in zip(
                channels, channels[1:], strides, strict=False
            )
        )
        self.output = normalised(Conv2d(channels[-1], 1, (3, 1), padding=(1, 0)))

    def forward(self, audio: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """Logits (batch, n_logits) and feature maps of audio (batch, 1, n_samples)."""
        missing = -audio.shape[2] % self.period
        x = reflect_pad(audio, 0, missing) if missing else audio
        x = x.unflatten(2, (-1, self.period))
        maps: list[torch.Tensor] = []
        for convolution in self.convolutions:
            x = functional.leaky_relu(convolution(x), SLOPE)
            maps.append(x)
        x = self.output(x)
        maps.append(x)
        return x.flatten(1), maps

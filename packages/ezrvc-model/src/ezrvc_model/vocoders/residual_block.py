"""The residual blocks of HiFi-GAN."""

from collections.abc import Callable
from typing import cast

import torch
from torch import nn

from ezrvc_model.convolution import Conv1d
from ezrvc_model.vocoders.activations import AntialiasedSnake, LeakyReLU
from ezrvc_model.weight_norm import normalised

Activation = LeakyReLU | AntialiasedSnake


class ResidualBlock(nn.Module):
    """Dilated convolutions, each added to its input.

    Kong, Kim and Bae, "HiFi-GAN" (2020): block 1 follows each dilated convolution by an undilated
    one (`paired`), block 2 does not.

    Args:
        channels: of input and output.
        kernel_size: odd.
        dilations: of the convolutions, in order.
        paired: whether each is followed by an undilated one.
        activation: makes the activation before each convolution.
    """

    def __init__(
        self,
        channels: int,
        kernel_size: int,
        dilations: tuple[int, ...],
        *,
        paired: bool,
        activation: Callable[[int], Activation],
    ) -> None:
        super().__init__()

        def convolution(dilation: int) -> Conv1d:
            padding = dilation * (kernel_size // 2)
            return normalised(
                Conv1d(channels, channels, kernel_size, dilation=dilation, padding=padding)
            )

        self.dilated = nn.ModuleList(convolution(dilation) for dilation in dilations)
        self.dilated_activations = nn.ModuleList(activation(channels) for _ in dilations)
        followers = dilations if paired else ()
        self.undilated = nn.ModuleList(convolution(1) for _ in followers)
        self.undilated_activations = nn.ModuleList(activation(channels) for _ in followers)
        for follower in self.undilated_activations:
            if isinstance(follower, LeakyReLU):
                follower.inplace = True
        n_convolved = sum(dilations) + len(followers)
        n_activations = len(dilations) + len(followers)
        self.reach = n_convolved * (kernel_size // 2) + n_activations * activation(1).reach

    def pairs(self) -> list[tuple[Activation, Conv1d]]:
        """Each convolution with the activation before it."""
        activations = [*self.dilated_activations, *self.undilated_activations]
        convolutions = [*self.dilated, *self.undilated]
        return cast(
            list[tuple[Activation, Conv1d]], list(zip(activations, convolutions, strict=True))
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(batch, channels, n_samples) to the same."""
        for index, dilated in enumerate(self.dilated):
            change = dilated(self.dilated_activations[index](x))
            if self.undilated:
                change = self.undilated[index](self.undilated_activations[index](change))
            # what a convolution gave is nobody else's: adding into it saves an array
            x = change.add_(x) if change.dtype == x.dtype else x + change
        return x

"""Convolutions that can compute with the channels of a step side by side in memory.

Kernels for matrix units of GPUs want that order; one-dimensional convolutions of the framework lay
their input out the other way around, and each then costs two more passes over memory. The classes
here are the framework's own until `compute_channels_last` turns them: names, weights and what is
saved stay as they are, and so does what is computed, but for the order of sums.
"""

from typing import cast

import torch
from torch import nn
from torch.nn import functional

ALIGNMENT = 8
"""Channels of layers that are turned are multiples of it: kernels for matrix units ask for that."""

SINGLE_CHANNEL_PRODUCTS = True
"""Whether layers that read one channel become products of windows and a matrix as well."""


def compute_channels_last(network: nn.Module) -> None:
    """Let the convolutions of a network compute in that order from now on.

    Layers with one channel, or a number of them that is no multiple of `ALIGNMENT`, stay as they
    are, and so do groups, but for those with a stride of several steps: see `fold_steps`.
    """
    for layer in network.modules():
        if not isinstance(layer, Conv1d | ConvTranspose1d | Conv2d):
            continue
        aligned = layer.in_channels % ALIGNMENT == layer.out_channels % ALIGNMENT == 0
        if isinstance(layer, Conv1d):
            layer.folded = layer.groups > 1 and _can_fold(layer)
            layer.as_product = SINGLE_CHANNEL_PRODUCTS and _reads_one_channel(layer)
        layer.channels_last = (aligned and layer.groups == 1) or _is_folded(layer)


class Conv1d(nn.Conv1d):
    """The framework's, that can compute channels-last."""

    channels_last = False
    as_product = False
    folded = False

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """(batch, in_channels, n_steps) to (batch, out_channels, n_steps)."""
        if self.as_product:
            return _window_product(self, input)
        if not self.channels_last:
            return super().forward(input)
        if self.folded:
            return _folded_convolution(self, input)
        if self._is_pointwise:
            steps = input.transpose(1, 2)[:, :: self.stride[0]]
            return functional.linear(steps, self.weight.squeeze(2), self.bias).transpose(1, 2)
        if self._skips_steps:
            return _convolution_of_columns(self, input)
        y = functional.conv2d(
            input.unsqueeze(2),
            _laid_out(_cast(self.weight).unsqueeze(2)),
            self.bias,
            (1, self.stride[0]),
            (0, cast(int, self.padding[0])),
            (1, self.dilation[0]),
            self.groups,
        )
        return y.squeeze(2)

    @property
    def _skips_steps(self) -> bool:
        """Whether what a step meets lies whole rows away, if rows are as long as the dilation."""
        rows = cast(int, self.padding[0]) % self.dilation[0] == 0
        return rows and self.dilation[0] > 1 and (self.stride[0], self.groups) == (1, 1)

    @property
    def _is_pointwise(self) -> bool:
        """Whether steps are multiplied by a matrix, and nothing else."""
        return (self.kernel_size[0], self.padding[0], self.groups) == (1, 0, 1)


class ConvTranspose1d(nn.ConvTranspose1d):
    """The framework's, that can compute channels-last."""

    channels_last = False

    def forward(self, input: torch.Tensor, output_size: list[int] | None = None) -> torch.Tensor:
        """(batch, in_channels, n_steps) to (batch, out_channels, n_steps * stride), about."""
        if not self.channels_last or output_size is not None:
            return super().forward(input, output_size)
        y = functional.conv_transpose2d(
            input.unsqueeze(2),
            _laid_out(_cast(self.weight).unsqueeze(2)),
            self.bias,
            (1, self.stride[0]),
            (0, cast(int, self.padding[0])),
            (0, self.output_padding[0]),
            self.groups,
            (1, self.dilation[0]),
        )
        return y.squeeze(2)


class Conv2d(nn.Conv2d):
    """The framework's, that can compute channels-last."""

    channels_last = False

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """(batch, in_channels, height, width) to (batch, out_channels, height, width)."""
        if not self.channels_last:
            return super().forward(input)
        return self._conv_forward(input, _laid_out(_cast(self.weight)), self.bias)


def fold_steps(weight: torch.Tensor, groups: int, stride: int) -> torch.Tensor:
    """The weight of the same convolution without stride or groups, on steps that are folded.

    As many steps as the stride has become one of so many times the channels (Shi et al., "Real-Time
    Single Image and Video Super-Resolution", 2016, the other way around), and groups become one
    with zeros between them. That is more to multiply, and faster: libraries compute groups of few
    channels one after the other, and have no kernels for matrix units for long filters.

    Args:
        weight: (out_channels, in_channels / groups, kernel_size).
        groups: of the convolution.
        stride: of it.

    Returns:
        (out_channels, n_taps, stride * in_channels), zeros where the kernel ends before the taps.
    """
    missing = -weight.shape[2] % stride
    blocks = functional.pad(weight, (0, missing)).unflatten(0, (groups, -1)).transpose(2, 3)
    apart = torch.eye(groups, dtype=weight.dtype, device=weight.device)
    # (groups, out, kernel, in) to (groups, out, kernel, groups, in)
    whole = blocks.unsqueeze(3) * apart.view(groups, 1, 1, groups, 1)
    return whole.flatten(3).flatten(0, 1).unflatten(1, (-1, stride)).flatten(2)


def split_channels(x: torch.Tensor, size: int) -> tuple[torch.Tensor, ...]:
    """Pieces of `size` channels of (batch, channels, n_steps), whose gradients lie as `x` does."""
    if x.stride(1) != 1:
        return x.split(size, dim=1)
    return tuple(piece.transpose(1, 2) for piece in x.transpose(1, 2).split(size, dim=2))


def _is_folded(layer: nn.Module) -> bool:
    return isinstance(layer, Conv1d) and layer.folded


def _can_fold(layer: Conv1d) -> bool:
    """Whether folding steps is of use to a layer, and leaves aligned numbers of channels."""
    stride = layer.stride[0]
    aligned = stride * layer.in_channels % ALIGNMENT == layer.out_channels % ALIGNMENT == 0
    return stride > 1 and layer.dilation[0] == 1 and aligned


def _folded_convolution(layer: Conv1d, x: torch.Tensor) -> torch.Tensor:
    """(batch, in_channels, n_steps) to (batch, out_channels, n_steps / stride), about."""
    stride, before = layer.stride[0], cast(int, layer.padding[0])
    weight = fold_steps(_cast(layer.weight), layer.groups, stride)
    n_out = (x.shape[2] + 2 * before - layer.kernel_size[0]) // stride + 1
    n_folded = n_out + weight.shape[1] - 1
    after = n_folded * stride - before - x.shape[2]
    steps = functional.pad(x.transpose(1, 2), (0, 0, before, after))
    folded = steps.reshape(len(x), n_folded, stride * layer.in_channels)
    y = functional.conv2d(
        folded.transpose(1, 2).unsqueeze(2), weight.transpose(1, 2).unsqueeze(2), layer.bias
    )
    return y.squeeze(2)


def _convolution_of_columns(layer: Conv1d, x: torch.Tensor) -> torch.Tensor:
    """(batch, in_channels, n_steps) to (batch, out_channels, n_steps), about.

    Steps are written in rows as long as the dilation, and columns filtered without any: cuDNN's
    kernels for the gradient of a dilated filter take up to twenty times as long.
    """
    width, n_steps = layer.dilation[0], x.shape[2]
    rows_before = cast(int, layer.padding[0]) // width
    n_out = n_steps + (2 * rows_before - layer.kernel_size[0] + 1) * width
    steps, missing = x.transpose(1, 2), -n_steps % width
    if missing:
        steps = functional.pad(steps, (0, 0, 0, missing))
    rows = steps.unflatten(1, (-1, width)).permute(0, 3, 1, 2)
    weight = _laid_out(_cast(layer.weight).unsqueeze(3))
    y = functional.conv2d(rows, weight, layer.bias, padding=(rows_before, 0))
    return y.permute(0, 2, 3, 1).flatten(1, 2)[:, :n_out].transpose(1, 2)


def _reads_one_channel(layer: Conv1d) -> bool:
    """Whether windows of a single channel are multiplied by a matrix with aligned columns."""
    several = layer.kernel_size[0] > 1 and layer.out_channels % ALIGNMENT == 0
    return layer.in_channels == 1 and layer.dilation[0] == 1 and several


def _window_product(layer: Conv1d, x: torch.Tensor) -> torch.Tensor:
    """What a layer that `_reads_one_channel` computes, (batch, 1, n_steps) to (batch, ...).

    Windows are as long as alignment asks for, the matrix ends in zeros.
    """
    x, weight = _cast(x[:, 0]), _cast(layer.weight).flatten(1)
    length, stride, before = layer.kernel_size[0], layer.stride[0], cast(int, layer.padding[0])
    n_windows = (x.shape[1] + 2 * before - length) // stride + 1
    window = -(-length // ALIGNMENT) * ALIGNMENT
    after = max((n_windows - 1) * stride + window - x.shape[1] - before, 0)
    windows = functional.pad(x, (before, after)).unfold(1, window, stride)[:, :n_windows]
    weight = functional.pad(weight, (0, window - length))
    return functional.linear(windows, weight, layer.bias).transpose(1, 2)


def _cast(weight: torch.Tensor) -> torch.Tensor:
    """In the type that autocast chooses, before it is laid out anew: half the memory to move."""
    kind = weight.device.type
    return weight.to(torch.get_autocast_dtype(kind)) if torch.is_autocast_enabled(kind) else weight


def _laid_out(weight: torch.Tensor) -> torch.Tensor:
    return weight.contiguous(memory_format=torch.channels_last)

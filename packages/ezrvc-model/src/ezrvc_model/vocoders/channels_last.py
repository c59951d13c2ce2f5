"""A vocoder whose convolutions find the channels of a sample side by side in memory.

The arithmetic is the same; only the order in memory differs, which two-dimensional convolutions
let one choose and one-dimensional ones do not.
"""

import copy

import torch
from torch import nn
from torch.nn import functional

from ezrvc_model.vocoders.activations import LeakyReLU
from ezrvc_model.vocoders.hifigan import HiFiGAN


def in_channels_last(vocoder: HiFiGAN) -> HiFiGAN:
    """A frozen vocoder that computes within its stages in that order.

    Its weights are those of the vocoder, whose values stay, and whose order in memory changes.

    Vocoders with Snake stay as they are: their filters work on rows of samples, and turning the
    signal around for each of them costs what the convolutions gain.
    """
    if not isinstance(vocoder.activation, LeakyReLU):
        return vocoder
    # the layers are new, their weights are the vocoder's own: large models exist once in memory
    turned = copy.deepcopy(vocoder, {id(weight): weight for weight in vocoder.parameters()})
    for layer in list(turned.stages.modules()):
        for name, child in layer.named_children():
            if isinstance(child, nn.Conv1d | nn.ConvTranspose1d):
                setattr(layer, name, ChannelsLastConvolution(child))
    return turned


class ChannelsLastConvolution(nn.Module):
    """What a one-dimensional convolution computes, (batch, channels, n_samples) to the same.

    Args:
        convolution: plain or transposed; its weights are shared, and laid out anew.
    """

    def __init__(self, convolution: nn.Conv1d | nn.ConvTranspose1d) -> None:
        super().__init__()
        self.transposed = isinstance(convolution, nn.ConvTranspose1d)
        self.kernel_size, self.stride = convolution.kernel_size, convolution.stride
        self.padding = int(convolution.padding[0])
        self.dilation = convolution.dilation
        weight = convolution.weight
        weight.data = weight.data.transpose(1, 2).contiguous().transpose(1, 2)
        self.weight = weight
        self.bias = convolution.bias

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(batch, in_channels, n_samples) to (batch, out_channels, n_samples)."""
        x, weight = x.unsqueeze(2), self.weight.unsqueeze(2)
        stride, padding, dilation = (1, self.stride[0]), (0, self.padding), (1, self.dilation[0])
        if self.transposed:
            y = functional.conv_transpose2d(
                x, weight, self.bias, stride, padding, dilation=dilation
            )
        else:
            y = functional.conv2d(x, weight, self.bias, stride, padding, dilation)
        return y.squeeze(2)

"""Running a vocoder over long input: block by block, in the device's best type and memory order.

In a narrow type only the convolutions within the stages compute, which is nearly all the work;
their results are added up in single precision, and the first and last layers stay in it, so that
the error does not grow from stage to stage.
"""

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from ezrvc_device.precision import convolution_dtype, convolves_channels_last
from ezrvc_model.vocoders.activations import AntialiasedSnake, LeakyReLU
from ezrvc_model.vocoders.channels_last import ChannelsLastConvolution, in_channels_last
from ezrvc_model.vocoders.hifigan import HiFiGAN
from ezrvc_model.vocoders.residual_block import ResidualBlock

CPU_BLOCK_FRAMES = 96
"""What keeps the widest layers of the largest models within a processor's cache."""
DEVICE_BLOCK_FRAMES = 8192
"""What keeps memory bounded on accelerators."""
LEAST_NARROW_CHANNELS = 16
"""Smaller convolutions stay in single precision: they gain nothing, and their errors, being close
to the output, weigh most."""
_CONVOLUTIONS = (nn.Conv1d, nn.ConvTranspose1d, ChannelsLastConvolution)


class BlockwiseDecoder:
    """A frozen vocoder, run over stretches of frames that join without seams.

    It is no module: what it keeps (the weights in another type or order) is not part of any state.

    Args:
        vocoder: its weights must not change any more.
        block_frames: frames of a block; None: what suits the device.
    """

    def __init__(self, vocoder: HiFiGAN, block_frames: int | None = None) -> None:
        self.vocoder = vocoder
        self.block_frames = block_frames
        self._copies: dict[tuple[torch.device, torch.dtype], HiFiGAN] = {}

    def __call__(
        self,
        x: torch.Tensor,
        source: torch.Tensor | None,
        speaker: torch.Tensor | None,
        *,
        fp32: bool = False,
    ) -> torch.Tensor:
        """Make samples, as `HiFiGAN.forward`, in float32.

        Args:
            x: (batch, in_channels, n_frames).
            source: (batch, 1, n_samples).
            speaker: (batch, speaker_dim, 1 or n_frames).
            fp32: whether the convolutions must stay in single precision.
        """
        dtype = torch.float32 if fp32 else convolution_dtype(x.device)
        vocoder = self._in(x.device, dtype)
        on_cpu = x.device.type == "cpu"
        size = self.block_frames or (CPU_BLOCK_FRAMES if on_cpu else DEVICE_BLOCK_FRAMES)
        n_frames = x.shape[2]
        blocks = [
            vocoder.stretch(x, source, speaker, start, min(start + size, n_frames))
            for start in range(0, n_frames, size)
        ]
        return blocks[0] if len(blocks) == 1 else torch.cat(blocks, dim=2)

    def forget_copies(self) -> None:
        """Drop the weights kept in another type or order, because the weights were replaced."""
        self._copies.clear()

    def _in(self, device: torch.device, dtype: torch.dtype) -> HiFiGAN:
        """The vocoder with weights as the device likes them; copies are made once."""
        channels_last = convolves_channels_last(device)
        if dtype == torch.float32 and not channels_last:
            return self.vocoder
        if (device, dtype) not in self._copies:
            self._copies[device, dtype] = (
                in_channels_last(self.vocoder)
                if dtype == torch.float32
                else _narrowed(self.vocoder, dtype, channels_last=channels_last)
            )
        return self._copies[device, dtype]


def _narrowed(vocoder: HiFiGAN, dtype: torch.dtype, *, channels_last: bool) -> HiFiGAN:
    """A copy whose convolutions within the stages compute in a narrow type."""
    narrow = in_channels_last(vocoder) if channels_last else vocoder
    if narrow is vocoder:
        # weights that stay as they are exist once in memory
        narrow = copy.deepcopy(vocoder, {id(weight): weight for weight in vocoder.parameters()})
    for name, layer in narrow.stages.named_modules():
        if not isinstance(layer, _CONVOLUTIONS) or name.endswith(".source"):
            continue
        if min(layer.weight.shape[:2]) >= LEAST_NARROW_CHANNELS:
            for kind, weight in list(layer.named_parameters(recurse=False)):
                setattr(layer, kind, nn.Parameter(weight.detach().to(dtype), requires_grad=False))
    for layer in narrow.modules():
        if isinstance(layer, (*_CONVOLUTIONS, AntialiasedSnake)):
            layer.register_forward_pre_hook(_given_in(next(layer.parameters()).dtype))
        elif isinstance(layer, ResidualBlock):
            for activation, convolution in layer.pairs():
                if isinstance(activation, LeakyReLU):  # the convolution will narrow it anyway
                    activation.register_forward_pre_hook(_given_in(convolution.weight.dtype))
    return narrow


def _given_in(dtype: torch.dtype) -> Callable[[nn.Module, tuple[Any, ...]], tuple[Any, ...]]:
    """A hook that turns what a layer is given into a type."""
    return lambda _, given: (given[0].to(dtype), *given[1:])

"""HiFi-GAN, with or without a sine source: frames of a latent or of a mel become samples."""

import math
from collections.abc import Iterable
from functools import partial
from typing import cast

import torch
from torch import nn

from ezrvc_model.config import DecoderConfig
from ezrvc_model.convolution import Conv1d, ConvTranspose1d
from ezrvc_model.vocoders.activations import AntialiasedSnake, LeakyReLU
from ezrvc_model.vocoders.residual_block import Activation, ResidualBlock
from ezrvc_model.vocoders.sine_source import source_deviation
from ezrvc_model.weight_norm import normalised, scale_weight

END_KERNEL_SIZE = 7
SLOPE = 0.1
_FIRST_LOUDNESS = 0.1


class UpsamplingStage(nn.Module):
    """Raises the rate, adds the source at that rate, and filters.

    Args:
        config: of the decoder.
        index: which stage of it, from 0.
    """

    def __init__(self, config: DecoderConfig, index: int) -> None:
        super().__init__()
        rate, kernel_size = config.upsample_rates[index], config.upsample_kernel_sizes[index]
        in_channels = config.upsample_initial_channels // 2**index
        channels = in_channels // 2
        activation = partial(_activation, config)
        self.rate = rate
        self.activation = activation(in_channels)
        self.upsample = normalised(
            ConvTranspose1d(
                in_channels, channels, kernel_size, rate, padding=(kernel_size - rate) // 2
            )
        )
        self.samples_per_step = math.prod(config.upsample_rates[index + 1 :])
        """Samples of the source for each step of this stage."""
        self.source = None
        if config.has_source:
            self.source = _source_projection(
                channels, self.samples_per_step, source_deviation(config.n_harmonics)
            )
        self.blocks = nn.ModuleList(
            ResidualBlock(
                channels,
                size,
                dilations,
                paired=config.paired_convolutions,
                activation=activation,
            )
            for size, dilations in zip(
                config.resblock_kernel_sizes, config.resblock_dilations, strict=True
            )
        )

    @torch.no_grad()
    def begin_smoothly(self) -> None:
        """Let the transposed convolution begin as interpolation along straight lines.

        Begun at random it gives every step of its input the same pattern of samples, a tone at the
        rate of frames that is louder than the source (Aitken et al., "Checkerboard artifact free
        sub-pixel convolution", 2017). Channels stay mixed at random, with the deviation they had.
        """
        weight = self.upsample.weight
        size = weight.shape[2]
        tap = torch.arange(size, device=weight.device) - (size - 1) / 2
        line = (1 - tap.abs() / self.rate).clamp(min=0)
        scale = (size / line.square().sum()).sqrt()
        self.upsample.weight = torch.randn_like(weight[..., :1]) * weight.std() * scale * line

    def forward(self, x: torch.Tensor, source: torch.Tensor | None) -> torch.Tensor:
        """(batch, in_channels, n_steps) to (batch, channels, n_steps * rate)."""
        x = self.upsample(self.activation(x))
        if self.source is not None and source is not None:
            x = x + self.source(source)
        filtered = self.blocks[0](x)
        for block in self.blocks[1:]:
            filtered.add_(block(x))
        return filtered.div_(len(self.blocks))

    def reach(self, beyond: int) -> int:
        """Steps of input needed to each side of a stretch.

        Args:
            beyond: steps of output needed to each side of it.
        """
        # the source's convolution meets the cut edge of its input: one step of output more
        output = (
            beyond + max(block.reach for block in cast(Iterable[ResidualBlock], self.blocks)) + 1
        )
        kernel_size = self.upsample.kernel_size[0]
        return math.ceil((output + kernel_size) / self.rate) + self.activation.reach


class HiFiGAN(nn.Module):
    """A stack of upsampling stages between two convolutions.

    Kong, Kim and Bae, "HiFi-GAN" (2020). With a source it is the neural source-filter variant of
    so-vits-svc and DiffSinger; the source is given as samples (see `SineSource`).

    Args:
        config: its numbers.
        in_channels: of the frames.
        speaker_dim: of the speaker vectors that steer it; None: nothing does.
    """

    def __init__(
        self, config: DecoderConfig, in_channels: int, speaker_dim: int | None = None
    ) -> None:
        super().__init__()
        self.hop_length = config.hop_length
        channels = config.upsample_initial_channels
        last_channels = channels // 2 ** len(config.upsample_rates)
        padding = END_KERNEL_SIZE // 2
        end = normalised if config.normalised_ends else _as_it_is
        self.input = end(Conv1d(in_channels, channels, END_KERNEL_SIZE, padding=padding))
        self.speaker = None if speaker_dim is None else Conv1d(speaker_dim, channels, 1)
        self.stages = nn.ModuleList(
            UpsamplingStage(config, index) for index in range(len(config.upsample_rates))
        )
        # HiFi-GAN leaves the slope of its last activation at the default of its framework
        self.activation = _activation(config, last_channels, slope=0.01)
        self.output = end(
            Conv1d(last_channels, 1, END_KERNEL_SIZE, padding=padding, bias=config.output_bias)
        )

    def begin_quietly(self) -> None:
        """Turn down what the decoder gives before training, so that it has to learn to be louder.

        Noise that begins louder than speech has to become quieter, and the fastest way to that is a
        constant at full deflection: a mel spectrogram hardly shows it, and tanh lets no gradient
        lead back.
        """
        for stage in self.stages:
            assert isinstance(stage, UpsamplingStage)
            stage.begin_smoothly()
        scale_weight(self.output, _FIRST_LOUDNESS)
        if self.output.bias is not None:
            nn.init.zeros_(self.output.bias)

    def forward(
        self,
        x: torch.Tensor,
        source: torch.Tensor | None = None,
        speaker: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Make samples.

        Args:
            x: (batch, in_channels, n_frames).
            source: (batch, 1, n_samples), for configurations that have one.
            speaker: (batch, speaker_dim, 1 or n_frames).

        Returns:
            (batch, 1, n_frames * hop_length), within -1 and 1.
        """
        return self.stretch(x, source, speaker, 0, x.shape[2])

    def stretch(
        self,
        x: torch.Tensor,
        source: torch.Tensor | None,
        speaker: torch.Tensor | None,
        start: int,
        end: int,
    ) -> torch.Tensor:
        """The samples of frames `start` to `end`, the same as cut from the whole.

        Each layer computes just the frames that later layers will ask for beyond the stretch.

        Args:
            x: (batch, in_channels, n_frames), the whole.
            source: (batch, 1, n_samples), the whole.
            speaker: (batch, speaker_dim, 1 or n_frames), the whole.
            start: first frame.
            end: frame after the last.

        Returns:
            (batch, 1, (end - start) * hop_length).
        """
        window = _Window(start, end, x.shape[2])
        reaches = self._reaches()
        low, high = window.at(1, reaches[0] + END_KERNEL_SIZE // 2)
        h = self.input(_cut(x, low, high))
        if self.speaker is not None and speaker is not None:
            steering = speaker if speaker.shape[2] == 1 else _cut(speaker, low, high)
            h = h + self.speaker(steering)
        steps_per_frame = 1
        for stage, reach, next_reach in zip(self._stages(), reaches, reaches[1:], strict=False):
            wanted = window.at(steps_per_frame, reach)
            h, low, high = _cut(h, wanted[0] - low, wanted[1] - low), *wanted
            low, high = low * stage.rate, high * stage.rate
            steps_per_frame *= stage.rate
            step = stage.samples_per_step
            part = None if source is None else _cut(source, low * step, high * step)
            h = stage(h, part)
            wanted = window.at(steps_per_frame, next_reach)
            h, low, high = _cut(h, wanted[0] - low, wanted[1] - low), *wanted
        audio = self.output(self.activation(h)).tanh()
        first, last = window.at(steps_per_frame, 0)
        return _cut(audio, first - low, last - low)

    @property
    def reach(self) -> int:
        """Frames to each side of a frame that its samples depend on."""
        return self._reaches()[0] + END_KERNEL_SIZE // 2

    def _stages(self) -> list[UpsamplingStage]:
        return list(cast(Iterable[UpsamplingStage], self.stages))

    def _reaches(self) -> list[int]:
        """Steps needed beyond a stretch: at the input of each stage, then of the last layers."""
        reaches = [self.activation.reach + END_KERNEL_SIZE // 2]
        for stage in reversed(self._stages()):
            reaches.insert(0, stage.reach(reaches[0]))
        return reaches


class _Window:
    """A stretch of frames within a whole, counted at any rate."""

    def __init__(self, start: int, end: int, n_frames: int) -> None:
        self.start, self.end, self.n_frames = start, end, n_frames

    def at(self, steps_per_frame: int, beyond: int) -> tuple[int, int]:
        """First step and step after the last, with `beyond` steps to each side that exist."""
        low = max(self.start * steps_per_frame - beyond, 0)
        return low, min(self.end * steps_per_frame + beyond, self.n_frames * steps_per_frame)


def _cut(x: torch.Tensor, low: int, high: int) -> torch.Tensor:
    """Steps `low` to `high` of (batch, channels, n_steps)."""
    # a whole is not cut, because an exported graph could not know that it stays whole
    return x if (low, high) == (0, x.shape[2]) else x[:, :, low:high]


def _activation(config: DecoderConfig, channels: int, slope: float = SLOPE) -> Activation:
    return AntialiasedSnake(channels) if config.has_snake else LeakyReLU(slope)


def _source_projection(channels: int, samples_per_step: int, deviation: float) -> Conv1d:
    """Brings the source to a stage's rate; before training with a deviation of one.

    At the framework's scale the source is lost beside the frames, and a decoder spends thousands
    of steps buzzing at the frame rate before it finds the pitch.
    """
    if samples_per_step == 1:
        projection = Conv1d(1, channels, 1)
    else:
        projection = Conv1d(
            1,
            channels,
            2 * samples_per_step,
            stride=samples_per_step,
            padding=(samples_per_step + 1) // 2,
        )
    nn.init.normal_(projection.weight, std=1 / (deviation * math.sqrt(projection.kernel_size[0])))
    return projection


def _as_it_is(layer: Conv1d) -> Conv1d:
    return layer

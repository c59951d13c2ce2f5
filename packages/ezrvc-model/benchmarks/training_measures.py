"""Measures that make training fast, taken away one by one, and some that might make it faster.

Each is a context in which networks are made and trained. They reach into the trainer's modules,
which nothing but a benchmark may do.
"""

import contextlib
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager
from typing import Any
from unittest import mock

import torch
from torch import nn

from ezrvc_features.spectrogram import spectrogram_to_mel
from ezrvc_model import convolution
from ezrvc_model.discriminators.discriminator import Discriminator
from ezrvc_model.losses.mel import mel_loss, mel_spec
from ezrvc_model.noise import Noise
from ezrvc_model.training import generator_step, state
from ezrvc_model.training.optimizers import make_optimizer
from ezrvc_model.vocoders.sine_source import (
    NOISE_DEVIATION,
    SINE_AMPLITUDE,
    Excitation,
    SineSource,
)


def _plain_optimizer() -> AbstractContextManager[Any]:
    """AdamW parameter by parameter."""

    def plain(*arguments: Any) -> torch.optim.AdamW:
        optimizer = make_optimizer(*arguments)
        for group in (*optimizer.param_groups, optimizer.defaults):
            group |= {"fused": False, "foreach": False}
        return optimizer

    return mock.patch.object(state, "make_optimizer", plain)


@contextlib.contextmanager
def _read_norms() -> Generator[None]:
    """The norm of each gradient by itself, brought to the host."""

    def norms(gradients: list[torch.Tensor]) -> list[torch.Tensor]:
        read = [float(gradient.norm()) for gradient in gradients]
        return list(torch.tensor(read, device=gradients[0].device).unbind())

    with mock.patch.object(torch, "_foreach_norm", norms):
        yield


def _not_frozen() -> AbstractContextManager[Any]:
    """Discriminators get gradients in the generator's step, which nobody uses."""
    return mock.patch.object(state.Learner, "frozen", return_value=contextlib.nullcontext())


def _scanned_source() -> AbstractContextManager[Any]:
    """Phases of the source added up sample by sample."""

    def scanned(
        self: SineSource, f0: torch.Tensor, *, start_phase: object = None, noise: Noise
    ) -> Excitation:
        curve = f0.float().repeat_interleave(self.hop_length, dim=1).unsqueeze(2)
        partials = torch.arange(1, self.n_partials + 1, device=f0.device)
        phases = (curve * partials / self.sample_rate % 1).cumsum(dim=1)
        sines = torch.sin(phases * (2 * torch.pi)) * SINE_AMPLITUDE
        hiss = noise.normal(phases.shape, phases)
        waves = torch.where(curve > 0, sines + hiss * NOISE_DEVIATION, hiss * (SINE_AMPLITUDE / 3))
        return Excitation(self.mix(waves).tanh().transpose(1, 2), phases[:, -1])

    return mock.patch.object(SineSource, "forward", scanned)


def _whole_mel() -> AbstractContextManager[Any]:
    """The recordings' mel of whole clips, of which a slice is compared."""

    def whole(output: Any, spectrogram: torch.Tensor, config: Any, **rest: Any) -> torch.Tensor:
        spectrogram_to_mel(spectrogram, mel_spec(config))
        return mel_loss(output, spectrogram, config, **rest)

    return mock.patch.object(generator_step, "mel_loss", whole)


@contextlib.contextmanager
def _no_tf32() -> Generator[None]:
    """Convolutions and matrix products in whole single precision."""
    with torch.backends.cudnn.flags(allow_tf32=False):
        yield


@contextlib.contextmanager
def _tf32_products() -> Generator[None]:
    """Matrix products of single precision with TF32, as convolutions have it anyway."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


@contextlib.contextmanager
def _cudnn_benchmark() -> Generator[None]:
    """Let cuDNN try its algorithms; every shape is the same here."""
    before = torch.backends.cudnn.benchmark
    torch.backends.cudnn.benchmark = True
    try:
        yield
    finally:
        torch.backends.cudnn.benchmark = before


def _parts_turned(
    choose: Callable[[nn.Module], list[nn.Module]],
) -> Callable[[], AbstractContextManager[Any]]:
    """Other parts of the players have the channels side by side."""
    return lambda: mock.patch.object(
        state, "channels_last_parts", lambda network, **_: choose(network)
    )


def _channels_last_in_single() -> AbstractContextManager[Any]:
    """The channels side by side in single precision too."""
    return mock.patch.object(state, "computes_in_half", return_value=True)


def _no_columns() -> AbstractContextManager[Any]:
    """Dilated filters are left to cuDNN."""
    return mock.patch.object(convolution.Conv1d, "_skips_steps", False)


def _no_products() -> AbstractContextManager[Any]:
    """Layers that read one channel are convolutions as all others."""
    return mock.patch.object(convolution, "SINGLE_CHANNEL_PRODUCTS", False)


MEASURES: Mapping[str, Callable[[], AbstractContextManager[Any]]] = {
    "without fused optimiser": _plain_optimizer,
    "without fused norms": _read_norms,
    "without frozen discriminators": _not_frozen,
    "without closed-form source": _scanned_source,
    "without cropping the mel": _whole_mel,
    "without TF32": _no_tf32,
    "with TF32 products": _tf32_products,
    "with cudnn.benchmark": _cudnn_benchmark,
    "without channels last": _parts_turned(lambda _: []),
    "with channels last in discriminators": _parts_turned(
        lambda network: [network] if isinstance(network, Discriminator) else []
    ),
    "with channels last everywhere": _parts_turned(lambda network: [network]),
    "with channels last in fp32": _channels_last_in_single,
    "without products of single channels": _no_products,
    "without columns": _no_columns,
}
ON_THE_DEVICE = tuple(name for name in MEASURES if "channels" in name)
"""Those that change what the device does, and show best where it is the limit."""
WHEN_COMPILED = ("without columns",)
"""Those that make a difference to compiled networks only, and take minutes each."""

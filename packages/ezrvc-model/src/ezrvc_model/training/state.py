"""Everything that changes while a voice is trained."""

import functools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import torch
from lightning.fabric import Fabric
from torch import nn

from ezrvc_model.config import SynthesizerConfig, TrainConfig
from ezrvc_model.convolution import compute_channels_last
from ezrvc_model.discriminators.discriminator import Discriminator
from ezrvc_model.discriminators.scale import ScaleDiscriminator
from ezrvc_model.errors import ModelError
from ezrvc_model.synthesizer.synthesizer import Synthesizer
from ezrvc_model.training.checkpoint import TrainedNetwork
from ezrvc_model.training.fabric import FieldsOf, computes_in_half
from ezrvc_model.training.optimizers import make_optimizer


@dataclass(eq=False)
class Learner:
    """A network, its optimiser, and both as Fabric runs them.

    Attributes:
        network: the network itself.
        optimizer: of its parameters.
        run: the network in the run's precision; gives the fields of its answer as a tuple.
        alone: the same without precision, and without the other processes: for passes that leave
            the network as it is.
        stepper: the optimiser in the run's precision.
        gradient_norms: of each parameter that had a gradient in the last step, on the device.
    """

    network: nn.Module
    optimizer: torch.optim.Optimizer
    run: Any
    alone: Any
    stepper: Any
    gradient_norms: torch.Tensor | None = None

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """While entered, the network's parameters get no gradients."""
        self.network.requires_grad_(False)
        try:
            yield
        finally:
            self.network.requires_grad_(True)


@dataclass(eq=False)
class TrainingState:
    """Both players and how far they are.

    Attributes:
        fabric: device, precision and processes.
        generator: the synthesizer.
        discriminator: its opponent.
        step: finished steps.
        rate_factor: of the learning rate; below 1 once the run has gone back to a good state.
    """

    fabric: Fabric
    generator: Learner
    discriminator: Learner
    step: int = 0
    rate_factor: float = 1.0

    @property
    def synthesizer(self) -> Synthesizer:
        """The generator's network."""
        return cast(Synthesizer, self.generator.network)

    @property
    def opponent(self) -> Discriminator:
        """The discriminator's network."""
        return cast(Discriminator, self.discriminator.network)

    @property
    def networks(self) -> Mapping[str, TrainedNetwork]:
        """What a checkpoint holds in tensors."""
        learners = {"generator": self.generator, "discriminator": self.discriminator}
        return {
            name: TrainedNetwork(learner.network, learner.optimizer)
            for name, learner in learners.items()
        }

    def set_learning_rate(self, rate: float) -> None:
        """Let both optimisers take steps of this size, times `rate_factor`."""
        for group in self._groups:
            if isinstance(group["lr"], torch.Tensor):
                group["lr"].fill_(rate * self.rate_factor)
            else:
                group["lr"] = rate * self.rate_factor

    def keep_learning_rate_in_tensors(self) -> None:
        """Let steps read the learning rate from the device, where a recording finds new ones."""
        for group in self._groups:
            group["lr"] = torch.tensor(float(group["lr"]), device=self.fabric.device)

    @contextmanager
    def capturable(self) -> Iterator[None]:
        """While entered, the optimisers take it for granted that their steps are recorded."""
        for group in self._groups:
            group["capturable"] = True
        try:
            yield
        finally:
            for group in self._groups:
                group["capturable"] = False

    @property
    def _groups(self) -> list[dict[str, Any]]:
        learners = (self.generator, self.discriminator)
        return [group for learner in learners for group in learner.optimizer.param_groups]


def new_state(fabric: Fabric, model: SynthesizerConfig, settings: TrainConfig) -> TrainingState:
    """Both players with fresh weights (from the global generator), on the device of `fabric`."""
    learner = functools.partial(_learner, fabric, settings)
    generator, discriminator = fresh_networks(model, settings)
    return TrainingState(fabric, learner(generator), learner(discriminator))


def begin_anew(state: TrainingState, model: SynthesizerConfig, settings: TrainConfig) -> None:
    """Give both players fresh weights (from the global generator), in place."""
    learners = (state.generator, state.discriminator)
    for learner, network in zip(learners, fresh_networks(model, settings), strict=True):
        learner.network.load_state_dict(network.state_dict())
        learner.optimizer.state.clear()
    state.step = 0


def fresh_networks(
    model: SynthesizerConfig, settings: TrainConfig
) -> tuple[Synthesizer, Discriminator]:
    """Generator and discriminator with fresh weights from the global random generator."""
    opponent = settings.discriminator
    generator = Synthesizer(model)
    generator.decoder.begin_quietly()
    discriminator = Discriminator(
        opponent.periods, opponent.resolutions, narrowing=opponent.resolved_narrowing
    )
    return generator, discriminator


def check_compiles(device: torch.device) -> None:
    """Make sure that networks are compiled on this kind of device.

    Raises:
        ModelError: they are not.
    """
    if device.type != "cuda":
        raise ModelError(
            f"train.compile is for CUDA devices, this run is on {device}: leave it out"
        )


def channels_last_parts(network: nn.Module, *, compiled: bool) -> list[nn.Module]:
    """What of a player is faster with the channels side by side: see docs/training-on-a-gpu.md.

    A compiler fuses what is done to the signal between convolutions, so all of them can have it in
    the order that they want.
    """
    if compiled:
        return [network]
    return [each for each in network.modules() if isinstance(each, ScaleDiscriminator)]


def _learner(fabric: Fabric, settings: TrainConfig, network: nn.Module) -> Learner:
    network.to(fabric.device).train()
    if fabric.device.type == "cuda" and computes_in_half(fabric):
        for part in channels_last_parts(network, compiled=settings.compile):
            compute_channels_last(part)
    optimizer = make_optimizer(network, settings, fabric)
    runner: Any = FieldsOf(network)
    if settings.compile:
        check_compiles(fabric.device)
        runner = torch.compile(runner, dynamic=not settings.fixed_length)
    run, stepper = fabric.setup(runner, optimizer, _reapply_compile=False)
    return Learner(network, optimizer, run, runner, stepper)

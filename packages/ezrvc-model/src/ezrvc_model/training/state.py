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
from ezrvc_model.discriminators.discriminator import Discriminator
from ezrvc_model.synthesizer.synthesizer import Synthesizer
from ezrvc_model.training.checkpoint import TrainedNetwork
from ezrvc_model.training.fabric import FieldsOf
from ezrvc_model.training.optimizers import make_optimizer


@dataclass(eq=False)
class Learner:
    """A network, its optimiser, and both as Fabric runs them.

    Attributes:
        network: the network itself.
        optimizer: of its parameters.
        run: the network in the run's precision; gives the fields of its answer as a tuple.
        stepper: the optimiser in the run's precision.
    """

    network: nn.Module
    optimizer: torch.optim.Optimizer
    run: Any
    stepper: Any

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
    """

    fabric: Fabric
    generator: Learner
    discriminator: Learner
    step: int = 0

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
        """Let both optimisers take steps of this size."""
        for learner in (self.generator, self.discriminator):
            for group in learner.optimizer.param_groups:
                group["lr"] = rate


def new_state(fabric: Fabric, model: SynthesizerConfig, settings: TrainConfig) -> TrainingState:
    """Both players with fresh weights (from the global generator), on the device of `fabric`."""
    opponent = settings.discriminator
    generator = Synthesizer(model)
    discriminator = Discriminator(
        opponent.periods, opponent.resolutions, narrowing=opponent.narrowing
    )
    learner = functools.partial(_learner, fabric, settings)
    return TrainingState(fabric, learner(generator), learner(discriminator))


def _learner(fabric: Fabric, settings: TrainConfig, network: nn.Module) -> Learner:
    network.to(fabric.device).train()
    optimizer = make_optimizer(network, settings, fabric)
    run, stepper = fabric.setup(FieldsOf(network), optimizer)
    return Learner(network, optimizer, run, stepper)

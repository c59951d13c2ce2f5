"""Losses and gradients that are not numbers: when it was, and which module came first."""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from ezrvc_model.errors import ModelError
from ezrvc_model.training.state import Learner, TrainingState


class NotFiniteError(ModelError):
    """A metric of a step is NaN or infinite.

    Attributes:
        step: the first such step.
        what: the step and its values, in words.
    """

    def __init__(self, step: int, values: Mapping[str, float]) -> None:
        listed = ", ".join(f"{name} = {value}" for name, value in values.items())
        self.step = step
        self.what = f"step {step}: {listed}"
        super().__init__(
            f"{self.what}; training stopped and the last checkpoint is good: go on with a lower "
            "train.learning_rate, or train.precision=fp32"
        )


class GradientLog:
    """The gradient norms of recent steps, kept on the device until somebody asks."""

    def __init__(self) -> None:
        self._norms: list[tuple[int, str, torch.Tensor]] = []

    def add(self, step: int, state: TrainingState) -> None:
        """Take those of the step that was just done."""
        for name, learner in _learners(state).items():
            if learner.gradient_norms is not None:
                self._norms.append((step, name, learner.gradient_norms))

    def forget(self) -> None:
        """Let go of steps that turned out good."""
        self._norms.clear()

    def first_bad(self, step: int, state: TrainingState) -> str | None:
        """The first parameter whose gradient in a step was not finite, in words."""
        for number, name, norms in self._norms:
            bad = (~norms.isfinite()).nonzero() if number == step else norms.new_empty(0)
            if len(bad):
                network = _learners(state)[name].network
                with_gradient = [n for n, p in network.named_parameters() if p.grad is not None]
                return f"the gradient of {name} {with_gradient[int(bad[0])]}"
        return None


def first_bad_parameter(state: TrainingState) -> str | None:
    """The first parameter of either player that is not finite, in words."""
    for name, learner in _learners(state).items():
        for parameter, values in learner.network.named_parameters():
            if not bool(values.isfinite().all()):
                return f"the parameter {name} {parameter}"
    return None


def first_bad_output(state: TrainingState, again: Callable[[], object]) -> str | None:
    """The first module of the generator whose output is not finite, in words.

    Args:
        state: whose generator is watched.
        again: runs the generator as the step did.
    """
    found: list[str] = []
    handles = [
        module.register_forward_hook(functools.partial(_look, found, name))
        for name, module in state.generator.network.named_modules()
        if not any(module.children())
    ]
    try:
        with torch.no_grad():
            again()
    finally:
        for handle in handles:
            handle.remove()
    return found[0] if found else None


def _look(found: list[str], name: str, module: nn.Module, given: object, made: Any) -> None:
    outputs = made if isinstance(made, tuple) else (made,)
    for output in outputs:
        if isinstance(output, torch.Tensor) and not bool(output.isfinite().all()):
            found.append(f"the output of generator {name} ({type(module).__name__})")


def _learners(state: TrainingState) -> dict[str, Learner]:
    return {"generator": state.generator, "discriminator": state.discriminator}

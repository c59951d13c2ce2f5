"""How gradients become steps."""

import math
from typing import TYPE_CHECKING

import torch
from lightning.fabric import Fabric
from torch import nn
from torch.optim import AdamW

from ezrvc_model.config import TrainConfig
from ezrvc_model.training.fabric import scales_gradients

if TYPE_CHECKING:
    from ezrvc_model.training.state import Learner


def make_optimizer(network: nn.Module, settings: TrainConfig, fabric: Fabric) -> AdamW:
    """AdamW over all parameters of a network.

    Its fused kernel updates all of them at once; gradient norms cannot be measured with it where
    gradients are scaled (fp16).
    """
    return AdamW(
        network.parameters(),
        lr=settings.learning_rate,
        betas=settings.betas,
        eps=settings.epsilon,
        fused=fabric.device.type in ("cpu", "cuda") and not scales_gradients(fabric),
    )


def descend(
    fabric: Fabric, learner: "Learner", loss: torch.Tensor, clip_norm: float | None
) -> torch.Tensor:
    """Take one optimiser step down the gradient of a loss.

    Args:
        fabric: that runs the network.
        learner: whose parameters move.
        loss: scalar.
        clip_norm: longer gradients are shortened to this norm; None: they are only measured.

    Returns:
        The norm of the gradient before clipping, scalar; 0 for a step that gradient scaling left
        out because a gradient overflowed in fp16.
    """
    learner.stepper.zero_grad()
    fabric.backward(loss)
    norm = fabric.clip_gradients(
        learner.run,
        learner.stepper,
        max_norm=math.inf if clip_norm is None else clip_norm,
        error_if_nonfinite=False,
    )
    learner.stepper.step()
    assert norm is not None  # measured by every single-device and DDP strategy
    return torch.where(norm.isfinite(), norm, 0.0) if scales_gradients(fabric) else norm

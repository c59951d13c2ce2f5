"""How gradients become steps."""

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
    """Take one optimiser step down the gradient of a loss; the device is not waited for.

    Where a gradient is not finite, the fused optimiser leaves parameters and its memory as they
    are; `learner.gradient_norms` then tells whose gradient it was.

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
    fabric.strategy.precision.unscale_gradients(learner.stepper)
    parameters = [each for each in learner.network.parameters() if each.grad is not None]
    gradients = [each.grad for each in parameters if each.grad is not None]
    learner.gradient_norms = torch.stack(torch._foreach_norm(gradients))  # pyright: ignore[reportPrivateImportUsage]
    norm = torch.linalg.vector_norm(learner.gradient_norms)
    if clip_norm is not None:
        nn.utils.clip_grads_with_norm_(parameters, clip_norm, norm)
    if learner.optimizer.defaults["fused"]:
        # what GradScaler tells fused optimisers: 1 leaves the step out
        learner.optimizer.found_inf = (~norm.isfinite()).float()  # pyright: ignore[reportAttributeAccessIssue]
    learner.stepper.step()
    return torch.where(norm.isfinite(), norm, 0.0) if scales_gradients(fabric) else norm

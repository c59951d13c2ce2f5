"""Weight normalisation: on while training, folded away for use.

Salimans and Kingma, "Weight Normalization" (2016): a weight is a direction times a length.
"""

from typing import TypeVar

import torch
from torch import nn
from torch.nn.utils import parametrizations, parametrize

Layer = TypeVar("Layer", bound=nn.Module)


def normalised(layer: Layer) -> Layer:
    """Give a layer's `weight` a learned length for each slice of its first dimension."""
    parametrizations.weight_norm(layer)
    return layer


def scale_weight(layer: nn.Conv1d, factor: float) -> None:
    """Multiply a layer's `weight`; of a normalised one the lengths, so that directions stay."""
    normalising = parametrize.is_parametrized(layer, "weight")
    stored = layer.get_parameter("parametrizations.weight.original0" if normalising else "weight")
    with torch.no_grad():
        stored.mul_(factor)


def fold_weight_norm(module: nn.Module) -> None:
    """Replace every normalised weight below `module` by its value; what it computes stays."""
    for layer in module.modules():
        if parametrize.is_parametrized(layer, "weight"):
            parametrize.remove_parametrizations(layer, "weight", leave_parametrized=True)

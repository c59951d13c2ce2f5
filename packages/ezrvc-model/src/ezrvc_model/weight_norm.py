"""Weight normalisation: on while training, folded away for use.

Salimans and Kingma, "Weight Normalization" (2016): a weight is a direction times a length.
"""

from typing import TypeVar

from torch import nn
from torch.nn.utils import parametrizations, parametrize

Layer = TypeVar("Layer", bound=nn.Module)


def normalised(layer: Layer) -> Layer:
    """Give a layer's `weight` a learned length for each slice of its first dimension."""
    parametrizations.weight_norm(layer)
    return layer


def fold_weight_norm(module: nn.Module) -> None:
    """Replace every normalised weight below `module` by its value; what it computes stays."""
    for layer in module.modules():
        if parametrize.is_parametrized(layer, "weight"):
            parametrize.remove_parametrizations(layer, "weight", leave_parametrized=True)

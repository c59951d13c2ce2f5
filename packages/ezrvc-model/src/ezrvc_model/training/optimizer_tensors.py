"""An optimiser's memory as named tensors, so that it can be stored without pickling."""

from collections.abc import Mapping

import torch
from torch import nn
from torch.optim import Optimizer

from ezrvc_model.errors import ModelError


def optimizer_tensors(optimizer: Optimizer, module: nn.Module) -> dict[str, torch.Tensor]:
    """What an optimiser remembers of each parameter: `<parameter>/<quantity>` to tensor.

    Args:
        optimizer: of the module's parameters.
        module: whose parameter names are used.
    """
    tensors: dict[str, torch.Tensor] = {}
    for name, parameter in module.named_parameters():
        for quantity, value in optimizer.state.get(parameter, {}).items():
            tensors[f"{name}/{quantity}"] = value.detach()
    return tensors


def restore_optimizer(
    optimizer: Optimizer, module: nn.Module, tensors: Mapping[str, torch.Tensor]
) -> None:
    """Give an optimiser the memory that `optimizer_tensors` took.

    Raises:
        ModelError: a tensor belongs to no parameter of the module, or has another shape.
    """
    parameters = dict(module.named_parameters())
    places = {id(p): i for i, p in enumerate(_parameters(optimizer))}
    state: dict[int, dict[str, torch.Tensor]] = {}
    for key, tensor in tensors.items():
        name, _, quantity = key.rpartition("/")
        parameter = parameters.get(name)
        if parameter is None or id(parameter) not in places:
            raise ModelError(f"the optimiser's memory names {name!r}, which this network lacks")
        if tensor.ndim and tensor.shape != parameter.shape:
            raise ModelError(
                f"the optimiser's {key} has shape {tuple(tensor.shape)}, "
                f"the parameter {tuple(parameter.shape)}"
            )
        state.setdefault(places[id(parameter)], {})[quantity] = tensor
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})


def _parameters(optimizer: Optimizer) -> list[nn.Parameter]:
    """Every parameter in the order in which `Optimizer.state_dict` numbers them."""
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]

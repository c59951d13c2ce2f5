"""Ways in which files of one network differ without meaning anything else."""

from collections.abc import Collection

import torch

from ezrvc_model.errors import ModelError
from ezrvc_model.vocoders.activations import lowpass


def split_folded(
    tensors: dict[str, torch.Tensor], expected: Collection[str]
) -> dict[str, torch.Tensor]:
    """Give weights whose normalisation was folded away a length and a direction again.

    Args:
        tensors: by their names.
        expected: names that the network needs; says which layers have weight normalisation.
    """
    split: dict[str, torch.Tensor] = {}
    for name, tensor in tensors.items():
        if name not in expected and f"{name}_g" in expected and f"{name}_g" not in tensors:
            others = tuple(range(1, tensor.ndim))
            split[f"{name}_g"] = tensor.norm(dim=others, keepdim=True)
            split[f"{name}_v"] = tensor
        else:
            split[name] = tensor
    return split


def drop_filters(tensors: dict[str, torch.Tensor], what: str) -> dict[str, torch.Tensor]:
    """Leave out the lowpass filters of snake activations, after checking that they are ours.

    Raises:
        ModelError: a filter is another one.
    """
    kept: dict[str, torch.Tensor] = {}
    for name, tensor in tensors.items():
        if not name.endswith((".upsample.filter", ".downsample.lowpass.filter")):
            kept[name] = tensor
            continue
        ours = lowpass(tensor.device, tensor.dtype)
        if tensor.shape != ours.shape or not torch.allclose(tensor, ours, atol=1e-3):
            raise ModelError(f"{what}: {name} is another lowpass filter than snake activations use")
    return kept


def drop_shared_copies(tensors: dict[str, torch.Tensor], what: str) -> dict[str, torch.Tensor]:
    """Leave out the copies of a flow's shared network that every coupling carries.

    Raises:
        ModelError: a copy differs from the network it should be a copy of.
    """
    kept: dict[str, torch.Tensor] = {}
    for name, tensor in tensors.items():
        coupling, inside, rest = name.partition(".enc.")
        original = tensors.get(f"flow.wn.{rest}") if coupling.startswith("flow.flows.") else None
        if not inside or original is None:
            kept[name] = tensor
        elif not torch.equal(tensor, original):
            raise ModelError(f"{what}: {name} differs from the shared network that it should copy")
    return kept


def add_filters(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Put the lowpass filters of snake activations beside them, as so-vits-svc saves them."""
    added = dict(tensors)
    for name, tensor in tensors.items():
        if name.endswith(".act.alpha"):
            taps = lowpass(tensor.device, torch.float32).clone()
            added[name.replace(".act.alpha", ".upsample.filter")] = taps
            added[name.replace(".act.alpha", ".downsample.lowpass.filter")] = taps.clone()
    return added


def add_shared_copies(
    tensors: dict[str, torch.Tensor], n_couplings: int
) -> dict[str, torch.Tensor]:
    """Put a flow's shared network under every coupling too, as so-vits-svc saves it."""
    added = dict(tensors)
    for name, tensor in tensors.items():
        if name.startswith("flow.wn."):
            for index in range(n_couplings):
                added[name.replace("flow.wn.", f"flow.flows.{2 * index}.enc.")] = tensor
    return added

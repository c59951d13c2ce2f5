"""Ways in which files of one network differ without meaning anything else."""

import torch

from ezrvc_model.errors import ModelError
from ezrvc_model.vocoders.activations import lowpass


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

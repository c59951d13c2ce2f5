"""Lightning Fabric as this project sets it up."""

from dataclasses import fields
from typing import Any, Literal

import torch
from lightning.fabric import Fabric
from lightning.fabric.plugins.precision import MixedPrecision
from torch import nn

from ezrvc_device.precision import Precision
from ezrvc_model.training.processes import ALONE, Launch, make_strategy


class MixedInsidePrecision(MixedPrecision):
    """Mixed precision whose inputs and outputs keep their type.

    Fabric would round inputs to half precision, and with them F0 in Hz; here only what autocast
    chooses to compute in half precision is.
    """

    def convert_input(self, data: Any) -> Any:
        """Leave inputs as they are."""
        return data

    def convert_output(self, data: Any) -> Any:
        """Leave outputs as they are; losses widen what they read."""
        return data


class FieldsOf(nn.Module):
    """Runs a network and gives the fields of its answer as a tuple.

    Fabric and DDP walk through what a network returns, and do not walk through frozen classes.

    Args:
        network: whose forward gives a dataclass.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, *args: Any, **kwargs: Any) -> tuple[Any, ...]:
        """The answer's fields, in their order."""
        answer = self.network(*args, **kwargs)
        return tuple(getattr(answer, field.name) for field in fields(answer))


def make_fabric(device: torch.device, precision: Precision, launch: Launch = ALONE) -> Fabric:
    """Fabric on one device, or on as many as there are processes, in a precision.

    Args:
        device: of a single process; of several, each has the one of its number.
        precision: to compute in.
        launch: the processes that train together.

    Raises:
        ModelError: several processes cannot train on this kind of device.
    """
    options: dict[str, Any] = {"accelerator": device.type, "num_nodes": launch.n_hosts}
    if launch != ALONE:
        options |= {"devices": launch.on_host, "strategy": make_strategy(device)}
    else:
        options["devices"] = [device.index or 0] if device.type == "cuda" else 1
    if precision.name == "fp32":
        return Fabric(precision="32-true", **options)
    name: Literal["16-mixed", "bf16-mixed"] = (
        "16-mixed" if precision.name == "fp16" else "bf16-mixed"
    )
    plugin = MixedInsidePrecision(name, device.type)
    return Fabric(plugins=plugin, **options)


def scaler_state(fabric: Fabric) -> dict[str, Any]:
    """What gradient scaling (fp16) remembers, as plain values; empty where nothing is scaled."""
    return dict(fabric.strategy.precision.state_dict())


def restore_scaler(fabric: Fabric, state: dict[str, Any]) -> None:
    """Give gradient scaling what `scaler_state` took; nothing where nothing is scaled."""
    if state and scales_gradients(fabric):
        fabric.strategy.precision.load_state_dict(state)


def scales_gradients(fabric: Fabric) -> bool:
    """Whether gradients are scaled (fp16), so that overflowing ones are expected now and then."""
    return getattr(fabric.strategy.precision, "scaler", None) is not None


def computes_in_half(fabric: Fabric) -> bool:
    """Whether networks compute in half precision (fp16, bf16) where autocast chooses to."""
    return isinstance(fabric.strategy.precision, MixedPrecision)

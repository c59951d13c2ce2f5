"""What several processes that train one voice say to each other."""

import os
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
from lightning.fabric import Fabric
from lightning.fabric.strategies.ddp import DDPStrategy
from torch import distributed

from ezrvc_model.errors import ModelError

_PATIENCE = timedelta(hours=1)
"""How long processes wait for each other: the first one also validates and saves."""


@dataclass(frozen=True)
class Launch:
    """How many processes a run has.

    Attributes:
        on_host: on this machine.
        n_hosts: machines.
    """

    on_host: int
    n_hosts: int


ALONE = Launch(1, 1)
"""A single process."""


def find_launch(processes: int) -> Launch:
    """The processes that torchrun or `fabric run` started, else those the configuration asks for.

    Args:
        processes: asked for, on this machine.
    """
    if distributed.is_available() and distributed.is_torchelastic_launched():
        on_host, all_of_them = (int(os.environ[f"{name}WORLD_SIZE"]) for name in ("LOCAL_", ""))
        return Launch(on_host, all_of_them // on_host)
    return Launch(processes, 1)


def make_strategy(device: torch.device) -> DDPStrategy:
    """Data-parallel training: NCCL between CUDA devices, gloo between processors.

    Raises:
        ModelError: the device is neither.
    """
    if device.type not in ("cuda", "cpu"):
        raise ModelError(
            f"several processes cannot train on {device}: PyTorch joins CUDA devices and "
            "processors; set train.processes to 1"
        )
    return DDPStrategy(
        process_group_backend="nccl" if device.type == "cuda" else "gloo",
        timeout=_PATIENCE,
        broadcast_buffers=False,
        gradient_as_bucket_view=True,
    )


class Agreement:
    """Decisions that all processes of a run take alike, after each step.

    They are told over the processors, so that no device is waited for.

    Args:
        fabric: that runs the processes.
    """

    def __init__(self, fabric: Fabric) -> None:
        self._several = fabric.world_size > 1
        self._group: Any = None
        if self._several and distributed.get_backend() != "gloo":
            self._group = distributed.new_group(backend="gloo", timeout=_PATIENCE)

    def any(self, *wishes: bool) -> list[bool]:
        """For each wish, whether any process has it."""
        if not self._several:
            return list(wishes)
        flags = torch.tensor([int(wish) for wish in wishes])
        distributed.all_reduce(flags, distributed.ReduceOp.MAX, group=self._group)
        return [bool(flag) for flag in flags.tolist()]


def part_ways() -> None:
    """Leave the group of processes, so that another run can begin in this one."""
    if distributed.is_available() and distributed.is_initialized():
        distributed.destroy_process_group()

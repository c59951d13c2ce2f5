"""How much memory there is and how much is free: device, host, this process."""

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ezrvc_device import container_limits

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class HostMemory:
    """Memory of the host or, where that is less, of the container."""

    free: int
    """Bytes that can be had without swapping."""
    total: int
    """Bytes."""


@dataclass(frozen=True, kw_only=True)
class MemoryStatus:
    """Memory at one moment, all in bytes."""

    free: int
    """Of the device; that of the host for a CPU."""
    total: int
    host_free: int
    host_total: int
    process_resident: int
    """What this process holds of the host's memory."""


_KERNELS_KEPT = "ONEDNN_PRIMITIVE_CACHE_CAPACITY"
_MOST_KERNELS = 256
"""As many as the layers of a voice ask for at the lengths that keep coming; measured."""


def bound_kept_kernels() -> None:
    """Let oneDNN, PyTorch's library of layers on CPUs, keep fewer of the kernels that it has made.

    It makes them anew for every length of sound, and keeps 1024, which of sounds of many lengths
    are some hundreds of megabytes. Read when the first layer runs; what the user has set stays.
    """
    os.environ.setdefault(_KERNELS_KEPT, str(_MOST_KERNELS))


def host_memory() -> HostMemory:
    """Free and total memory of the host, within the container's limit."""
    import psutil  # here, not above: `import ezrvc_device` stays light

    memory = psutil.virtual_memory()
    limit = container_limits.memory_limit()
    if limit is None or limit >= memory.total:
        return HostMemory(memory.available, memory.total)
    used = container_limits.memory_usage() or 0
    return HostMemory(max(0, min(memory.available, limit - used)), limit)


def memory_status(device: "torch.device | None" = None) -> MemoryStatus:
    """Memory of a device, the host and this process.

    Args:
        device: a resolved device; None, a CPU: the device's memory is the host's.
    """
    import psutil

    host = host_memory()
    free, total = host.free, host.total
    if device is not None and device.type == "cuda":
        import torch

        free, total = torch.cuda.mem_get_info(device)
    elif device is not None and device.type == "mps":
        import torch

        total = torch.mps.recommended_max_memory()
        free = max(0, total - torch.mps.driver_allocated_memory())
    return MemoryStatus(
        free=free,
        total=total,
        host_free=host.free,
        host_total=host.total,
        process_resident=psutil.Process().memory_info().rss,
    )

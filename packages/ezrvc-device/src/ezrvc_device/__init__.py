"""Where am I running: accelerator, precision, storage folders, weights.

Importing this is cheap: PyTorch, numpy, pydantic and the network libraries load when a function
needs them. Configuration (`ezrvc_device.configuration`, which is pydantic) and whole-or-absent
writes (`ezrvc_device.atomic`) are imported by their own names.
"""

from ezrvc_device.accelerator import DeviceInfo, available_devices, resolve_device
from ezrvc_device.environment import Environment, detect_environment
from ezrvc_device.errors import ConfigurationError, DeviceError, WeightsError
from ezrvc_device.memory import HostMemory, MemoryStatus, host_memory, memory_status
from ezrvc_device.precision import Precision, convolution_dtype, precision_for
from ezrvc_device.processors import limit_threads, processor_count, worker_count
from ezrvc_device.progress import Progress, silent
from ezrvc_device.seeding import (
    RandomState,
    capture_random_state,
    restore_random_state,
    seed_everything,
)
from ezrvc_device.storage import Storage, find_storage, free_disk
from ezrvc_device.weights import (
    UNVERIFIED,
    HubSource,
    LocalSource,
    PackageSource,
    UrlSource,
    WeightSpec,
    fetch,
    weights_present,
)

__all__ = [  # noqa: RUF022 - grouped by what they are for
    # where this is
    "Environment",
    "detect_environment",
    # what computes, and how
    "DeviceInfo",
    "Precision",
    "available_devices",
    "convolution_dtype",
    "precision_for",
    "resolve_device",
    # how much there is
    "HostMemory",
    "MemoryStatus",
    "host_memory",
    "limit_threads",
    "memory_status",
    "processor_count",
    "worker_count",
    # chance
    "RandomState",
    "capture_random_state",
    "restore_random_state",
    "seed_everything",
    # folders and weights
    "UNVERIFIED",
    "HubSource",
    "LocalSource",
    "PackageSource",
    "Storage",
    "UrlSource",
    "WeightSpec",
    "fetch",
    "find_storage",
    "free_disk",
    "weights_present",
    # what every package shares
    "ConfigurationError",
    "DeviceError",
    "Progress",
    "WeightsError",
    "silent",
]

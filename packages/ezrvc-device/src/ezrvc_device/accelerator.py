"""The one accelerator choice, and the only place that asks what hardware is here."""

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

from ezrvc_device.errors import DeviceError
from ezrvc_device.memory import host_memory

if TYPE_CHECKING:
    import torch

DeviceKind = Literal["cuda", "mps", "cpu"]

_NAME = re.compile(r"^(?:auto|cpu|mps|cuda(?::\d+)?)$")
_ALLOWED = "auto, cpu, mps, cuda or cuda:N"


@dataclass(frozen=True)
class DeviceInfo:
    """One device that ezrvc can compute on."""

    name: str
    """What to ask for: `cuda:0`, `mps`, `cpu`."""
    kind: DeviceKind
    description: str
    """The product's name, as the driver or the system gives it."""
    total_memory: int
    """Bytes; on `mps` and `cpu` the memory of the host."""


def require_torch() -> None:
    """Check that PyTorch is installed.

    Raises:
        DeviceError: it is not; the message says how to install it.
    """
    try:
        import torch as _  # noqa: F401
    except ImportError as error:
        raise DeviceError(
            "PyTorch is not installed, and computing needs it: "
            "install it with `pip install 'ezrvc-device[torch]'`"
        ) from error


def available_devices() -> tuple[DeviceInfo, ...]:
    """The devices of this host, best first; the CPU is always the last.

    Raises:
        DeviceError: PyTorch is not installed.
    """
    require_torch()
    return (*_cuda_devices(), *_mps_devices(), _cpu_device())


def resolve_device(name: str | None = None) -> "torch.device":
    """Turn what the user asked for into the device to compute on.

    Args:
        name: `auto` (as is None), `cpu`, `mps`, `cuda` (the first one) or `cuda:N`. `auto` means
            what the variable EZRVC_DEVICE says, else the best of CUDA, MPS and CPU.

    Raises:
        DeviceError: the name is not of those forms, the device is not here (the message lists
            what is), or PyTorch is not installed.
    """
    require_torch()
    import torch

    asked, origin = _asked(name)
    if asked == "cpu":  # without a look at the others: looking at CUDA takes time and memory
        return torch.device("cpu")
    here = [*(f"cuda:{index}" for index in range(_cuda_count())), *["mps"] * has_mps(), "cpu"]
    if asked == "auto":
        return torch.device(here[0])
    wanted = "cuda:0" if asked == "cuda" else asked
    if wanted not in here:
        raise DeviceError(
            f"device {asked!r}{origin} is not here; this machine has {', '.join(here)}: "
            "ask for one of these or for auto"
        )
    return torch.device(wanted)


def supports_bfloat16(device: "torch.device") -> bool:
    """Whether the device computes in bfloat16 natively, not by emulation.

    On a CPU: AVX512-BF16 or AMX. On CUDA: compute capability 8.0 (Ampere) or newer, and ROCm.
    MPS is not counted: parts of PyTorch's autocast still lack it there.
    """
    import torch

    if device.type == "cuda":
        is_rocm = torch.version.hip is not None
        return is_rocm or torch.cuda.get_device_capability(device) >= (8, 0)
    if device.type == "cpu":
        capabilities = torch.cpu.get_capabilities()
        return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
    return False


def has_mps() -> bool:
    """Whether this host has an Apple GPU that PyTorch can use."""
    import torch

    return torch.backends.mps.is_available()


def _asked(name: str | None) -> tuple[str, str]:
    """The device name that holds, and words saying where it came from if not from the caller."""
    asked, origin = (name or "auto").strip().lower(), ""
    if asked == "auto" and os.environ.get("EZRVC_DEVICE", "").strip():
        asked, origin = os.environ["EZRVC_DEVICE"].strip().lower(), " (from EZRVC_DEVICE)"
    if not _NAME.match(asked):
        raise DeviceError(f"{asked!r}{origin} is not a device name: allowed are {_ALLOWED}")
    return asked, origin


def _cuda_count() -> int:
    import torch

    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def _cuda_devices() -> list[DeviceInfo]:
    import torch

    devices: list[DeviceInfo] = []
    get_properties = cast(Any, torch.cuda).get_device_properties  # its result has no types
    for index in range(_cuda_count()):
        properties = get_properties(index)
        devices.append(
            DeviceInfo(f"cuda:{index}", "cuda", properties.name, properties.total_memory)
        )
    return devices


def _mps_devices() -> list[DeviceInfo]:
    if not has_mps():
        return []
    return [DeviceInfo("mps", "mps", "Apple GPU (Metal)", host_memory().total)]


def _cpu_device() -> DeviceInfo:
    import torch

    capabilities = cast("dict[str, object]", torch.cpu.get_capabilities())
    description = str(capabilities.get("cpu_name") or capabilities.get("architecture") or "CPU")
    return DeviceInfo("cpu", "cpu", description, host_memory().total)

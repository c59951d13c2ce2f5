"""Which number format each device computes in."""

import platform
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ezrvc_device.accelerator import require_torch, supports_bfloat16
from ezrvc_device.errors import DeviceError

if TYPE_CHECKING:
    import torch

PrecisionName = Literal["fp32", "bf16", "fp16"]

_FABRIC = {"fp32": "32-true", "bf16": "bf16-mixed", "fp16": "16-mixed"}


@dataclass(frozen=True)
class Precision:
    """A number format on a device; weights stay fp32, bf16 and fp16 are mixed precision."""

    name: PrecisionName
    dtype: "torch.dtype"
    fabric: str
    """The same choice in Lightning Fabric's words."""
    device_type: str
    """`cuda`, `mps` or `cpu`."""

    def autocast(self) -> AbstractContextManager[object]:
        """A context in which PyTorch computes in this precision; does nothing for fp32."""
        if self.name == "fp32":
            return nullcontext()
        import torch

        return torch.autocast(self.device_type, self.dtype)


def precision_for(device: "torch.device", requested: str = "auto") -> Precision:
    """The precision to train and convert in.

    `auto` is bf16 on CUDA devices that have it, fp16 on older ones, fp32 on MPS and CPU.

    Args:
        device: where the computing happens.
        requested: `auto`, `fp32`, `bf16` or `fp16`.

    Raises:
        DeviceError: the name is unknown, or the device does not do it; the message lists what
            it does.
    """
    require_torch()
    import torch

    dtypes = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
    supported = _supported(device)
    name = supported[0] if requested == "auto" else requested
    if name not in dtypes:
        allowed = ", ".join(("auto", *dtypes))
        raise DeviceError(f"precision {requested!r} is unknown: allowed are {allowed}")
    for candidate in supported:
        if candidate == name:
            return Precision(candidate, dtypes[name], _FABRIC[name], device.type)
    raise DeviceError(
        f"precision {name!r} is not for {device}, which does {', '.join(supported)}: "
        "ask for one of these or for auto"
    )


def convolution_dtype(device: "torch.device") -> "torch.dtype":
    """The type for the vocoder's convolutions when converting, everything else staying as it is.

    They tolerate bfloat16, and a processor with AVX512-BF16 or AMX runs them about twice as fast
    in it; on other processors it would be emulated and slow, so they stay float32 there.
    """
    require_torch()
    import torch

    if device.type == "cpu":
        return torch.bfloat16 if supports_bfloat16(device) else torch.float32
    return precision_for(device).dtype


def convolves_channels_last(device: "torch.device") -> bool:
    """Whether convolutions run faster with the channels side by side in memory.

    They do in oneDNN, which PyTorch uses on x86 processors: long kernels take about half of the
    time that they take on rows of samples, in bfloat16 above all. CUDA's tensor cores read them in
    that order, and turn other ones around before and after each convolution.
    """
    require_torch()
    import torch

    x86 = platform.machine().lower() in ("x86_64", "amd64")
    on_cpu = device.type == "cpu" and x86 and torch.backends.mkldnn.is_available()
    return on_cpu or device.type == "cuda"


def _supported(device: "torch.device") -> tuple[PrecisionName, ...]:
    """What the device does, preferred first."""
    if device.type != "cuda":
        return ("fp32",)
    return ("bf16", "fp16", "fp32") if supports_bfloat16(device) else ("fp16", "fp32")

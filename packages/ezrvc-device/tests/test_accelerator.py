"""The hosts that these tests need are not here, so PyTorch is made to report them."""

import builtins
import sys
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from ezrvc_device import accelerator
from ezrvc_device.accelerator import available_devices, resolve_device, supports_bfloat16
from ezrvc_device.errors import DeviceError


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Make a host with so many CUDA devices of a capability, and perhaps an Apple GPU."""

    def make(*, cuda: int = 0, capability: tuple[int, int] = (9, 0), mps: bool = False) -> None:
        card = SimpleNamespace(name="Test Card", total_memory=8 * 2**30)
        monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: cuda)
        monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: card)
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: capability)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)

    make()
    return make


def test_devices_are_listed_best_first(host: Any) -> None:
    host(cuda=2)
    cuda_0, cuda_1, cpu = available_devices()
    assert (cuda_0.name, cuda_1.name, cpu.name) == ("cuda:0", "cuda:1", "cpu")
    assert (cuda_0.kind, cuda_0.description) == ("cuda", "Test Card")
    assert cuda_0.total_memory == 8 * 2**30
    assert cpu.kind == "cpu"
    assert cpu.total_memory > 2**28
    host(mps=True)
    assert [device.name for device in available_devices()] == ["mps", "cpu"]


@pytest.mark.parametrize(
    ("cuda", "mps", "best"), [(2, False, "cuda:0"), (0, True, "mps"), (0, False, "cpu")]
)
@pytest.mark.parametrize("name", [None, "auto", " AUTO "])
def test_auto_is_the_best_device(
    host: Any, cuda: int, mps: bool, best: str, name: str | None
) -> None:
    host(cuda=cuda, mps=mps)
    assert resolve_device(name) == torch.device(best)


@pytest.mark.parametrize(
    ("name", "device"), [("cpu", "cpu"), ("cuda", "cuda:0"), ("cuda:1", "cuda:1"), ("CPU", "cpu")]
)
def test_a_named_device_is_that_device(host: Any, name: str, device: str) -> None:
    host(cuda=2)
    assert resolve_device(name) == torch.device(device)


def test_the_variable_decides_what_auto_is(host: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    host(cuda=2)
    monkeypatch.setenv("EZRVC_DEVICE", "cuda:1")
    assert resolve_device() == torch.device("cuda:1")
    assert resolve_device("auto") == torch.device("cuda:1")
    assert resolve_device("cpu") == torch.device("cpu"), "what the caller names wins"
    monkeypatch.setenv("EZRVC_DEVICE", "auto")
    assert resolve_device() == torch.device("cuda:0")
    monkeypatch.setenv("EZRVC_DEVICE", "")
    assert resolve_device() == torch.device("cuda:0")


def test_choosing_a_device_does_not_start_cuda(host: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    host(cuda=2)

    def starts_cuda(_: object) -> None:
        raise AssertionError("CUDA was started")

    monkeypatch.setattr(torch.cuda, "get_device_properties", starts_cuda)
    assert resolve_device() == torch.device("cuda:0")
    assert resolve_device("cuda:1") == torch.device("cuda:1")


@pytest.mark.parametrize("name", ["cuda:2", "mps"])
def test_a_device_that_is_not_here_is_answered_with_those_that_are(host: Any, name: str) -> None:
    host(cuda=2)
    with pytest.raises(DeviceError, match=rf"'{name}' is not here.* has cuda:0, cuda:1, cpu"):
        resolve_device(name)


def test_the_message_says_when_the_variable_asked(
    host: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EZRVC_DEVICE", "cuda")
    with pytest.raises(DeviceError, match=r"'cuda' \(from EZRVC_DEVICE\) is not here.* has cpu"):
        resolve_device()
    monkeypatch.setenv("EZRVC_DEVICE", "tpu")
    with pytest.raises(DeviceError, match=r"'tpu' \(from EZRVC_DEVICE\) is not a device name"):
        resolve_device()


@pytest.mark.parametrize("name", ["gpu", "cuda:", "cuda:-1", "cuda:one", "cpu:0", "cuda0"])
def test_a_name_of_another_form_is_answered_with_the_forms(host: Any, name: str) -> None:
    with pytest.raises(DeviceError, match="allowed are auto, cpu, mps, cuda or cuda:N"):
        resolve_device(name)


@pytest.mark.parametrize(("capability", "expected"), [((7, 5), False), ((8, 0), True)])
def test_bfloat16_begins_with_ampere(
    host: Any, capability: tuple[int, int], expected: bool
) -> None:
    host(cuda=1, capability=capability)
    assert supports_bfloat16(torch.device("cuda:0")) is expected


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [
        ({"avx512_f": True, "avx512_bf16": False, "amx_bf16": False}, False),
        ({"avx512_bf16": True}, True),
        ({"amx_bf16": True}, True),
        ({"architecture": "aarch64"}, False),
    ],
)
def test_bfloat16_on_a_processor_needs_its_instructions(
    monkeypatch: pytest.MonkeyPatch, capabilities: dict[str, object], expected: bool
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    assert supports_bfloat16(torch.device("cpu")) is expected


def test_without_pytorch_the_message_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real_import = builtins.__import__

    def without_torch(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "torch":
            raise ImportError("No module named 'torch'")
        return real_import(name, *args, **kwargs)

    monkeypatch.delitem(sys.modules, "torch")
    monkeypatch.setattr(builtins, "__import__", without_torch)
    for ask in (accelerator.require_torch, available_devices, resolve_device):
        with pytest.raises(DeviceError, match=r"pip install 'ezrvc-device\[torch\]'"):
            ask()


@pytest.mark.gpu
def test_a_real_cuda_device_computes() -> None:
    device = resolve_device("cuda")
    assert available_devices()[0].total_memory > 2**30
    assert torch.ones(3, device=device).sum().item() == 3

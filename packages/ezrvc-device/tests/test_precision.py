from typing import Any

import pytest
import torch

from ezrvc_device import precision
from ezrvc_device.errors import DeviceError
from ezrvc_device.precision import convolution_dtype, precision_for

_CUDA, _MPS, _CPU = torch.device("cuda:0"), torch.device("mps"), torch.device("cpu")


@pytest.fixture
def bfloat16(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(precision, "supports_bfloat16", lambda _: request.param)
    return request.param


@pytest.mark.parametrize(
    ("bfloat16", "device", "name", "dtype", "fabric"),
    [
        (True, _CUDA, "bf16", torch.bfloat16, "bf16-mixed"),
        (False, _CUDA, "fp16", torch.float16, "16-mixed"),
        (False, _MPS, "fp32", torch.float32, "32-true"),
        (True, _CPU, "fp32", torch.float32, "32-true"),
    ],
    indirect=["bfloat16"],
)
@pytest.mark.usefixtures("bfloat16")
def test_auto_is_the_best_the_device_does(
    device: torch.device, name: str, dtype: torch.dtype, fabric: str
) -> None:
    chosen = precision_for(device)
    assert (chosen.name, chosen.dtype, chosen.fabric) == (name, dtype, fabric)
    assert chosen.device_type == device.type
    assert precision_for(device, "fp32").dtype == torch.float32, "fp32 runs everywhere"


@pytest.mark.parametrize(
    ("bfloat16", "device", "requested", "does"),
    [
        (False, _CUDA, "bf16", "fp16, fp32"),
        (False, _MPS, "fp16", "fp32"),
        (True, _CPU, "bf16", "fp32"),
        (True, _CPU, "fp16", "fp32"),
    ],
    indirect=["bfloat16"],
)
@pytest.mark.usefixtures("bfloat16")
def test_what_the_device_does_not_do_is_refused(
    device: torch.device, requested: str, does: str
) -> None:
    with pytest.raises(DeviceError, match=f"'{requested}' is not for {device}, which does {does}"):
        precision_for(device, requested)


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(DeviceError, match="'half' is unknown: allowed are auto, fp32, bf16, fp16"):
        precision_for(_CPU, "half")


@pytest.mark.parametrize("bfloat16", [True, False], indirect=True)
def test_convolutions_on_a_processor_follow_its_instructions(bfloat16: bool) -> None:
    assert convolution_dtype(_CPU) == (torch.bfloat16 if bfloat16 else torch.float32)


@pytest.mark.parametrize("bfloat16", [True, False], indirect=True)
def test_convolutions_on_a_gpu_follow_its_policy(bfloat16: bool) -> None:
    assert convolution_dtype(_CUDA) == (torch.bfloat16 if bfloat16 else torch.float16)
    assert convolution_dtype(_MPS) == torch.float32


def test_autocast_computes_in_the_precision() -> None:
    layer, signal = torch.nn.Linear(2, 2), torch.ones(1, 2)
    with precision_for(_CPU).autocast():
        assert layer(signal).dtype == torch.float32
    mixed = precision.Precision("bf16", torch.bfloat16, "bf16-mixed", "cpu")
    with mixed.autocast():
        assert layer(signal).dtype == torch.bfloat16

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ezrvc_device.errors import DeviceError
from ezrvc_device.seeding import capture_random_state, restore_random_state, seed_everything

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture(autouse=True)
def same_chance_afterwards() -> Any:
    before = capture_random_state()
    yield
    restore_random_state(before)


def _draws() -> list[float]:
    """Some of every generator; odd counts of normals leave a second one waiting inside."""
    return [
        random.random(),
        random.gauss(0, 1),
        float(np.random.rand()),  # noqa: NPY002
        float(np.random.randn()),  # noqa: NPY002
        *torch.rand(3).tolist(),
        *torch.randn(17).tolist(),
        *torch.randperm(5).tolist(),
    ]


def test_one_seed_one_sequence() -> None:
    seed_everything(7)
    first = _draws()
    seed_everything(7)
    assert _draws() == first
    seed_everything(8)
    assert _draws() != first


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_out_of_range_is_refused(seed: int) -> None:
    with pytest.raises(DeviceError, match=f"seed = {seed}"):
        seed_everything(seed)


def test_a_restored_state_draws_what_followed_it() -> None:
    seed_everything(1)
    _draws()
    state = capture_random_state()
    following = [_draws() for _ in range(3)]
    seed_everything(99)
    _draws()
    restore_random_state(state)
    assert [_draws() for _ in range(3)] == following


def test_capturing_draws_nothing() -> None:
    seed_everything(1)
    expected = _draws()
    seed_everything(1)
    capture_random_state()
    assert _draws() == expected


def test_a_state_survives_safetensors_and_json(tmp_path: Path) -> None:
    safetensors = pytest.importorskip("safetensors.torch")
    seed_everything(3)
    _draws()
    state = capture_random_state()
    following = _draws()

    tensors = {key: value for key, value in state.items() if isinstance(value, torch.Tensor)}
    plain = {key: value for key, value in state.items() if key not in tensors}
    safetensors.save_file(tensors, tmp_path / "random.safetensors")
    (tmp_path / "random.json").write_text(json.dumps(plain), encoding="utf-8")

    stored = json.loads((tmp_path / "random.json").read_text(encoding="utf-8"))
    stored.update(safetensors.load_file(tmp_path / "random.safetensors"))
    seed_everything(4)
    restore_random_state(stored)
    assert _draws() == following


def test_the_state_is_as_described() -> None:
    state = capture_random_state()
    tensors = {key: value for key, value in state.items() if isinstance(value, torch.Tensor)}
    assert tuple(tensors["python.words"].shape) == (625,)
    assert tuple(tensors["numpy.words"].shape) == (624,)
    assert tensors["torch.cpu"].dtype == torch.uint8
    assert {str(tensor.device) for tensor in tensors.values()} == {"cpu"}


def test_an_incomplete_state_names_what_is_missing() -> None:
    state = capture_random_state()
    del state["numpy.position"]
    with pytest.raises(DeviceError, match=r"has no 'numpy\.position'"):
        restore_random_state(state)


def test_states_of_devices_that_are_not_here_are_left_out() -> None:
    state = capture_random_state()
    state["torch.cuda.63"] = torch.zeros(16, dtype=torch.uint8)
    seed_everything(5)
    restore_random_state(state)


@pytest.mark.gpu
def test_cuda_draws_come_back() -> None:
    seed_everything(6)
    torch.rand(3, device="cuda")
    state = capture_random_state()
    following = torch.rand(3, device="cuda").tolist()
    restore_random_state(state)
    assert torch.rand(3, device="cuda").tolist() == following

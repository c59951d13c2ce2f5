"""Seeding every random generator, and taking their states along for a resumed run."""

import random
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from ezrvc_device.accelerator import has_mps, require_torch
from ezrvc_device.errors import DeviceError

if TYPE_CHECKING:
    import torch

RandomState: TypeAlias = "dict[str, torch.Tensor | int | float | None]"
"""Generator states by name. Tensors are on the CPU; everything else is a JSON value."""

_PYTHON_STATE_VERSION = 3


def seed_everything(seed: int) -> None:
    """Seed Python, numpy and PyTorch on every device.

    Args:
        seed: 0 up to 2**32 - 1, which is numpy's range.

    Raises:
        DeviceError: the seed is out of range, or PyTorch is not installed.
    """
    require_torch()
    import numpy as np
    import torch

    if not 0 <= seed < 2**32:
        raise DeviceError(f"seed = {seed}: it must be from 0 to {2**32 - 1}")
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - libraries draw from the global generator
    cast(Any, torch).manual_seed(seed)  # seeds CUDA and MPS as well


def capture_random_state() -> RandomState:
    """The state of every generator that `seed_everything` seeds.

    Keys: `python.words` (int64, (625,)), `python.gauss`, `numpy.words` (int64, (624,)),
    `numpy.position`, `numpy.has_gauss`, `numpy.gauss`, `torch.cpu` (uint8), and, where such a
    device is in use, `torch.cuda.<index>` and `torch.mps` (uint8). The tensors can be stored as
    safetensors and the rest as JSON; nothing needs pickling.

    Raises:
        DeviceError: PyTorch is not installed.
    """
    require_torch()
    import numpy as np
    import torch

    _, words, gauss = random.getstate()
    numpy_state = np.random.get_state(legacy=False)  # noqa: NPY002
    state: RandomState = {
        "python.words": torch.tensor(words, dtype=torch.int64),
        "python.gauss": gauss,
        "numpy.words": torch.tensor(numpy_state["state"]["key"].tolist(), dtype=torch.int64),
        "numpy.position": int(numpy_state["state"]["pos"]),
        "numpy.has_gauss": int(numpy_state["has_gauss"]),
        "numpy.gauss": float(numpy_state["gauss"]),
        "torch.cpu": torch.get_rng_state(),
    }
    if torch.cuda.is_initialized():
        for index, device_state in enumerate(torch.cuda.get_rng_state_all()):
            state[f"torch.cuda.{index}"] = device_state
    if has_mps():
        state["torch.mps"] = torch.mps.get_rng_state()
    return state


def restore_random_state(state: Mapping[str, Any]) -> None:
    """Put the generators back to a captured state; the next draws are those that followed it.

    States of devices that this host does not have are left out: a run resumed on other hardware
    cannot draw the same numbers there.

    Args:
        state: what `capture_random_state` gave, possibly stored and read back in between.

    Raises:
        DeviceError: a part is missing, or PyTorch is not installed.
    """
    require_torch()
    import numpy as np
    import torch

    try:
        words = tuple(state["python.words"].tolist())
        random.setstate((_PYTHON_STATE_VERSION, words, state["python.gauss"]))
        key = state["numpy.words"].cpu().numpy().astype(np.uint32)
        np.random.set_state(  # noqa: NPY002
            {
                "bit_generator": "MT19937",
                "state": {"key": key, "pos": int(state["numpy.position"])},
                "has_gauss": int(state["numpy.has_gauss"]),
                "gauss": float(state["numpy.gauss"]),
            }
        )
        torch.set_rng_state(state["torch.cpu"].cpu())
    except KeyError as error:
        raise DeviceError(
            f"the random state has no {error}: it is not from capture_random_state"
        ) from error
    for index in range(torch.cuda.device_count()):
        if f"torch.cuda.{index}" in state:
            torch.cuda.set_rng_state(state[f"torch.cuda.{index}"].cpu(), index)
    if has_mps() and "torch.mps" in state:
        torch.mps.set_rng_state(state["torch.mps"].cpu())

"""Weights at a quarter of their size: whole numbers of eight bits, with a scale for each row.

In the safetensors file a matrix `name` is int8, and `name.scale` (one float16 for each row) is what
its rows are to be multiplied with; vectors are float16. The metadata hold `config`, JSON.
Needs the extra `ezrvc-device[torch]`.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open

from ezrvc_device.atomic import atomic_file
from ezrvc_device.errors import WeightsError

_SCALE = ".scale"
_LARGEST = 127


@dataclass(frozen=True)
class CompactFile:
    """What a compact file says of itself.

    Attributes:
        digest: SHA-256 of the file.
        config: what the network is built from.
    """

    digest: str
    config: dict[str, Any]


def write_compact(path: Path, tensors: Mapping[str, torch.Tensor], config: dict[str, Any]) -> None:
    """Write weights compactly, whole or not at all.

    Args:
        path: of the safetensors file.
        tensors: by name, of real numbers, at least one of two axes.
        config: what the network is built from; plain JSON values.
    """
    packed: dict[str, torch.Tensor] = {}
    for name, tensor in tensors.items():
        tensor = tensor.detach().cpu()
        if tensor.ndim < 2:
            packed[name] = tensor.half().contiguous()
            continue
        rows = tensor.float().flatten(1)
        scale = (rows.abs().amax(dim=1) / _LARGEST).clamp(min=1e-7).half()
        whole = (rows / scale.float()[:, None]).round().clamp(-_LARGEST, _LARGEST)
        packed[name] = whole.to(torch.int8).reshape(tensor.shape).contiguous()
        packed[name + _SCALE] = scale
    with atomic_file(path) as temporary:
        cast(Any, safetensors.torch).save_file(
            packed, temporary, metadata={"config": json.dumps(config)}
        )


def open_compact(path: Path) -> CompactFile:
    """Look into a compact file.

    Raises:
        WeightsError: there is none, or it is something else.
    """
    try:
        with cast(Any, safe_open)(path, framework="pt") as file:
            config: dict[str, Any] = json.loads(file.metadata()["config"])
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
    except (OSError, SafetensorError, TypeError, KeyError, ValueError) as error:
        raise WeightsError(
            f"{path}: not a file of compact weights ({error}); check that it is the right file"
        ) from error
    return CompactFile(digest, config)


def read_compact(path: Path, names: Iterable[str] | None = None) -> dict[str, torch.Tensor]:
    """The weights of a file, multiplied out to float32, on the CPU.

    What is not int8 with a scale is only made float32, so an ordinary file can be read, too.

    Args:
        path: of the safetensors file.
        names: of those that are wanted, all of which are there; None: all.

    Raises:
        OSError: there is no such file.
        SafetensorError: it is damaged.
    """
    with cast(Any, safe_open)(path, framework="pt") as file:
        there: set[str] = set(file.keys())
        scales = scales_among(there)
        wanted = there - scales if names is None else names
        return {
            name: _multiplied(
                file.get_tensor(name),
                file.get_tensor(name + _SCALE) if name + _SCALE in scales else None,
            )
            for name in wanted
        }


def scales_among(names: Set[str]) -> set[str]:
    """Those of a file's names that are scales of other weights, and no weights themselves."""
    return {name + _SCALE for name in names} & names


def _multiplied(whole: torch.Tensor, scale: torch.Tensor | None) -> torch.Tensor:
    if scale is None:
        return whole.float() if whole.is_floating_point() else whole
    return whole.float() * scale.float().reshape(-1, *[1] * (whole.ndim - 1))

"""Weights at a quarter of their size: whole numbers of eight bits, with a scale for each row.

In the safetensors file a matrix `name` is int8, and `name.scale` (one float16 for each row) is what
its rows are to be multiplied with; vectors are float16. The metadata hold `config`, JSON.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from ezrvc_device.atomic import atomic_file
from ezrvc_features.content.checkpoint import ConvertedFile
from ezrvc_features.errors import FeatureError

_SCALE = ".scale"
_LARGEST = 127


@dataclass(frozen=True)
class CompactFile(ConvertedFile):
    """A compact file; its tensors are read and multiplied out when asked for."""

    def tensors(self, names: Iterable[str] | None = None) -> dict[str, torch.Tensor]:
        """The weights in float32, on the CPU; see `ConvertedFile.tensors`."""
        with safe_open(self.path, framework="pt") as file:
            there = set(file.keys())
            wanted = names or (name for name in there if not name.endswith(_SCALE))
            return {
                name: _multiplied(
                    file.get_tensor(name),
                    file.get_tensor(name + _SCALE) if name + _SCALE in there else None,
                )
                for name in wanted
            }


def write_compact(path: Path, tensors: Mapping[str, torch.Tensor], config: dict[str, Any]) -> None:
    """Write weights compactly, whole or not at all.

    Args:
        path: of the safetensors file.
        tensors: by name, at least one of two axes.
        config: what the network is built from; plain JSON values.
    """
    packed: dict[str, torch.Tensor] = {}
    for name, tensor in tensors.items():
        if tensor.ndim < 2:
            packed[name] = tensor.half().contiguous()
            continue
        rows = tensor.float().flatten(1)
        scale = (rows.abs().amax(dim=1) / _LARGEST).clamp(min=1e-7).half()
        whole = (rows / scale.float()[:, None]).round().clamp(-_LARGEST, _LARGEST)
        packed[name] = whole.to(torch.int8).reshape(tensor.shape).contiguous()
        packed[name + _SCALE] = scale
    with atomic_file(path) as temporary:
        save_file(packed, temporary, metadata={"config": json.dumps(config)})


def open_compact(path: Path) -> CompactFile:
    """Look into a compact file.

    Raises:
        FeatureError: there is none, or it is something else.
    """
    try:
        with safe_open(path, framework="pt") as file:
            config = json.loads(file.metadata()["config"])
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
    except (OSError, SafetensorError, TypeError, KeyError, ValueError) as error:
        raise FeatureError(
            f"{path}: not weights of our own encoder ({error}); check that it is the right file"
        ) from error
    return CompactFile(path, digest, config)


def _multiplied(whole: torch.Tensor, scale: torch.Tensor | None) -> torch.Tensor:
    if scale is None:
        return whole.float()
    return whole.float() * scale.float().reshape(-1, *[1] * (whole.ndim - 1))

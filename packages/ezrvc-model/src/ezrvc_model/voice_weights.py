"""The tensors of a voice's generator as a file: in float32, half its size or a quarter."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file

from ezrvc_device.weights.compact_file import read_compact, write_compact
from ezrvc_model.errors import ModelError
from ezrvc_model.synthesizer.synthesizer import Synthesizer
from ezrvc_model.voice_folder import CONFIG_NAME
from ezrvc_model.weight_norm import fold_weight_norm

Storage = Literal["float32", "float16", "int8"]

_POSTERIOR = "posterior_encoder."
_MOST_NAMED = 5
"""Tensors that a message about a misfit names, of each kind."""


def trainable_tensors(generator: Synthesizer) -> dict[str, torch.Tensor]:
    """The network with weight normalisation folded away, its posterior encoder kept.

    The network itself stays as it is, and so do the random generators.
    """
    with torch.random.fork_rng(devices=[]):
        folded = Synthesizer(generator.config)
    if generator.posterior_encoder is None:
        folded = folded.prepare_for_inference()
    folded.load_state_dict(generator.state_dict())
    fold_weight_norm(folded)
    return folded.state_dict()


def without_posterior(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """What inference uses of a generator's tensors."""
    return {name: each for name, each in tensors.items() if not name.startswith(_POSTERIOR)}


def write_generator(path: Path, tensors: Mapping[str, torch.Tensor], storage: Storage) -> None:
    """Write a generator's tensors.

    Raises:
        OSError: the file cannot be written.
    """
    if storage == "int8":
        write_compact(path, tensors, {"format": "ezrvc-voice"})
        return
    stored = {name: _stored(tensor, half=storage == "float16") for name, tensor in tensors.items()}
    save_file(stored, path, metadata={"format": "ezrvc-voice"})


def read_generator(path: Path, sha256: str = "") -> dict[str, torch.Tensor]:
    """Every tensor of the generator's file, in float32.

    Args:
        path: the file.
        sha256: what it must be; empty: not known.

    Raises:
        ModelError: the file is missing or damaged.
    """
    try:
        if sha256 and sha256_of(path) != sha256:
            raise ModelError(
                f"{path}: damaged or replaced, its checksum is not the recorded one; "
                "copy or export the voice again"
            )
        return read_compact(path)
    except (OSError, SafetensorError) as error:
        raise ModelError(f"{path}: cannot be read ({error}); copy the voice again") from error


def check_tensors(
    path: Path, found: Mapping[str, torch.Tensor], expected: Mapping[str, torch.Tensor]
) -> None:
    """Account for every tensor of the file and of the network."""
    problems = {
        "missing": sorted(expected.keys() - found.keys()),
        "unexpected": sorted(found.keys() - expected.keys()),
        "mis-shaped": [
            f"{name} {tuple(found[name].shape)} instead of {tuple(expected[name].shape)}"
            for name in sorted(expected.keys() & found.keys())
            if found[name].shape != expected[name].shape
        ],
    }
    if any(problems.values()):
        listed = "; ".join(_listed(kind, names) for kind, names in problems.items() if names)
        raise ModelError(
            f"{path}: the weights do not fit {CONFIG_NAME}: {listed}; export the voice again"
        )


def _listed(kind: str, names: list[str]) -> str:
    shown = ", ".join(names[:_MOST_NAMED])
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return f"{len(names)} {kind} ({shown}{more})"


def sha256_of(path: Path) -> str:
    """The checksum of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _stored(tensor: torch.Tensor, *, half: bool) -> torch.Tensor:
    if half and tensor.is_floating_point():
        tensor = tensor.half()
    return tensor.detach().cpu().contiguous().clone()

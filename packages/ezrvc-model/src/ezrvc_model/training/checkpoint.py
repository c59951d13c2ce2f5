"""One saved training state: a folder that is whole or absent, with checksums.

`step-00000800/` holds

- `generator.safetensors`, `discriminator.safetensors`: the networks;
- `generator_optimizer.safetensors`, `discriminator_optimizer.safetensors`: what AdamW remembers;
- `state.json`: `CheckpointRecord`, with the SHA-256 of each of the above.

Learning rate, data order, crops, noise and dropout are functions of the configuration and the
step, so nothing of them needs to be stored.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from pydantic import Field
from safetensors import SafetensorError
from safetensors.torch import load_file, load_model, save_file, save_model
from torch import nn
from torch.optim import Optimizer

from ezrvc_device.atomic import atomic_folder
from ezrvc_device.configuration import Section
from ezrvc_device.errors import ConfigurationError
from ezrvc_model.errors import ModelError
from ezrvc_model.training.optimizer_tensors import optimizer_tensors, restore_optimizer
from ezrvc_model.voice_card import Origin

FORMAT_VERSION = 1
"""Of the checkpoint folder; raised whenever older programs could not read what is written."""
RECORD_NAME = "state.json"


class CheckpointRecord(Section):
    """What a checkpoint says of itself."""

    format_version: int = FORMAT_VERSION
    step: int
    """Finished steps."""
    epoch: int
    """Whole passes over the training clips."""
    seed: int
    """That data order, noise and dropout follow from, together with the step."""
    clips: str
    """Fingerprint of the training clips and the batch size, which the data order follows from."""
    fixed: dict[str, Any]
    """What the run cannot change: model, features, speakers."""
    origin: Origin = Origin()
    """Where the run began, for the card of its voice."""
    batch_size: int | None = None
    """Clips a step, which `auto` is held to."""
    settled: dict[str, int] = Field(default_factory=dict)
    """Other settings of training that `auto` is held to, by name."""
    rate_factor: float = 1.0
    """Of the learning rate; below 1 once the run has gone back after a loss that was no number."""
    scaler: dict[str, Any] = Field(default_factory=dict)
    """What gradient scaling remembers, for fp16."""
    sha256: dict[str, str] = Field(default_factory=dict)
    """Of each other file, by name."""


class DamagedCheckpointError(ModelError):
    """A checkpoint is not what was written; an earlier one may be."""


@dataclass(frozen=True)
class TrainedNetwork:
    """A network and its optimiser: what a checkpoint holds in tensors."""

    module: nn.Module
    optimizer: Optimizer


def write_checkpoint(
    path: Path, networks: Mapping[str, TrainedNetwork], record: CheckpointRecord
) -> None:
    """Save a training state as the folder `path`, whole or not at all.

    Args:
        path: the folder to make.
        networks: by the names they have on disk.
        record: what the checkpoint says of itself; checksums are filled in here.

    Raises:
        ModelError: it cannot be written (a full disk, a read-only folder); earlier checkpoints
            are untouched.
    """
    try:
        with atomic_folder(path) as folder:
            for name, network in networks.items():
                save_model(network.module, str(folder / f"{name}.safetensors"))
                tensors = optimizer_tensors(network.optimizer, network.module)
                save_file(_storable(tensors), folder / f"{name}_optimizer.safetensors")
            sums = {file.name: _sha256(file) for file in sorted(folder.iterdir())}
            signed = record.model_copy(update={"sha256": sums})
            (folder / RECORD_NAME).write_text(signed.model_dump_json(indent=1), encoding="utf-8")
    except (OSError, SafetensorError) as error:
        raise ModelError(
            f"{path}: step {record.step} cannot be saved ({error}); earlier checkpoints are "
            "untouched: make room on the disk and start again"
        ) from error


def read_record(path: Path) -> CheckpointRecord:
    """Read what a checkpoint says of itself and check that its files are what it says.

    Raises:
        DamagedCheckpointError: a file is missing, cannot be read, or is not the one written.
        ModelError: another version of the program wrote it.
    """
    try:
        tree = json.loads((path / RECORD_NAME).read_bytes())
        version = tree["format_version"]
        if version != FORMAT_VERSION:
            raise ModelError(
                f"{path}: format version {version!r}, this program reads {FORMAT_VERSION}; "
                "continue with the version that wrote it, or choose a new run name"
            )
        record = CheckpointRecord.from_tree(tree)
        for name, expected in record.sha256.items():
            if _sha256(path / name) != expected:
                raise DamagedCheckpointError(f"{path}: damaged, {name} is not as it was written")
    except (OSError, ValueError, KeyError, TypeError, ConfigurationError) as error:
        reason = " ".join(str(error).split())
        raise DamagedCheckpointError(f"{path}: damaged, it cannot be read ({reason})") from error
    return record


def restore_networks(path: Path, networks: Mapping[str, TrainedNetwork]) -> None:
    """Load the tensors of a checkpoint whose record has been read.

    Raises:
        ModelError: the tensors do not fit the networks.
    """
    try:
        for name, network in networks.items():
            module = network.module
            load_model(module, path / f"{name}.safetensors", device=_device_of(module))
            tensors = load_file(path / f"{name}_optimizer.safetensors")
            restore_optimizer(network.optimizer, module, tensors)
    except (OSError, SafetensorError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise ModelError(f"{path}: does not fit this network ({reason})") from error


def _storable(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: tensor.contiguous() for name, tensor in tensors.items()}


def _device_of(module: nn.Module) -> str:
    return str(next(module.parameters()).device)


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()

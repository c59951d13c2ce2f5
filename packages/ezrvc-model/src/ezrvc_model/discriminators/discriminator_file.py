"""A discriminator as one file that says its own shape."""

import json
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from ezrvc_device.errors import ConfigurationError
from ezrvc_device.weights.compact_file import read_compact, write_compact
from ezrvc_model.config import DiscriminatorConfig
from ezrvc_model.discriminators.discriminator import Discriminator
from ezrvc_model.errors import ModelError

_FORMAT = "ezrvc-discriminator"


def save_discriminator(path: Path, discriminator: Discriminator, *, compact: bool = False) -> None:
    """Write a discriminator as safetensors, its shape among the metadata.

    Args:
        path: of the file.
        discriminator: to be written.
        compact: in whole numbers, at a quarter of the size.

    Raises:
        OSError: the file cannot be written.
    """
    config = DiscriminatorConfig(
        periods=discriminator.periods,
        resolutions=discriminator.resolutions,
        narrowing=discriminator.narrowing,
    )
    if compact:
        tree = {"format": _FORMAT, **config.to_tree()}
        write_compact(path, discriminator.state_dict(), tree)
        return
    tensors = {
        name: tensor.detach().cpu().contiguous()
        for name, tensor in discriminator.state_dict().items()
    }
    save_file(tensors, path, metadata={"format": _FORMAT, "config": config.model_dump_json()})


def read_discriminator_config(path: Path) -> DiscriminatorConfig:
    """The shape of a discriminator, from its file's metadata.

    Raises:
        ModelError: the file is missing, damaged, or no discriminator.
    """
    try:
        with safe_open(path, framework="np") as file:
            metadata = file.metadata() or {}
        tree = json.loads(metadata.get("config", "{}"))
        if tree.pop("format", metadata.get("format")) != _FORMAT:
            raise ModelError(f"{path}: not a discriminator of ezrvc; import it again")
        return DiscriminatorConfig.from_tree(tree)
    except (OSError, SafetensorError, ConfigurationError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise ModelError(f"{path}: cannot be read ({reason}); import it again") from error


def load_discriminator(path: Path) -> Discriminator:
    """Read a discriminator, ready to train on.

    Raises:
        ModelError: the file is missing or damaged, or its tensors are not those of its shape.
    """
    config = read_discriminator_config(path)
    with torch.random.fork_rng(devices=[]):
        discriminator = Discriminator(
            config.periods, config.resolutions, narrowing=config.resolved_narrowing
        )
    try:
        discriminator.load_state_dict(read_compact(path))
    except (OSError, SafetensorError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise ModelError(f"{path}: cannot be read ({reason}); import it again") from error
    return discriminator

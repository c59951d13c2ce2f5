"""Files of other programs, opened without running anything they carry."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import torch

from ezrvc_features.content.foreign import read_checkpoint
from ezrvc_features.errors import FeatureError
from ezrvc_model.errors import ModelError
from ezrvc_model.interop.names import with_old_weight_norm

_FOREIGN_DECODERS = {
    "dec.mrfs.": "MRF HiFi-GAN",
    "dec.upsample_blocks.": "RefineGAN",
    "dec.downsample_blocks.": "RefineGAN",
    "dec.mel_conv.": "RefineGAN",
}


def read_foreign(path: Path) -> dict[str, Any]:
    """What a `.pth` file of another program holds.

    Raises:
        ModelError: it is missing or damaged, holds no dictionary, or asks for code to be run (in
            which case nothing was executed).
    """
    try:
        content = read_checkpoint(path)
    except FeatureError as error:
        raise ModelError(str(error)) from error
    if not isinstance(content, dict):
        raise ModelError(
            f"{path}: holds a {type(content).__name__}, not the dictionary of a voice checkpoint"
        )
    return cast(dict[str, Any], content)


def tensors_in(content: Mapping[str, Any], key: str, path: Path) -> dict[str, torch.Tensor]:
    """The tensors below one key of a checkpoint, in float32, under names of old weight norm.

    Raises:
        ModelError: there is no such key, it holds something else, or its decoder is one that this
            network does not have.
    """
    tree = content.get(key)
    if not isinstance(tree, Mapping) or not tree:
        raise ModelError(
            f"{path}: holds no weights under {key!r}; keys: {', '.join(map(str, content))}"
        )
    tensors: dict[str, torch.Tensor] = {}
    for name, value in tree.items():
        if not isinstance(value, torch.Tensor):
            raise ModelError(f"{path}: {name} is a {type(value).__name__}, not a tensor")
        tensor = value.detach()
        tensors[with_old_weight_norm(str(name))] = (
            tensor.float() if tensor.is_floating_point() else tensor
        )
    for prefix, decoder in _FOREIGN_DECODERS.items():
        if any(name.startswith(prefix) for name in tensors):
            raise foreign_decoder(path, decoder)
    return tensors


def foreign_decoder(path: Path, decoder: str) -> ModelError:
    """The refusal of a voice whose decoder is not known here."""
    return ModelError(
        f"{path}: its decoder is {decoder}, which is not supported; voices with a HiFi-GAN or "
        "NSF-HiFi-GAN decoder are"
    )


def read_json(path: Path) -> dict[str, Any]:
    """A JSON file that holds an object.

    Raises:
        ModelError: it is missing, is not JSON, or holds something else.
    """
    try:
        tree = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"{path}: cannot be read ({error})") from error
    except json.JSONDecodeError as error:
        raise ModelError(f"{path}: not valid JSON ({error})") from error
    if not isinstance(tree, dict):
        raise ModelError(f"{path}: expected an object, got {type(tree).__name__}")
    return cast(dict[str, Any], tree)

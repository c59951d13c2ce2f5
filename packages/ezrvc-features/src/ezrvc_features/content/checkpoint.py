"""Foreign checkpoints turned into ours once, with every tensor accounted for, and kept.

The first time a checkpoint is used it is read safely, its tensors take the names of our network,
and the result is kept as one safetensors file in the cache folder. Later loads read that file.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from ezrvc_device.atomic import atomic_file
from ezrvc_device.storage import find_storage
from ezrvc_features.errors import FeatureError

_LISTED = 8
"""Names shown in a message before it says how many more there are."""


@dataclass(frozen=True)
class Checkpoint:
    """Weights under the names of our network, and the numbers that shape it.

    Attributes:
        tensors: by name.
        config: what the network is built from; plain JSON values.
    """

    tensors: dict[str, torch.Tensor]
    config: dict[str, Any]


@dataclass(frozen=True)
class ConvertedFile:
    """A checkpoint as it lies in the cache; its tensors are read only when asked for.

    Attributes:
        path: the safetensors file.
        digest: SHA-256 of what it was made from.
        config: what the network is built from.
    """

    path: Path
    digest: str
    config: dict[str, Any]

    def tensors(self, names: Iterable[str] | None = None) -> dict[str, torch.Tensor]:
        """The weights in float32, on the CPU.

        Args:
            names: of those that are wanted, all of which are there; None: all.
        """
        with safe_open(self.path, framework="pt") as file:
            wanted = file.keys() if names is None else names
            return {name: file.get_tensor(name).float() for name in wanted}


def convert_once(
    source: Path, convert: Callable[[Path], Checkpoint], *, layout: str
) -> ConvertedFile:
    """The converted form of a checkpoint, made on first use.

    A source that changes (its size or time of change) is converted again.

    Args:
        source: the checkpoint's file or folder.
        convert: reads the source.
        layout: name and revision of the conversion; another one is kept apart.

    Raises:
        FeatureError: the source cannot be read or does not hold what it should.
    """
    files = _files_of(source)
    identity = [
        (str(file.resolve()), file.stat().st_size, file.stat().st_mtime_ns) for file in files
    ]
    key = hashlib.sha256(json.dumps([layout, identity]).encode()).hexdigest()[:16]
    path = find_storage().cache / "encoders" / f"{layout}-{key}.safetensors"
    if not path.is_file():
        checkpoint = convert(source)
        metadata = {"digest": _digest(files), "config": json.dumps(checkpoint.config)}
        tensors = {name: tensor.contiguous() for name, tensor in checkpoint.tensors.items()}
        with atomic_file(path) as temporary:
            save_file(tensors, temporary, metadata=metadata)
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    return ConvertedFile(path, metadata["digest"], json.loads(metadata["config"]))


def rename(
    tensors: Mapping[str, torch.Tensor], rules: Iterable[tuple[str, str]]
) -> dict[str, torch.Tensor]:
    """Give tensors new names by the first rule (pattern of the whole name, replacement) that fits.

    Names that no rule fits stay as they are.
    """
    compiled = [(re.compile(pattern), replacement) for pattern, replacement in rules]
    renamed: dict[str, torch.Tensor] = {}
    for name, tensor in tensors.items():
        for pattern, replacement in compiled:
            match = pattern.fullmatch(name)
            if match is not None:
                name = match.expand(replacement)
                break
        renamed[name] = tensor
    return renamed


def merge_weight_norm(tensors: Mapping[str, torch.Tensor], name: str) -> dict[str, torch.Tensor]:
    """Replace the length and direction of a weight-normalised convolution by their product.

    Both of torch's spellings are known: `weight_g` and `weight_v`, and since torch 2
    `parametrizations.weight.original0` and `original1`. The norm is taken for each position of
    the kernel (the last axis), as HuBERT's positional convolution does.

    Args:
        tensors: by name.
        name: of the product, `….weight`.
    """
    merged = dict(tensors)
    parametrized = f"{name.removesuffix('weight')}parametrizations.weight.original"
    for length, direction in ((f"{name}_g", f"{name}_v"), (f"{parametrized}0", f"{parametrized}1")):
        if length in merged and direction in merged:
            unscaled = merged.pop(direction).float()
            norm = unscaled.norm(dim=(0, 1), keepdim=True)
            merged[name] = merged.pop(length).float() * unscaled / norm
    return merged


def account_for(
    tensors: Mapping[str, torch.Tensor],
    expected: Mapping[str, torch.Tensor],
    *,
    harmless: str,
    source: Path,
) -> dict[str, torch.Tensor]:
    """Exactly the expected tensors; every other one must be known to be of no use.

    Args:
        tensors: what the checkpoint holds, under our names.
        expected: the state of the network (shapes count, values do not).
        harmless: pattern of whole names that may be left out silently.
        source: named in the message.

    Raises:
        FeatureError: tensors are missing, unknown, or of another shape; lists them.
    """
    useful = {name for name in tensors if name in expected or not re.fullmatch(harmless, name)}
    misshaped = [
        f"{name} {tuple(tensors[name].shape)} instead of {tuple(expected[name].shape)}"
        for name in sorted(useful & expected.keys())
        if tensors[name].shape != expected[name].shape
    ]
    problems = [
        f"{len(names)} {what}: {_listed(names)}"
        for what, names in (
            ("missing", sorted(expected.keys() - useful)),
            ("unknown", sorted(useful - expected.keys())),
            ("of another shape", misshaped),
        )
        if names
    ]
    if problems:
        raise FeatureError(
            f"{source}: its tensors are not those of this encoder ({'; '.join(problems)}); "
            "check that it is the right file"
        )
    return {name: tensors[name] for name in expected}


def tensors_in(tree: Any, *, inside: tuple[str, ...], source: Path) -> dict[str, torch.Tensor]:
    """The tensors by name in what a checkpoint holds, found under one of several usual keys.

    Raises:
        FeatureError: there are none.
    """
    for key in inside:
        if isinstance(tree, dict) and isinstance(tree.get(key), dict):
            tree = tree[key]
            break
    tensors = {}
    if isinstance(tree, dict):
        tensors = {key: value for key, value in tree.items() if isinstance(value, torch.Tensor)}
    if not tensors:
        raise FeatureError(f"{source}: holds no weights; check that it is the right file")
    return tensors


def hugging_face_files(folder: Path) -> tuple[Path, list[Path]]:
    """The configuration and the weight files of a folder in Hugging Face layout.

    Raises:
        FeatureError: one of them is missing.
    """
    config = folder / "config.json"
    for pattern in ("model*.safetensors", "pytorch_model*.bin"):
        weights = sorted(folder.glob(pattern))
        if weights and config.is_file():
            return config, weights
    raise FeatureError(
        f"{folder}: expected config.json beside model.safetensors or pytorch_model.bin; "
        "give the folder that holds both"
    )


def load_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        FeatureError: the file is missing or is something else.
    """
    try:
        tree = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FeatureError(f"{path}: cannot be read as JSON ({error})") from error
    if not isinstance(tree, dict):
        raise FeatureError(f"{path}: expected a JSON object")
    return tree


def _files_of(source: Path) -> list[Path]:
    if source.is_dir():
        config, weights = hugging_face_files(source)
        return [config, *weights]
    if not source.is_file():
        raise FeatureError(f"{source}: there is no such file or folder of encoder weights")
    return [source]


def _digest(files: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(names[:_LISTED]) + more

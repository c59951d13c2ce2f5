"""Whisper out of a CTranslate2 model, so that real weights can be tested against CTranslate2.

CTranslate2's `model.bin` (version 6): the version, the name and revision of the specification and
the number of variables; for each its name, rank, sizes, type, number of bytes and bytes; then the
aliases. Integers are little-endian; names are preceded by their length and end with a zero.
"""

import struct
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

_VERSION = 6
_TYPES = {0: "<f4", 1: "i1", 2: "<i2", 3: "<i4", 4: "<f2"}
_HEAD_CHANNELS = 64


def read_container(path: Path) -> dict[str, NDArray[np.generic]]:
    """The variables of a `model.bin` by name.

    Raises:
        ValueError: the file is of another version.
    """
    content = path.read_bytes()
    place = 0

    def number(kind: str) -> int:
        nonlocal place
        (value,) = struct.unpack_from(f"<{kind}", content, place)
        place += struct.calcsize(f"<{kind}")
        return value

    def text() -> str:
        nonlocal place
        length = number("H")
        place += length
        return content[place - length : place - 1].decode()

    if number("I") != _VERSION:
        raise ValueError(f"{path}: not a CTranslate2 model of version {_VERSION}")
    text()  # what it is
    number("I")  # and which revision of that
    variables: dict[str, NDArray[np.generic]] = {}
    for _ in range(number("I")):
        name = text()
        shape = [number("I") for _ in range(number("B"))]
        kind = np.dtype(_TYPES[number("B")])
        n_bytes = number("I")
        values = np.frombuffer(content, kind, n_bytes // kind.itemsize, place)
        variables[name] = values.reshape(shape)
        place += n_bytes
    return variables


def write_openai_whisper(variables: dict[str, NDArray[np.generic]], path: Path) -> Path:
    """Write the encoder of a Whisper model of CTranslate2 in OpenAI's layout.

    Args:
        variables: of `read_container`.
        path: the `.pt` to write.
    """
    tensors = {
        name.removeprefix("encoder/"): torch.from_numpy(values.copy())
        for name, values in variables.items()
        if name.startswith("encoder/") and values.ndim > 0
    }
    state = {"encoder.positional_embedding": tensors.pop("position_encodings/encodings")}
    for name in ("conv1", "conv2"):
        state |= _linear(tensors, name, f"encoder.{name}")
    state |= _norm(tensors, "layer_norm", "encoder.ln_post")
    n_layers = sum(name.endswith("/self_attention/linear_0/weight") for name in tensors)
    for index in range(n_layers):
        state |= _layer(tensors, f"layer_{index}", f"encoder.blocks.{index}")
    n_mels, width = tensors["conv1/weight"].shape[1], tensors["conv1/weight"].shape[0]
    dims = {
        "n_mels": n_mels,
        "n_audio_ctx": len(state["encoder.positional_embedding"]),
        "n_audio_state": width,
        "n_audio_head": width // _HEAD_CHANNELS,
        "n_audio_layer": n_layers,
    }
    torch.save({"dims": dims, "model_state_dict": state}, path)
    return path


def _layer(tensors: dict[str, torch.Tensor], theirs: str, ours: str) -> dict[str, torch.Tensor]:
    """One layer; query, key and value lie in one matrix, and keys have no bias."""
    attention, network = f"{theirs}/self_attention", f"{theirs}/ffn"
    state = {
        **_norm(tensors, f"{attention}/layer_norm", f"{ours}.attn_ln"),
        **_norm(tensors, f"{network}/layer_norm", f"{ours}.mlp_ln"),
        **_linear(tensors, f"{attention}/linear_1", f"{ours}.attn.out"),
        **_linear(tensors, f"{network}/linear_0", f"{ours}.mlp.0"),
        **_linear(tensors, f"{network}/linear_1", f"{ours}.mlp.2"),
    }
    packed = _linear(tensors, f"{attention}/linear_0", "packed")
    for kind in ("weight", "bias"):
        parts = packed[f"packed.{kind}"].chunk(3)
        for name, part in zip(("query", "key", "value"), parts, strict=True):
            state[f"{ours}.attn.{name}.{kind}"] = part.clone()
    if state.pop(f"{ours}.attn.key.bias").any():
        raise ValueError(f"{theirs}: Whisper's keys have no bias")
    return state


def _linear(tensors: dict[str, torch.Tensor], theirs: str, ours: str) -> dict[str, torch.Tensor]:
    return {f"{ours}.{kind}": tensors[f"{theirs}/{kind}"] for kind in ("weight", "bias")}


def _norm(tensors: dict[str, torch.Tensor], theirs: str, ours: str) -> dict[str, torch.Tensor]:
    names = (("weight", "gamma"), ("bias", "beta"))
    return {f"{ours}.{kind}": tensors[f"{theirs}/{name}"] for kind, name in names}

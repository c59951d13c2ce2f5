"""Voices of so-vits-svc 4.0 and 4.1: `G_<step>.pth` and `config.json`."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, cast

from ezrvc_model.config import SynthesizerConfig
from ezrvc_model.errors import ModelError
from ezrvc_model.interop.encoders import decide_encoder
from ezrvc_model.interop.imported import ImportedGenerator, translate
from ezrvc_model.interop.reading import read_foreign, read_json, tensors_in
from ezrvc_model.interop.sovits_config import read_sovits_config
from ezrvc_model.interop.variations import drop_filters, drop_shared_copies
from ezrvc_model.voice_card import Origin, OriginFile

NOISE_SCALE = 0.4
"""Of the prior, in so-vits-svc's command line."""
_CHECKPOINT_NAME = re.compile(r"^G_(\d+)(_release)?(_half)?\.pth$")
_DISCRIMINATOR_NAME = re.compile(r"^D_(\d+)\.pth$")


def import_sovits(
    checkpoint: Path, config: Path | None = None, *, encoder: str | None = None
) -> ImportedGenerator:
    """Read a voice of so-vits-svc 4.0 or 4.1.

    Args:
        checkpoint: `G_<step>.pth`, or a folder, of which the highest step is taken.
        config: its `config.json`; None: the one beside the checkpoint.
        encoder: the content encoder it was trained with, where the configuration does not say.

    Raises:
        ModelError: a file is missing, damaged or refused; the two do not belong together; the
            encoder is not certain; or a tensor is missing, unknown or mis-shaped.
    """
    path = newest_checkpoint(checkpoint) if checkpoint.is_dir() else checkpoint
    config_path = config or path.parent / "config.json"
    content = read_foreign(path)
    tensors = tensors_in(content, "model", path)
    tree = read_json(config_path)
    network, ignored = read_sovits_config(tree, tensors, str(config_path))
    data = cast(Mapping[str, Any], tree["data"])
    model = cast(Mapping[str, Any], tree["model"])
    width = network.content_dim
    named = model.get("speech_encoder")
    named = None if named is None else str(named)
    decided = decide_encoder(width, named, encoder, str(path))

    what = f"{path} against {config_path}"
    tensors = drop_filters(tensors, str(path)) if network.decoder.has_snake else tensors
    tensors = drop_shared_copies(tensors, str(path)) if network.share_flow else tensors
    iteration = content.get("iteration")
    return ImportedGenerator(
        config=network,
        state=translate(tensors, network, "sovits", what),
        speakers=_speakers(tree, network, config_path),
        encoder=decided,
        stretch=_stretch(data, config_path),
        unvoiced="interpolate",
        noise_scale=NOISE_SCALE,
        origin=Origin(
            kind="imported",
            files=(OriginFile.of(path), OriginFile.of(config_path)),
            note=f"so-vits-svc 4, iteration {iteration}",
        ),
        ignored=ignored,
    )


def newest_checkpoint(folder: Path) -> Path:
    """The generator with the highest step in a folder.

    Raises:
        ModelError: there is none.
    """
    steps = {
        path: step for path in folder.iterdir() if (step := checkpoint_step(path.name)) is not None
    }
    if not steps:
        raise ModelError(f"{folder}: holds no so-vits-svc generator (G_<step>.pth)")
    return max(steps, key=lambda path: (steps[path], path.name))


def checkpoint_step(name: str) -> int | None:
    """The step in a generator's file name; None: it is not one of so-vits-svc."""
    match = _CHECKPOINT_NAME.match(name)
    return None if match is None else int(match[1])


def matching_discriminator(checkpoint: str, names: Iterable[str]) -> str | None:
    """The discriminator of the same step as a generator, else the newest, by their file names."""
    steps = {
        name: int(match[1])
        for name in names
        if (match := _DISCRIMINATOR_NAME.match(name)) is not None
    }
    wanted = checkpoint_step(checkpoint)
    same = [name for name, step in steps.items() if step == wanted]
    return same[0] if same else max(steps, key=steps.__getitem__, default=None)


def _speakers(tree: Mapping[str, Any], config: SynthesizerConfig, path: Path) -> dict[str, int]:
    speakers = tree.get("spk")
    if speakers is None:
        return {f"speaker-{row}": row for row in range(config.n_speakers)}
    if isinstance(speakers, list):  # in the order of the table
        speakers = {str(name): row for row, name in enumerate(cast(list[Any], speakers))}
    if not isinstance(speakers, Mapping) or not speakers:
        raise ModelError(f"{path}: 'spk' must map speaker names to numbers, got {speakers!r}")
    named: dict[str, int] = {}
    for name, row in cast(Mapping[str, Any], speakers).items():
        if not isinstance(row, int) or not 0 <= row < config.n_speakers:
            raise ModelError(
                f"{path}: speaker {name!r} has row {row!r}, the checkpoint's table has "
                f"{config.n_speakers}"
            )
        named[name] = row
    return named


def _stretch(data: Mapping[str, Any], path: Path) -> Literal["nearest", "left"]:
    mode = data.get("unit_interpolate_mode", "left")
    if mode not in ("left", "nearest"):
        raise ModelError(
            f"{path}: unit_interpolate_mode {mode!r} is not supported; 'left' and 'nearest' are"
        )
    return mode

"""Bases made by so-vits-svc and RVC."""

import re
from collections.abc import Mapping
from pathlib import Path

import torch

from ezrvc_model.config import SynthesizerConfig
from ezrvc_model.discriminators.discriminator import Discriminator
from ezrvc_model.errors import ModelError
from ezrvc_model.interop.companion import bring_discriminator
from ezrvc_model.interop.discriminators import import_discriminator
from ezrvc_model.interop.imported import shapes_of
from ezrvc_model.interop.names import Family, generator_names
from ezrvc_model.interop.opening import foreign_checkpoint, import_foreign
from ezrvc_model.interop.reading import read_foreign, read_json, tensors_in
from ezrvc_model.interop.variations import split_folded
from ezrvc_model.training.bases.base import Base
from ezrvc_model.voice_card import OriginFile

_NOT_STATED = "not stated"
_BLOCK = re.compile(r"^dec\.resblocks\.(\d+)\.")
_NUMBERED_SPEAKER = re.compile(r"^speaker-\d+$")
_GENERATOR = re.compile(r"^(?P<before>.*)G(?P<after>\d+k\.pth)$")
"""Base models of RVC: `f0G40k.pth` has `f0D40k.pth` beside it."""


def read_foreign_base(name: str, path: Path, target: SynthesizerConfig) -> Base:
    """Read a generator of so-vits-svc or RVC and the discriminator beside it.

    Args:
        name: how it was asked for.
        path: the generator's file, or a folder.
        target: the network to be trained; see `read_base`.

    Raises:
        ModelError: a file is missing, damaged or refused, or is of another build than `target`
            and does not say which.
    """
    checkpoint = foreign_checkpoint(path)
    content = read_foreign(checkpoint)
    config_path = checkpoint.parent / "config.json"
    if "weight" in content or config_path.is_file():
        base = _with_config(name, checkpoint, config_path, is_rvc="weight" in content)
    else:
        base = _without_config(name, checkpoint, tensors_in(content, "model", checkpoint), target)
    opponent, file, notes = _opponent(checkpoint)
    return Base(
        name=base.name,
        generator=base.generator,
        files=(*base.files, *([OriginFile.of(file)] if file is not None else [])),
        config=base.config,
        speakers=base.speakers,
        encoder=base.encoder,
        discriminator=opponent,
        notes=(*base.notes, *notes),
    )


def _with_config(name: str, checkpoint: Path, config_path: Path, *, is_rvc: bool) -> Base:
    stated = is_rvc or "speech_encoder" in _section(read_json(config_path), "model")
    imported = import_foreign(checkpoint, encoder=None if stated else _NOT_STATED)
    speakers = imported.speakers
    return Base(
        name=name,
        generator=imported.state,
        files=imported.origin.files,
        config=imported.config,
        speakers={} if all(map(_NUMBERED_SPEAKER.match, speakers)) else speakers,
        encoder=imported.encoder if stated else None,
    )


def _without_config(
    name: str,
    checkpoint: Path,
    tensors: dict[str, torch.Tensor],
    target: SynthesizerConfig,
) -> Base:
    """Read the file as one whose residual blocks are arranged as in the target."""
    decoder = target.decoder
    family: Family = "rvc" if "enc_p.emb_phone.weight" in tensors else "sovits"
    blocks = {int(match[1]) for each in tensors if (match := _BLOCK.match(each)) is not None}
    expected = len(decoder.upsample_rates) * len(decoder.resblock_kernel_sizes)
    if len(blocks) != expected:
        raise ModelError(
            f"{checkpoint}: has {len(blocks)} residual blocks, the network to be trained "
            f"{expected}, and no configuration says how they are arranged; put its config.json "
            "beside it"
        )
    if family == "rvc" and tensors["enc_p.emb_phone.weight"].ndim == 2:
        tensors["enc_p.emb_phone.weight"] = tensors["enc_p.emb_phone.weight"].unsqueeze(2)
    theirs = generator_names(shapes_of(target), decoder, family)
    tensors = split_folded(tensors, set(theirs.values()))
    ours = {foreign: our for our, foreign in theirs.items()}
    return Base(
        name=name,
        generator={ours.get(each, each): tensor for each, tensor in tensors.items()},
        files=(OriginFile.of(checkpoint),),
        notes=(
            f"{checkpoint.name} has no configuration beside it: rates, encoder and speakers are "
            "taken to be those of this run",
        ),
    )


def _opponent(checkpoint: Path) -> tuple[Discriminator | None, Path | None, tuple[str, ...]]:
    """The discriminator that belongs to a generator, its file, and what is to be said."""
    brought = bring_discriminator(checkpoint.absolute().parent, checkpoint.name)
    if brought.network is not None or brought.advice:
        return brought.network, brought.file, brought.advice
    match = _GENERATOR.match(checkpoint.name)
    beside = checkpoint.with_name(f"{match['before']}D{match['after']}") if match else None
    if beside is None or not beside.is_file():
        return None, None, ()
    return import_discriminator(beside), beside, ()


def _section(tree: Mapping[str, object], name: str) -> Mapping[str, object]:
    section = tree.get(name)
    return section if isinstance(section, Mapping) else {}

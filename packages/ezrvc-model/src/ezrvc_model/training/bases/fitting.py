"""Giving networks that are to be trained what fits of a base."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

import torch

from ezrvc_model.discriminators.discriminator import Discriminator
from ezrvc_model.errors import ModelError
from ezrvc_model.interop.names import with_old_weight_norm
from ezrvc_model.interop.variations import split_folded
from ezrvc_model.synthesizer.synthesizer import Synthesizer
from ezrvc_model.training.bases.base import SPEAKER_TABLE, Base
from ezrvc_model.training.bases.report import BaseReport, LayerFate

_LENGTH = ".parametrizations.weight.original0"
_DIRECTION = ".parametrizations.weight.original1"
_CONTENT_PROJECTION = "content_embedding.projection"
_NO_DISCRIMINATOR = "the base has no discriminator"
_BESIDE_SHAPES = ("sample_rate", "hop_length", "n_fft", "n_heads", "kernel_size",
                  "scaled_embedding", "pitch_overflow")  # fmt: skip
_BESIDE_SHAPES_OF_DECODER = ("kind", "upsample_rates", "resblock_dilations", "source_sample_rate")

NewSpeakers = Literal["mean", "fresh"]


@torch.no_grad()
def start_from(
    base: Base,
    generator: Synthesizer,
    discriminator: Discriminator,
    *,
    speakers: Mapping[str, int],
    encoder: str,
    new_speakers: NewSpeakers,
) -> BaseReport:
    """Load what fits of a base into two fresh networks; the rest stays as it was initialised.

    A layer is taken whole or not at all. The projection of the content is taken only if the base
    was trained with the same content encoder.

    Args:
        base: where from.
        generator: in training form.
        discriminator: its opponent.
        speakers: name to row of the generator's speaker table.
        encoder: of the content that will be trained on.
        new_speakers: what speakers start from that the base does not know.

    Returns:
        What became of every layer.

    Raises:
        ModelError: no layer of the generator fits.
    """
    source = _unfolded(base.generator, generator.state_dict())
    barred = _barred(base, encoder)
    fates = list(_load(generator, source, barred))
    speaker_rows = _load_speakers(base, generator, speakers, new_speakers)
    opponent = base.discriminator
    if opponent is None:
        judged = [LayerFate("discriminator", layer, size, _NO_DISCRIMINATOR)
                  for layer, size in _sizes(discriminator).items()]  # fmt: skip
    else:
        judged = list(_load(discriminator, _by_target(opponent, discriminator), {}))
    if not any(fate.taken for fate in fates):
        raise ModelError(
            f"{base.name}: no layer of it fits this network; prepare the experiment with the "
            "preset that the base was trained with, or start from nothing: train.base=none"
        )
    known = generator.state_dict().keys()
    return BaseReport(
        base=base.name,
        files=base.files,
        layers=(*fates, *judged),
        speakers=speaker_rows,
        unused=tuple(sorted(source.keys() - known)),
        notes=(*base.notes, *_differences(base, generator, encoder)),
    )


def _load(
    network: Synthesizer | Discriminator,
    source: Mapping[str, torch.Tensor],
    barred: Mapping[str, str],
) -> Iterator[LayerFate]:
    """Copy every layer that fits, except the speaker table; says what became of each."""
    what = "generator" if isinstance(network, Synthesizer) else "discriminator"
    target = network.state_dict()
    for layer, names in _layers(target).items():
        size = sum(target[name].numel() for name in names)
        reason = barred.get(layer) or _misfit(names, source, target)
        if not reason:
            for name in names:
                target[name].copy_(source[name])
        yield LayerFate(what, layer, size, reason)


def _misfit(
    names: Sequence[str], source: Mapping[str, torch.Tensor], target: Mapping[str, torch.Tensor]
) -> str:
    """Why a layer cannot be taken; empty if it can."""
    present = [name for name in names if name in source]
    if not present:
        return "the base has no such layer"
    if len(present) < len(names):
        missing = next(name for name in names if name not in source)
        return f"the base lacks a tensor of it: {missing}"
    for name in names:
        if source[name].shape != target[name].shape:
            theirs, ours = (_shape(each[name]) for each in (source, target))
            return f"another shape: {theirs} in the base, {ours} here"
    return ""


def _layers(tensors: Mapping[str, torch.Tensor]) -> dict[str, list[str]]:
    """Tensor names by layer, in the network's order; without the speaker table."""
    layers: dict[str, list[str]] = {}
    for name in tensors:
        if name != SPEAKER_TABLE:
            whole = name.removesuffix(_LENGTH).removesuffix(_DIRECTION)
            layer = whole if whole != name else name.rpartition(".")[0]
            layers.setdefault(layer, []).append(name)
    return layers


def _sizes(network: Discriminator) -> dict[str, int]:
    target = network.state_dict()
    return {
        layer: sum(target[name].numel() for name in names)
        for layer, names in _layers(target).items()
    }


def _barred(base: Base, encoder: str) -> dict[str, str]:
    """Layers that must not be taken although their shapes may fit."""
    if base.encoder in (None, encoder):
        return {}
    reason = f"made for other content: {base.encoder} in the base, {encoder} here"
    return {_CONTENT_PROJECTION: reason}


def _unfolded(
    source: Mapping[str, torch.Tensor], target: Mapping[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    """Give weights whose normalisation was folded away a length and a direction again."""
    ours = {with_old_weight_norm(name): name for name in target}
    old = {with_old_weight_norm(name): tensor for name, tensor in source.items()}
    return {ours.get(name, name): tensor for name, tensor in split_folded(old, ours).items()}


def _load_speakers(
    base: Base, generator: Synthesizer, speakers: Mapping[str, int], new_speakers: NewSpeakers
) -> dict[str, str]:
    """Fill the speaker table; says where each speaker's row comes from."""
    table = generator.state_dict()[SPEAKER_TABLE]
    theirs = base.generator.get(SPEAKER_TABLE)
    if theirs is None or theirs.shape[1] != table.shape[1]:
        width = "no table" if theirs is None else f"rows of {theirs.shape[1]}"
        return dict.fromkeys(
            speakers, f"afresh: the base has {width}, this network rows of {table.shape[1]}"
        )
    known = sorted(row for row in base.speakers.values() if row < len(theirs))
    came_from: dict[str, str] = {}
    for name, row in speakers.items():
        if base.keeps_speakers and name in base.speakers:
            source = base.speakers[name]
            table[row].copy_(theirs[source])
            came_from[name] = f"row {source} of the base, which knows the speaker"
        elif not base.speakers and row < len(theirs):
            table[row].copy_(theirs[row])
            came_from[name] = f"row {row} of the base, whose speakers have no names"
        elif new_speakers == "mean" and known:
            table[row].copy_(theirs[known].mean(dim=0))
            several = f"the mean of the {len(known)} speakers of the base"
            came_from[name] = several if len(known) > 1 else "the only speaker of the base"
        else:
            came_from[name] = "afresh"
    return came_from


def _by_target(base: Discriminator, target: Discriminator) -> dict[str, torch.Tensor]:
    """The base's tensors under the names that members of the same kind have in the target."""
    places = {key: index for index, key in enumerate(_members(target))}
    renamed: dict[str, torch.Tensor] = {}
    for index, key in enumerate(_members(base)):
        if key in places:
            beginning = f"members.{index}."
            for name, tensor in base.state_dict().items():
                if name.startswith(beginning):
                    rest = name.removeprefix(beginning)
                    renamed[f"members.{places[key]}.{rest}"] = tensor
    return renamed


def _members(discriminator: Discriminator) -> list[object]:
    """What each member looks at."""
    return ["scale", *discriminator.periods, *discriminator.resolutions]


def _differences(base: Base, generator: Synthesizer, encoder: str) -> list[str]:
    """Numbers that shapes do not show and that mean something to a layer that was taken."""
    if base.config is None:
        return []
    here, there = generator.config, base.config
    pairs: dict[str, tuple[str, str]] = {
        name: (str(getattr(there, name)), str(getattr(here, name))) for name in _BESIDE_SHAPES
    }
    pairs |= {
        f"decoder.{name}": (str(getattr(there.decoder, name)), str(getattr(here.decoder, name)))
        for name in _BESIDE_SHAPES_OF_DECODER
    }
    notes = [
        f"{name} is {theirs} in the base, {ours} here"
        for name, (theirs, ours) in pairs.items()
        if theirs != ours
    ]
    if base.encoder is None:
        notes.append(f"the base does not say its content encoder, taken to be {encoder}")
    return notes


def _shape(tensor: torch.Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "scalar"

"""Finding a base by the words a person uses for it."""

from dataclasses import replace
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from ezrvc_device.errors import ConfigurationError
from ezrvc_device.progress import Progress, silent
from ezrvc_model.builtin import BUILT_IN_SCHEME, built_in_voice
from ezrvc_model.config import DiscriminatorConfig, SynthesizerConfig
from ezrvc_model.discriminators.discriminator import Discriminator
from ezrvc_model.discriminators.discriminator_file import load_discriminator
from ezrvc_model.errors import ModelError
from ezrvc_model.interop.hub import SCHEME, HubAddress, fetch_hub_model
from ezrvc_model.training.bases.base import Base
from ezrvc_model.training.bases.foreign import read_foreign_base
from ezrvc_model.training.checkpoint import RECORD_NAME, DamagedCheckpointError, read_record
from ezrvc_model.training.checkpoint_folder import list_checkpoints
from ezrvc_model.voice import VoiceModel
from ezrvc_model.voice_card import OriginFile
from ezrvc_model.voice_folder import (
    DISCRIMINATOR_NAME,
    EXPORT_NAME,
    GENERATOR_NAME,
    is_voice_folder,
    unknown,
    voice_folders,
    voice_name,
)
from ezrvc_model.voice_weights import read_generator

_CHECKPOINTS = "checkpoints"


def read_base(
    source: str, models: Path, target: SynthesizerConfig, progress: Progress = silent
) -> Base:
    """Read what training is to start from.

    Args:
        source: a run or voice below `models` by name; the path of a run, of one of its
            checkpoints, of a voice folder, of a so-vits-svc folder or of a `.pth` file; or
            `hf:owner/name`, such a file on the Hub; or `builtin:base`, of which new voices
            learn without taking its speakers along. Of a run, the newest whole checkpoint is
            taken, else its exported voice.
        models: where runs and voices are kept.
        target: the network to be trained; a foreign file that comes without its configuration is
            read as one of this shape.
        progress: is told of bytes that come from the Hub.

    Raises:
        ModelError: there is no such thing, or it is damaged.
        WeightsError: the Hub cannot be asked, or does not give a file.
    """
    if source.startswith(BUILT_IN_SCHEME):
        folder = built_in_voice(source.removeprefix(BUILT_IN_SCHEME))
        return replace(_from_voice(source, folder), keeps_speakers=False)
    if source.startswith(SCHEME):
        fetched = fetch_hub_model(HubAddress.parse(source), progress)
        return read_foreign_base(fetched.address, fetched.checkpoint, target)
    is_name = source == Path(source).name and (models / source).is_dir()
    path = models / source if is_name else Path(source).expanduser()
    name = path.absolute().name
    if path.is_file():
        return read_foreign_base(name, path, target)
    if not path.is_dir():
        names = {voice_name(folder) for folder in voice_folders(models)}
        raise ModelError(f"{unknown('base', source, names)}; it may be a folder or .pth file, too")
    if (path / RECORD_NAME).is_file():
        return _from_checkpoint(path.absolute().parent.parent.name, path)
    if list_checkpoints(path / _CHECKPOINTS):
        return _from_run(name, path)
    for folder in (path, path / EXPORT_NAME):
        if is_voice_folder(folder):
            return _from_voice(voice_name(folder.absolute()), folder)
    if any(path.glob("*.pth")):
        return read_foreign_base(name, path, target)
    raise ModelError(f"{path}: holds no run, checkpoint, voice or .pth file to start from")


def _from_run(name: str, run: Path) -> Base:
    """The newest whole checkpoint; the run itself is left as it is."""
    reasons: list[str] = []
    for path in reversed(list_checkpoints(run / _CHECKPOINTS)):
        try:
            return _from_checkpoint(name, path)
        except DamagedCheckpointError as error:
            reasons.append(str(error))
    raise ModelError(f"{run}: no checkpoint is whole ({'; '.join(reasons)}); name its voice folder")


def _from_checkpoint(name: str, path: Path) -> Base:
    record = read_record(path)
    try:
        config = SynthesizerConfig.from_tree(record.fixed["model"], source=str(path))
        shape = DiscriminatorConfig.from_tree(record.fixed["train"]["discriminator"])
        encoder = record.fixed["features"]["encoder"]
        speakers = record.fixed["speakers"]
    except (ConfigurationError, KeyError) as error:
        raise ModelError(f"{path}: does not say what it is a checkpoint of ({error})") from error
    with torch.random.fork_rng(devices=[]):
        discriminator = Discriminator(
            shape.periods, shape.resolutions, narrowing=shape.resolved_narrowing
        )
    opponent = path / "discriminator.safetensors"
    try:
        discriminator.load_state_dict(load_file(opponent))
        generator = load_file(path / GENERATOR_NAME)
    except (OSError, SafetensorError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise ModelError(f"{path}: cannot be read ({reason}); choose another base") from error
    return Base(
        name=f"{name}, step {record.step}",
        generator=generator,
        files=(OriginFile.of(path / GENERATOR_NAME), OriginFile.of(opponent)),
        config=config,
        speakers=speakers,
        encoder=encoder,
        discriminator=discriminator,
    )


def _from_voice(name: str, folder: Path) -> Base:
    voice = VoiceModel.load(folder)
    opponent = folder / DISCRIMINATOR_NAME
    files = [folder / GENERATOR_NAME, *([opponent] if opponent.is_file() else [])]
    return Base(
        name=name,
        generator=read_generator(folder / GENERATOR_NAME),
        files=tuple(OriginFile.of(file) for file in files),
        config=voice.config,
        speakers=voice.speakers,
        encoder=voice.features.encoder,
        discriminator=load_discriminator(opponent) if opponent.is_file() else None,
        licence=voice.card.licence,
    )

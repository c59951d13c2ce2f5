"""Voices as files: from other programs and back, described, blended, compressed."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from safetensors import SafetensorError, safe_open

from ezrvc_cli.pipeline.foreign_retrieval import bring_retrieval
from ezrvc_device.atomic import is_temporary
from ezrvc_device.progress import Progress, silent
from ezrvc_device.weights.compact_file import scales_among
from ezrvc_features.config import FeatureConfig
from ezrvc_features.content.registry import list_encoders
from ezrvc_features.retrieval import RetrieverFacts
from ezrvc_model.blending import blend
from ezrvc_model.config import DiscriminatorConfig
from ezrvc_model.discriminators.discriminator_file import read_discriminator_config
from ezrvc_model.errors import ModelError
from ezrvc_model.interop.companion import bring_discriminator
from ezrvc_model.interop.hub import HubAddress, fetch_hub_model
from ezrvc_model.interop.imported import ImportedGenerator
from ezrvc_model.interop.opening import foreign_checkpoint, import_foreign
from ezrvc_model.interop.sovits_export import export_sovits
from ezrvc_model.voice import VoiceModel
from ezrvc_model.voice_card import Origin, OriginFile, VoiceCard
from ezrvc_model.voice_folder import (
    DISCRIMINATOR_NAME,
    EXPORT_NAME,
    GENERATOR_NAME,
    VoiceConfig,
    VoiceSummary,
    read_voice_card,
    read_voice_config,
    resolve_voice,
)
from ezrvc_model.voice_retrieval import describe_retrieval, find_retrieval


@dataclass(frozen=True)
class VoiceDescription:
    """All that can be said of a voice without loading its network.

    Attributes:
        summary: the voice in short.
        config: its numbers.
        card: its record.
        n_parameters: of the network as it is stored; scales of whole numbers are none.
        precision: how its weights are stored, as safetensors names it: F32, F16.
        retrieval: what speakers have for retrieval, by name.
        discriminator: shape of the one that training can start from; None: none is kept.
    """

    summary: VoiceSummary
    config: VoiceConfig
    card: VoiceCard
    n_parameters: int
    precision: str
    retrieval: dict[str, RetrieverFacts]
    discriminator: DiscriminatorConfig | None


@dataclass(frozen=True)
class ImportResult:
    """A voice that came from another program.

    Attributes:
        voice: what it is now.
        ignored: configuration keys of the other program that mean nothing here.
        advice: what to know before converting with it.
    """

    voice: VoiceDescription
    ignored: tuple[str, ...]
    advice: tuple[str, ...]


def import_voice(
    models: Path,
    path: Path | HubAddress,
    *,
    name: str | None = None,
    encoder: str | None = None,
    speaker: str | None = None,
    retrieval: Path | None = None,
    progress: Progress = silent,
) -> ImportResult:
    """Turn a voice of so-vits-svc or RVC into a voice folder below `models`.

    Args:
        models: where voices are kept.
        path: a so-vits-svc folder, a checkpoint of either program, or where on the Hub these are.
        name: of the voice; None: after the folder of a so-vits-svc voice, or the file of RVC's.
        encoder: the content encoder it was trained with, where the files do not say.
        speaker: the name of its only speaker, or which of several speaks by default.
        retrieval: a k-means `.pt` of so-vits-svc or an `.index` of RVC; None: the one that lies
            beside the checkpoint, if any.
        progress: is told of bytes that come from the Hub.

    Raises:
        FeatureError: the retrieval file that is named is missing, damaged or refused.
        ModelError: a file is missing, damaged or refused; the encoder is not certain; the speaker
            is unknown; or a voice of that name is there already.
        WeightsError: the Hub cannot be asked, or does not give a file.
    """
    if isinstance(path, HubAddress):
        fetched = fetch_hub_model(path, progress)
        path, usual_name = fetched.checkpoint, fetched.name
        imported, _ = _read(path, encoder)
        origin = _with_note(imported.origin, f"from {fetched.address}")
    else:
        imported, usual_name = _read(path, encoder)
        origin = imported.origin
    name = name or usual_name
    folder = _new_voice_folder(models, name)
    speakers = dict(imported.speakers)
    if speaker is not None and len(speakers) == 1:
        speakers = dict.fromkeys([speaker], next(iter(speakers.values())))
    card = VoiceCard(
        name=name,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        origin=origin,
    )
    voice = VoiceModel(
        config=imported.config,
        generator=imported.build().prepare_for_inference(),
        speakers=speakers,
        features=FeatureConfig(encoder=imported.encoder),
        card=card,
        stretch=imported.stretch,
        unvoiced=imported.unvoiced,
        noise_scale=imported.noise_scale,
    )
    if speaker is not None:
        voice.speaker_row(speaker)  # refuses an unknown one, naming the nearest
        voice = replace(voice, default_speaker=speaker)
    brought = bring_retrieval(
        path,
        retrieval,
        checkpoint=imported.origin.files[0].name,
        speakers=imported.speakers,
        default_speaker=voice.default_speaker if len(speakers) > 1 else None,
        content_dim=voice.config.content_dim,
    )
    beside = path if path.is_dir() else path.absolute().parent
    opponent = bring_discriminator(beside, imported.origin.files[0].name)
    voice.save(folder, discriminator=opponent.network)
    brought.save(folder)
    advice = (*_advice(imported), *brought.advice, *opponent.advice)
    return ImportResult(describe_voice(models, folder), imported.ignored, advice)


def describe_voice(models: Path, voice: str | Path) -> VoiceDescription:
    """Everything about a voice that can be known without loading it.

    Raises:
        ModelError: there is no such voice, or it is damaged.
    """
    summary = resolve_voice(models, voice=str(voice)).voice
    path = summary.folder / GENERATOR_NAME
    try:
        with safe_open(path, framework="np") as file:
            names = set(file.keys())
            slices = [file.get_slice(name) for name in sorted(names - scales_among(names))]
            sizes = [math.prod(tensor.get_shape()) for tensor in slices]
            precisions = sorted({str(tensor.get_dtype()) for tensor in slices})
    except (OSError, SafetensorError) as error:
        raise ModelError(f"{path}: cannot be read ({error}); copy the voice again") from error
    config = read_voice_config(summary.folder)
    discriminator = summary.folder / DISCRIMINATOR_NAME
    return VoiceDescription(
        summary=summary,
        config=config,
        card=read_voice_card(summary.folder),
        n_parameters=sum(sizes),
        precision=", ".join(precisions),
        retrieval={
            speaker: describe_retrieval(file, config.synthesizer.content_dim)
            for speaker, file in find_retrieval(summary.folder, config.speakers).items()
        },
        discriminator=read_discriminator_config(discriminator) if discriminator.exists() else None,
    )


def export_voice(models: Path, voice: str, folder: Path) -> Path:
    """Write a voice for so-vits-svc 4.1; gives the checkpoint's path.

    Raises:
        ModelError: there is no such voice, so-vits-svc cannot express it, or the folder holds
            something already.
    """
    chosen = VoiceModel.load(resolve_voice(models, voice=voice).folder)
    _refuse_used(folder)
    return export_sovits(
        folder,
        chosen.config,
        chosen.generator.state_dict(),
        chosen.speakers,
        encoder=chosen.features.encoder,
        stretch=chosen.stretch,
        step=chosen.card.training.steps or 0,
    )


def blend_voices(models: Path, parts: Sequence[tuple[str, float]], name: str) -> Path:
    """Average voices into a new one; gives its folder.

    Raises:
        ModelError: a voice is unknown, the voices do not fit each other, or a voice of that name
            is there already.
    """
    folder = _new_voice_folder(models, name)
    folders = [resolve_voice(models, voice=voice).folder for voice, _ in parts]
    voices = [VoiceModel.load(each) for each in folders]
    files = [OriginFile.of(each / GENERATOR_NAME) for each in folders]
    weights = [weight for _, weight in parts]
    blend(list(zip(voices, weights, strict=True)), name, files=files).save(folder)
    return folder


def compress_voice(models: Path, voice: str, folder: Path | None = None) -> Path:
    """Write a voice in half precision; gives its folder.

    Args:
        models: where voices are kept.
        voice: name or folder.
        folder: of the new voice; None: below `models`, named after the old one with `-half`.

    Raises:
        ModelError: there is no such voice, or something is where the new one should go.
    """
    summary = resolve_voice(models, voice=voice).voice
    target = folder or _new_voice_folder(models, f"{summary.name}-half")
    _refuse_used(target)
    VoiceModel.load(summary.folder).save(target, storage="float16")
    return target


def _read(path: Path, encoder: str | None) -> tuple[ImportedGenerator, str]:
    """A voice of either program, and what it may be called."""
    checkpoint = foreign_checkpoint(path)
    try:
        imported = import_foreign(checkpoint, encoder=encoder)
    except ModelError as error:
        raise ModelError(str(error).replace("encoder=...", "--encoder NAME")) from error
    return imported, _usual_name(checkpoint, imported)


def _usual_name(checkpoint: Path, imported: ImportedGenerator) -> str:
    """A voice that is one file goes by that, one that has others beside it by their folder."""
    alone = len(imported.origin.files) == 1
    return checkpoint.stem if alone else checkpoint.absolute().parent.name


def _with_note(origin: Origin, note: str) -> Origin:
    return origin.model_copy(update={"note": f"{origin.note}, {note}"})


def _advice(imported: ImportedGenerator) -> tuple[str, ...]:
    lines: list[str] = []
    known = [entry.name for entry in list_encoders()]
    if imported.encoder not in known:
        lines.append(
            f"it needs the content encoder {imported.encoder!r}, which ezrvc cannot run yet; "
            f"it can run {', '.join(known)}"
        )
    return tuple(lines)


def _new_voice_folder(models: Path, name: str) -> Path:
    if not name or name != Path(name).name or name.startswith("."):
        raise ModelError(f"{name!r} cannot name a voice: it must be the name of a folder")
    if _is_used(models / name):
        raise ModelError(f"{models / name} is there already; choose another name")
    return models / name / EXPORT_NAME


def _refuse_used(folder: Path) -> None:
    if _is_used(folder):
        raise ModelError(f"{folder}: something is here already; name a new folder")


def _is_used(folder: Path) -> bool:
    """Whether something lies there, other than what a killed process left."""
    if not folder.is_dir():
        return folder.exists()
    return any(not is_temporary(path) for path in folder.iterdir())

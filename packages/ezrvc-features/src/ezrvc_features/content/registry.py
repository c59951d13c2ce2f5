"""The content encoders by name: what they are, where their weights come from, how to load one."""

import difflib
import pkgutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ezrvc_device.accelerator import resolve_device
from ezrvc_device.errors import WeightsError
from ezrvc_device.progress import Progress, silent
from ezrvc_device.weights import (
    UNVERIFIED,
    HubSource,
    UrlSource,
    WeightSpec,
    fetch,
    weights_present,
)
from ezrvc_features.content.base import ContentEncoder
from ezrvc_features.content.checkpoint import ConvertedFile, convert_once
from ezrvc_features.errors import FeatureError


@dataclass(frozen=True, kw_only=True)
class EncoderEntry:
    """What is known of an encoder before anything of it is loaded.

    Attributes:
        name: what configurations call it.
        summary: one line for people.
        dim: length of its content vectors, as published.
        layer: which output of its network they are.
        frame_rate_hz: vectors a second.
        licence: of the published weights.
        size_mb: what has to be downloaded, about; 0: nothing.
        sources: the files of the published weights; none: the encoder has no weights.
        implementation: where its class is, `module:name`.
    """

    name: str
    summary: str
    dim: int
    layer: str
    frame_rate_hz: float = 50.0
    licence: str
    size_mb: int
    sources: tuple[HubSource | UrlSource, ...]
    implementation: str

    @property
    def specs(self) -> tuple[WeightSpec, ...]:
        """The weight files, as `ezrvc_device.weights` wants them."""
        return tuple(WeightSpec(self.name, source, self.licence) for source in self.sources)

    @property
    def size_text(self) -> str:
        """The size of the download, for people."""
        return f"{self.size_mb / 1000:.1f} GB" if self.size_mb >= 1000 else f"{self.size_mb} MB"

    def is_present(self) -> bool:
        """Whether it can be used without the network: its published weights are here already."""
        return all(weights_present(spec) for spec in self.specs)


def _hub(repository: str, *files: str) -> tuple[HubSource, ...]:
    return tuple(HubSource(repository, file, UNVERIFIED) for file in files)


_ENTRIES = (
    EncoderEntry(
        name="mel",
        summary="log-mel bands; no weights; carries the speaker, for trying the pipeline only",
        dim=80,
        layer="none",
        licence="Apache-2.0",
        size_mb=0,
        sources=(),
        implementation="ezrvc_features.content.mel:MelEncoder",
    ),
    EncoderEntry(
        name="contentvec768l12",
        summary="ContentVec; the usual choice of so-vits-svc 4.1 and RVC v2",
        dim=768,
        layer="transformer layer 12, no projection",
        licence="MIT",
        size_mb=378,
        sources=_hub("lengyue233/content-vec-best", "config.json", "pytorch_model.bin"),
        implementation="ezrvc_features.content.contentvec:ContentVecEncoder",
    ),
    EncoderEntry(
        name="hubert-soft",
        summary="HuBERT-Soft; so-vits-svc 4.0 and 4.1 call it hubertsoft",
        dim=256,
        layer="transformer layer 12 and projection",
        licence="MIT",
        size_mb=378,
        sources=(
            UrlSource(
                "https://github.com/bshall/hubert/releases/download/v0.1/hubert-soft-0d54a1f4.pt",
                UNVERIFIED,
            ),
        ),
        implementation="ezrvc_features.content.hubert_soft:HubertSoftEncoder",
    ),
    EncoderEntry(
        name="whisper-ppg",
        summary="Whisper's encoder, size medium; other sizes by giving their weights",
        dim=1024,
        layer="encoder output",
        licence="Apache-2.0",
        size_mb=3060,
        sources=_hub("openai/whisper-medium", "config.json", "model.safetensors"),
        implementation="ezrvc_features.content.whisper_ppg:WhisperPpgEncoder",
    ),
    EncoderEntry(
        name="whisper-ppg-large",
        summary="Whisper's encoder, size large-v2",
        dim=1280,
        layer="encoder output",
        licence="Apache-2.0",
        size_mb=6170,
        sources=_hub("openai/whisper-large-v2", "config.json", "model.safetensors"),
        implementation="ezrvc_features.content.whisper_ppg:WhisperPpgEncoder",
    ),
)


def list_encoders() -> tuple[EncoderEntry, ...]:
    """Every encoder that `load_encoder` knows."""
    return _ENTRIES


def encoder_entry(name: str) -> EncoderEntry:
    """What is known of the encoder of this name.

    Raises:
        FeatureError: there is none; names the nearest.
    """
    names = [entry.name for entry in _ENTRIES]
    if name in names:
        return _ENTRIES[names.index(name)]
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.4)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(names)}"
    raise FeatureError(f"there is no content encoder {name!r}, {hint}")


def load_encoder(
    name: str,
    *,
    device: str = "auto",
    weights: str | Path | None = None,
    progress: Progress = silent,
) -> ContentEncoder:
    """Load an encoder, fetching and converting its weights if this is the first time.

    Args:
        name: of the registry.
        device: where it runs, see `ezrvc_device.resolve_device`.
        weights: a file or folder in one of the layouts that the encoder reads, instead of the
            published weights.
        progress: is told how far the download is.

    Raises:
        FeatureError: unknown name; weights that are not here, damaged, or of something else.
        DeviceError: the device is not there.
    """
    entry = encoder_entry(name)
    resolved = resolve_device(device)
    encoder_class = _class_of(entry)
    if not entry.sources:
        _refuse_weights(entry, weights)
        return encoder_class(name=name, device=resolved)
    checkpoint = _converted(entry, weights, progress)
    return encoder_class(checkpoint, name=name, device=resolved)


def encoder_version(name: str, weights: str | Path | None = None) -> str:
    """The `version` that `load_encoder` with these arguments would have, without loading it.

    Raises:
        FeatureError: as for `load_encoder`.
    """
    entry = encoder_entry(name)
    encoder_class = _class_of(entry)
    if not entry.sources:
        _refuse_weights(entry, weights)
        return encoder_class.layout
    return encoder_class.version_of(_converted(entry, weights, silent))


def encoder_dim(name: str, weights: str | Path | None = None) -> int:
    """The length of the content vectors; the published one, or that of the weights given.

    Raises:
        FeatureError: unknown name; weights that cannot be used.
    """
    entry = encoder_entry(name)
    if weights is None:
        return entry.dim
    _refuse_weights(entry, weights)
    return _class_of(entry).dim_of(_converted(entry, weights, silent))


def _class_of(entry: EncoderEntry) -> Any:
    """The encoder's class; only now is its module, and what it stands on, imported."""
    return pkgutil.resolve_name(entry.implementation)


def _refuse_weights(entry: EncoderEntry, weights: str | Path | None) -> None:
    if weights is not None and not entry.sources:
        raise FeatureError(f"{entry.name} has no weights, but was given {weights}; leave them out")


def _converted(
    entry: EncoderEntry, weights: str | Path | None, progress: Progress
) -> ConvertedFile:
    encoder_class = _class_of(entry)
    source = Path(weights).expanduser() if weights is not None else _fetched(entry, progress)
    return convert_once(source, encoder_class.convert, layout=encoder_class.layout)


def _fetched(entry: EncoderEntry, progress: Progress) -> Path:
    """The published weights: one file, or the folder that holds several."""
    try:
        files = [fetch(spec, progress) for spec in entry.specs]
    except WeightsError as error:
        raise FeatureError(
            f"the weights of {entry.name} ({entry.size_text}) are not here: {error}; connect and "
            "run this again, or put the file anywhere and name it in features.encoder_weights"
        ) from error
    return files[0] if len(files) == 1 else files[0].parent

"""The content encoders by name: what they are, where their weights come from, how to load one."""

import difflib
import pkgutil
from pathlib import Path
from typing import Any

from ezrvc_device.accelerator import resolve_device
from ezrvc_device.errors import WeightsError
from ezrvc_device.progress import Progress, silent
from ezrvc_device.weights import fetch
from ezrvc_features.content.base import ContentEncoder
from ezrvc_features.content.catalogue import ENTRIES
from ezrvc_features.content.checkpoint import ConvertedFile
from ezrvc_features.content.entry import EncoderEntry
from ezrvc_features.errors import FeatureError


def list_encoders() -> tuple[EncoderEntry, ...]:
    """Every encoder that `load_encoder` knows."""
    return ENTRIES


def encoder_entry(name: str) -> EncoderEntry:
    """What is known of the encoder of this name.

    Raises:
        FeatureError: there is none; names the nearest.
    """
    names = [entry.name for entry in ENTRIES]
    if name in names:
        return ENTRIES[names.index(name)]
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
    choice = {} if entry.hidden_layer is None else {"layer": entry.hidden_layer}
    return encoder_class(checkpoint, name=name, device=resolved, **choice)


def encoder_version(
    name: str, weights: str | Path | None = None, progress: Progress = silent
) -> str:
    """The `version` that `load_encoder` with these arguments would have, without loading it.

    The weights are fetched and converted if this is the first time.

    Raises:
        FeatureError: as for `load_encoder`.
    """
    entry = encoder_entry(name)
    encoder_class = _class_of(entry)
    if not entry.sources:
        _refuse_weights(entry, weights)
        return encoder_class.layout
    return encoder_class.version_of(_converted(entry, weights, progress), entry.hidden_layer)


def encoder_dim(name: str, weights: str | Path | None = None) -> int:
    """The length of the content vectors; the published one, or that of the weights given.

    Raises:
        FeatureError: unknown name; weights that cannot be used.
    """
    entry = encoder_entry(name)
    if weights is None:
        return entry.dim
    _refuse_weights(entry, weights)
    return _class_of(entry).dim_of(_converted(entry, weights, silent), entry.hidden_layer)


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
    checkpoint = encoder_class.open(source)
    encoder_class.require(checkpoint, entry.hidden_layer, f"{source}: {entry.name}")
    return checkpoint


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

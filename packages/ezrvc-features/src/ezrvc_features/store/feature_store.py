"""The feature store: the data contract of `features/` as reads and writes."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import ValidationError

from ezrvc_audio.experiment import ExperimentFolder
from ezrvc_audio.manifest import Clip
from ezrvc_device.atomic import atomic_file, is_temporary, sweep_temporaries, write_text
from ezrvc_features.alignment import FeatureAligner
from ezrvc_features.content.foreign import DAMAGED
from ezrvc_features.errors import FeatureError
from ezrvc_features.store.column_blocks import ColumnBlocks, as_half, write_column_blocks
from ezrvc_features.store.record import (
    RECORD_SUFFIX,
    Artefact,
    ArtefactRecord,
    ClipRecord,
    FeaturePlan,
    Recipe,
)
from ezrvc_features.utterance import UtteranceFeatures

Values: TypeAlias = torch.Tensor | NDArray[Any] | ColumnBlocks
"""A feature as it is given to the store; blocks for what is too long to hold."""

_AXES = {Artefact.CONTENT: 2, Artefact.F0: 2, Artefact.VOLUME: 1, Artefact.SPECTROGRAM: 2}


class FeatureStore:
    """Reads and writes the features of the clips of one experiment.

    A clip's record (`.meta.json`) says for each of its files what made it. A file without a
    record, with a record of other settings, of another clip, or of another size does not count:
    it is stale, and is made again. Content is kept at the encoder's own rate in half precision;
    everything is brought onto one grid when it is loaded.

    Args:
        experiment: whose features.
    """

    def __init__(self, experiment: ExperimentFolder) -> None:
        self.experiment = experiment

    def path(self, clip: Clip, artefact: Artefact) -> Path:
        """Where a clip's feature file is."""
        return self._path(clip, artefact.suffix)

    def stale(self, clip: Clip, plan: FeaturePlan) -> tuple[Artefact, ...]:
        """Which files must be made to have what the plan asks for."""
        record = self._record(clip)
        return tuple(
            artefact
            for artefact, recipe in plan.items()
            if (known := record.artefacts.get(artefact)) is None
            or known.recipe != recipe
            or not self._is_whole(clip, artefact, known)
        )

    def save(self, clip: Clip, made: Mapping[Artefact, Values], plan: FeaturePlan) -> None:
        """Write feature files and then the record that makes them count.

        Files that the record knows and that are not among the made stay as they are. The record
        forgets a file before the file is replaced, so that at no moment it speaks of another.

        Args:
            clip: whose features.
            made: content (dim, n_content_frames), f0 (2, n_frames: Hz and voiced), volume
                (n_frames,), spectrogram (n_bins, n_frames). Content and spectrogram may come in
                blocks, which are taken as they are written.
            plan: how they were made.

        Raises:
            FeatureError: a feature is not finite, is empty or has other axes than these.
            OSError: the folder cannot be written.
        """
        prepared = {kind: _prepared(clip, kind, values) for kind, values in made.items()}
        artefacts = dict(self._record(clip).artefacts)
        if artefacts.keys() & prepared.keys():
            artefacts = {kind: known for kind, known in artefacts.items() if kind not in prepared}
            self._write_record(clip, artefacts)
        for kind, values in prepared.items():
            path = self.path(clip, kind)
            with atomic_file(path) as temporary:
                _write(temporary, values, f"{clip.path}: its {kind}")
            artefacts[kind] = ArtefactRecord(
                recipe=plan[kind], shape=tuple(values.shape), n_bytes=path.stat().st_size
            )
        self._write_record(clip, artefacts)

    def load(self, clip: Clip, aligner: FeatureAligner) -> UtteranceFeatures:
        """The features of a clip on the aligner's frame grid.

        The spectrogram is None where the store keeps none for this grid.

        Raises:
            FeatureError: a file is missing, damaged, or was made for another grid; names the clip
                and says what to run.
        """
        record = self._record(clip)
        grid = {
            "sample_rate": aligner.frames.sample_rate,
            "hop_length": aligner.frames.hop_length,
        }
        f0 = torch.from_numpy(self._read(clip, record, Artefact.F0, grid))
        volume = torch.from_numpy(self._read(clip, record, Artefact.VOLUME, grid))
        content = self._read(clip, record, Artefact.CONTENT, {})
        spectrogram = None
        if (known := record.artefacts.get(Artefact.SPECTROGRAM)) and _was_made_for(known, grid):
            spectrogram = self._read(clip, record, Artefact.SPECTROGRAM, grid)
        rate_hz = record.artefacts[Artefact.CONTENT].recipe.settings.get("frame_rate_hz")
        if not isinstance(rate_hz, int | float):
            raise FeatureError(_advice(clip, "its content has no frame rate on record"))
        try:
            return aligner.align(
                content, float(rate_hz), f0[0], f0[1], volume, f0.shape[1], spectrogram
            )
        except FeatureError as error:
            raise FeatureError(f"{clip.path}: {error}") from error

    def has(self, clip: Clip, artefact: Artefact) -> bool:
        """Whether a clip's feature file is there and whole, however it was made."""
        known = self._record(clip).artefacts.get(artefact)
        return known is not None and self._is_whole(clip, artefact, known)

    def load_content(self, clip: Clip) -> torch.Tensor:
        """A clip's content at the encoder's own rate, (dim, n_content_frames), half precision.

        Raises:
            FeatureError: it is missing or damaged; names the clip and says what to run.
        """
        return self._read(clip, self._record(clip), Artefact.CONTENT, {})

    def recipe(self, clip: Clip, artefact: Artefact) -> Recipe:
        """How a clip's feature file was made.

        Raises:
            FeatureError: there is no such file on record.
        """
        known = self._record(clip).artefacts.get(artefact)
        if known is None:
            raise FeatureError(_advice(clip, f"its {artefact} is not there"))
        return known.recipe

    def forget_unplanned(self, clip: Clip, plan: FeaturePlan) -> int:
        """Remove a clip's files that the plan does not ask for; return how many."""
        artefacts = self._record(clip).artefacts
        unplanned = artefacts.keys() - plan.keys()
        if unplanned:
            kept = {kind: known for kind, known in artefacts.items() if kind in plan}
            self._write_record(clip, kept)
            for kind in unplanned:
                self.path(clip, kind).unlink(missing_ok=True)
        return len(unplanned)

    def remove_others(self, clips: Iterable[Clip]) -> int:
        """Remove the feature files of clips other than these; return of how many clips."""
        wanted = {self.experiment.feature_stem(clip.path) for clip in clips}
        removed: set[Path] = set()
        folder = self.experiment.features
        for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
            stem = _stem(path)
            if stem is not None and stem not in wanted and path.is_file():
                path.unlink()
                removed.add(stem)
        for speaker in {stem.parent for stem in removed}:
            if not any(speaker.iterdir()):
                speaker.rmdir()
        return len(removed)

    def sweep(self) -> int:
        """Remove what killed processes left half-written; return how many files."""
        return sweep_temporaries(self.experiment.features)

    def _path(self, clip: Clip, suffix: str) -> Path:
        stem = self.experiment.feature_stem(clip.path)
        return stem.with_name(stem.name + suffix)  # names may hold dots: not with_suffix

    def _record(self, clip: Clip) -> ClipRecord:
        """What is on record for this very sound; nothing if the record is of another."""
        fresh = ClipRecord(sha256=clip.sha256)
        try:
            text = self._path(clip, RECORD_SUFFIX).read_text(encoding="utf-8")
            record = ClipRecord.model_validate_json(text)
        except (FileNotFoundError, ValidationError, UnicodeDecodeError):
            return fresh
        return record if record.sha256 == clip.sha256 else fresh

    def _write_record(self, clip: Clip, artefacts: Mapping[Artefact, ArtefactRecord]) -> None:
        record = ClipRecord(sha256=clip.sha256, artefacts=dict(artefacts))
        text = record.model_dump_json(indent=1) + "\n"
        write_text(self._path(clip, RECORD_SUFFIX), text)

    def _is_whole(self, clip: Clip, artefact: Artefact, known: ArtefactRecord) -> bool:
        try:
            return self.path(clip, artefact).stat().st_size == known.n_bytes
        except OSError:
            return False

    def _read(
        self, clip: Clip, record: ClipRecord, artefact: Artefact, grid: Mapping[str, int]
    ) -> Any:
        """One feature file, checked against its record."""
        known = record.artefacts.get(artefact)
        if known is None:
            raise FeatureError(_advice(clip, f"its {artefact} is not there"))
        if not _was_made_for(known, grid):
            raise FeatureError(_advice(clip, f"its {artefact} was made for another frame grid"))
        path = self.path(clip, artefact)
        try:
            values = _load(path)
        except DAMAGED as error:
            raise FeatureError(_advice(clip, f"{path.name} is missing or damaged")) from error
        if tuple(values.shape) != known.shape:
            reason = f"{path.name} holds {tuple(values.shape)} values instead of {known.shape}"
            raise FeatureError(_advice(clip, reason))
        return values


def _advice(clip: Clip, reason: str) -> str:
    return f"{clip.path}: {reason}; run preprocess again, it remakes what is missing"


def _was_made_for(known: ArtefactRecord, grid: Mapping[str, int]) -> bool:
    return all(known.recipe.settings.get(key) == value for key, value in grid.items())


def _stem(path: Path) -> Path | None:
    """The feature stem that a file belongs to; None: it is not a file of the store."""
    if is_temporary(path):
        return None
    for suffix in (*(kind.suffix for kind in Artefact), RECORD_SUFFIX):
        if path.name.endswith(suffix):
            return path.with_name(path.name.removesuffix(suffix))
    return None


def _prepared(clip: Clip, artefact: Artefact, values: Values) -> Values:
    """The values as they are written: half precision for the large ones, float32 for curves."""
    if values.ndim != _AXES[artefact] or 0 in values.shape:
        raise FeatureError(f"{clip.path}: its {artefact} has the shape {tuple(values.shape)}")
    if isinstance(values, ColumnBlocks):
        return values
    if artefact in (Artefact.F0, Artefact.VOLUME):
        curve = np.asarray(values, dtype=np.float32)
        if not np.isfinite(curve).all():
            raise FeatureError(f"{clip.path}: its {artefact} holds values that are not finite")
        return curve
    tensor = torch.as_tensor(values).detach().cpu()
    return as_half(tensor, f"{clip.path}: its {artefact}").contiguous().clone()


def _write(path: Path, values: Values, what: str) -> None:
    if isinstance(values, ColumnBlocks):
        write_column_blocks(path, values, what)
        return
    with path.open("wb") as file:
        if isinstance(values, torch.Tensor):
            torch.save(values, file)
        else:
            np.save(file, values, allow_pickle=False)


def _load(path: Path) -> Any:
    if path.suffix == ".npy":
        return np.load(path, allow_pickle=False)
    values = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(values, torch.Tensor):
        raise TypeError(f"{path.name} holds no tensor")
    return values

"""The clips of one file list: each is read and checked once, and kept where there is room."""

import json
import logging
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from ezrvc_audio.errors import AudioError
from ezrvc_audio.experiment import ExperimentFolder
from ezrvc_audio.manifest import Clip, read_manifest
from ezrvc_audio.reading import read
from ezrvc_device.processors import processor_count
from ezrvc_device.progress import Progress, silent
from ezrvc_features.alignment import FeatureAligner
from ezrvc_features.errors import FeatureError
from ezrvc_features.store import Artefact, FeatureStore
from ezrvc_features.utterance import UtteranceFeatures
from ezrvc_model.config import SynthesizerConfig
from ezrvc_model.data.bandwidth import measure_bandwidth_hz
from ezrvc_model.data.clip import TrainingClip
from ezrvc_model.data.clip_places import ClipPlace, InMemory
from ezrvc_model.errors import ModelError
from ezrvc_model.voice_card import F0Range

_log = logging.getLogger(__name__)
Loaded = TypeVar("Loaded")


@dataclass(frozen=True)
class LeftOutClip:
    """A clip that is on the list but cannot be used.

    Attributes:
        path: relative to the experiment.
        reason: what is wrong with it, one line.
    """

    path: str
    reason: str


class ClipReader:
    """Reads clips of an experiment as a model needs them.

    Args:
        experiment: where the clips and their features are.
        model: frame grid, spectrogram and content width.
        speakers: speaker name to row of the speaker table.
        compact: keep content in half precision, as it is stored, and leave the spectrogram to the
            device that trains.
    """

    def __init__(
        self,
        experiment: ExperimentFolder,
        model: SynthesizerConfig,
        speakers: Mapping[str, int],
        *,
        compact: bool = False,
    ) -> None:
        self._compact = compact
        self._experiment = experiment
        self._model = model
        self._speakers = speakers
        self._store = FeatureStore(experiment)
        self._aligner = FeatureAligner(model.frames)

    def read(self, clip: Clip) -> TrainingClip:
        """Read a clip's audio and features.

        Raises:
            AudioError: the audio cannot be read, or is not mono at the model's rate.
            FeatureError: the features cannot be read, or are not of this audio.
            ModelError: the content is not as wide as the model's, which no clip will be.
        """
        features = self._store.load(clip, self._aligner)
        if features.content.shape[0] != self._model.content_dim:
            raise ModelError(
                f"{clip.path}: its content vectors are {features.content.shape[0]} wide, "
                f"model.content_dim is {self._model.content_dim}; set it so, or run preprocess "
                "again with the encoder that the model is meant for"
            )
        waveform = read(self._experiment.root / clip.path)
        if waveform.n_channels != 1 or waveform.sample_rate != self._model.sample_rate:
            raise AudioError(
                f"{clip.path}: has {waveform.n_channels} channels at {waveform.sample_rate} Hz, "
                f"expected mono at {self._model.sample_rate} Hz; run preprocess again"
            )
        n_samples = self._model.frames.n_samples(features.n_frames)
        if waveform.n_samples < n_samples:
            raise FeatureError(
                f"{clip.path}: its features are longer than its audio; run preprocess again"
            )
        audio = torch.from_numpy(waveform.samples[0, :n_samples])
        return TrainingClip(
            clip.path,
            self._speakers[clip.speaker],
            self._reduced(features),
            audio,
            peak=float(audio.abs().max()) if n_samples else 0.0,
            bandwidth_hz=measure_bandwidth_hz(audio, self._model.sample_rate),
        )

    def n_bytes(self, duration_s: float) -> int:
        """About what a compact clip of a length takes."""
        frame_bytes = 2 * self._model.content_dim + 4 * 3 + 4 * self._model.hop_length
        return round(duration_s * self._model.frames.frame_rate_hz * frame_bytes)

    def _reduced(self, features: UtteranceFeatures) -> UtteranceFeatures:
        """Features without what is not needed, in the types that they are stored in."""
        if self._compact:
            return replace(features, content=features.content.half(), spectrogram=None)
        spectrogram = features.spectrogram
        fits = spectrogram is not None and spectrogram.shape[0] == self._model.n_bins
        kept = spectrogram.half() if spectrogram is not None and fits else None
        return replace(features, spectrogram=kept)

    def encoder_version(self, clip: Clip) -> str:
        """Version of the encoder that made a clip's content.

        Raises:
            FeatureError: the clip has no content.
        """
        return self._store.recipe(clip, Artefact.CONTENT).version


class ClipSet:
    """Usable clips by index, kept where `place` keeps them.

    Args:
        place: where the clips lie between their uses.
    """

    def __init__(self, place: ClipPlace) -> None:
        self._place = place
        self._clips: list[Clip] = []
        self._kept: list[TrainingClip] = []

    @property
    def names(self) -> tuple[str, ...]:
        """The clips' paths, in the order of the indices."""
        return tuple(clip.path for clip in self._clips)

    @property
    def place(self) -> str:
        """Where the clips lie, in words."""
        return self._place.name

    @property
    def n_bytes(self) -> int:
        """What all clips take there."""
        return sum(clip.n_bytes for clip in self._kept)

    @property
    def duration_s(self) -> float:
        """Length of all clips together, seconds."""
        return sum(clip.duration_s for clip in self._clips)

    def add(self, clip: Clip, loaded: TrainingClip) -> None:
        """Append a clip that has just been read."""
        self._clips.append(clip)
        self._kept.append(self._place.keep(loaded))

    def __len__(self) -> int:
        return len(self._clips)

    def __getitem__(self, index: int) -> TrainingClip:
        return self._kept[index]

    def __iter__(self) -> Iterator[TrainingClip]:
        return iter(self._kept)


@dataclass(frozen=True, eq=False)
class OpenedClips:
    """A file list whose clips have been checked.

    Attributes:
        clips: those that can be used.
        left_out: those that cannot, with the reason.
        f0: pitch range of each speaker, by name, where any frame is voiced.
        encoder_version: of the encoder that made the content of all of them; None: not of one.
    """

    clips: ClipSet
    left_out: tuple[LeftOutClip, ...]
    f0: dict[str, F0Range]
    encoder_version: str | None = None


def open_clips(
    experiment: ExperimentFolder,
    names: Sequence[str],
    model: SynthesizerConfig,
    speakers: Mapping[str, int],
    *,
    min_frames: int = 1,
    place: Callable[[int], ClipPlace] | None = None,
    progress: Progress = silent,
) -> OpenedClips:
    """Open clips, each read once to know that it can be; damaged ones are logged and left out.

    Args:
        experiment: that the clips are of.
        names: paths relative to the experiment, as file lists name them.
        model: what the clips are for.
        speakers: speaker name to row of the speaker table.
        min_frames: shorter clips are left out.
        place: chooses, by the bytes that compact clips will take, where they lie; None: clips with
            all that is known of them, in memory.
        progress: is told how many clips are checked.

    Raises:
        AudioError: the manifest cannot be read.
        ModelError: the features are not for this model.
    """
    manifest = {clip.path: clip for clip in read_manifest(experiment.manifest)}
    reader = ClipReader(experiment, model, speakers, compact=place is not None)
    length_s = sum(manifest[name].duration_s for name in names if name in manifest)
    opened = ClipSet(InMemory() if place is None else place(reader.n_bytes(length_s)))
    left_out: list[LeftOutClip] = []
    pitch: dict[str, list[NDArray[np.float32]]] = {}
    versions: set[str] = set()

    def load(name: str) -> tuple[Clip, TrainingClip]:
        clip = _listed(name, manifest, speakers)
        return clip, reader.read(clip)

    for number, (name, loading) in enumerate(zip(names, _side_by_side(load, names), strict=True)):
        progress("checking clips", number, len(names))
        try:
            clip, loaded = loading.result()
            if loaded.n_frames < min_frames:
                raise FeatureError(f"{name}: {loaded.n_frames} frames, {min_frames} are needed")
        except (AudioError, FeatureError) as error:
            _log.warning("left out: %s", error)
            left_out.append(LeftOutClip(name, str(error)))
            continue
        opened.add(clip, loaded)
        versions.add(reader.encoder_version(clip))
        heard = (loaded.features.f0 * loaded.features.voiced).numpy()
        pitch.setdefault(clip.speaker, []).append(heard)
    progress("checking clips", len(names), len(names))
    measured = {speaker: F0Range.measured(curves) for speaker, curves in pitch.items()}
    ranges = {speaker: f0 for speaker, f0 in measured.items() if f0 is not None}
    version = versions.pop() if len(versions) == 1 else None
    return OpenedClips(opened, tuple(left_out), ranges, version)


def read_file_list(path: Path) -> list[str]:
    """The clips of a file list.

    Raises:
        ModelError: the list cannot be read.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"{path}: cannot be read ({error}); run preprocess again") from error
    return [line.strip() for line in lines if line.strip()]


def read_speakers(experiment: ExperimentFolder) -> dict[str, int]:
    """Speaker name to row of the speaker table.

    Raises:
        ModelError: the map is missing or is not one.
    """
    path = experiment.speaker_map
    try:
        tree = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}: cannot be read ({error}); run preprocess again") from error
    if not isinstance(tree, dict) or sorted(tree.values()) != list(range(len(tree))) or not tree:
        raise ModelError(f"{path}: is not a map of speakers to 0, 1, …; run preprocess again")
    return tree


def _side_by_side(task: Callable[[str], Loaded], names: Sequence[str]) -> Iterator[Future[Loaded]]:
    """Run a task for each name on threads, not far ahead of what is taken of it, in order."""
    n_workers = processor_count()
    running: deque[Future[Loaded]] = deque()
    pool = ThreadPoolExecutor(n_workers, "clips")
    try:
        for name in names:
            running.append(pool.submit(task, name))
            if len(running) > 2 * n_workers:
                yield running.popleft()
        yield from running
    finally:
        pool.shutdown(cancel_futures=True)


def _listed(name: str, manifest: Mapping[str, Clip], speakers: Mapping[str, int]) -> Clip:
    clip = manifest.get(name)
    if clip is None:
        raise AudioError(f"{name}: is not in the manifest; run preprocess again")
    if clip.speaker not in speakers:
        raise AudioError(f"{name}: speaker {clip.speaker!r} is not in the speaker map")
    return clip

"""From a speaker's recordings to an experiment that can be trained."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ezrvc_audio.errors import AudioError
from ezrvc_audio.experiment import ExperimentFolder
from ezrvc_audio.preparation import PreparationReport, prepare_recordings
from ezrvc_cli.settings import ProjectConfig
from ezrvc_device.accelerator import resolve_device
from ezrvc_device.atomic import sweep_temporaries, write_text
from ezrvc_device.configuration import save_yaml
from ezrvc_device.processors import worker_count
from ezrvc_device.progress import Progress, silent
from ezrvc_device.storage import Storage
from ezrvc_features.extraction import (
    Engine,
    ExtractionReport,
    FeatureExtractor,
    check_engine,
    extract_features,
)


@dataclass(frozen=True)
class PreprocessResult:
    """What preprocessing made.

    Attributes:
        experiment: where it is.
        preparation: recordings to clips.
        extraction: clips to features.
    """

    experiment: ExperimentFolder
    preparation: PreparationReport
    extraction: ExtractionReport


def experiment_name(speakers: Sequence[str]) -> str:
    """The name of an experiment of these speakers, when none is given."""
    return speakers[0] if len(speakers) == 1 else "+".join(speakers)


def check_name(name: str, *, what: str) -> str:
    """A name that becomes a folder: any script, but no path.

    Raises:
        AudioError: the name is empty, hidden, or holds a path separator.
    """
    if not name.strip() or name.startswith(".") or re.search(r"[/\\\x00-\x1f]", name):
        raise AudioError(f"{what} {name!r}: give a name without slashes or a leading dot")
    return name


def find_recordings(
    storage: Storage, speakers: Sequence[str], folder: Path | None
) -> dict[str, Path]:
    """The folder of each speaker's recordings.

    Raises:
        AudioError: a name cannot be a speaker's, or a folder is missing; the line names it and
            what is there instead.
    """
    if folder is not None and len(speakers) > 1:
        raise AudioError("--input goes with one --speaker; put each speaker in data/raw/NAME")
    for speaker in speakers:
        check_name(speaker, what="speaker")
    raw = {speaker: storage.raw / speaker if folder is None else folder for speaker in speakers}
    for speaker, place in raw.items():
        if place.exists() and not place.is_dir():
            raise AudioError(f"{place}: is a file; give the folder of {speaker!r}'s recordings")
        if not place.is_dir():
            found = sorted(p.name for p in storage.raw.glob("*/")) if storage.raw.is_dir() else []
            known = f"; found there: {', '.join(found)}" if found and folder is None else ""
            raise AudioError(
                f"{place}: no such folder; put the recordings of {speaker!r} there{known}"
            )
    return raw


def preprocess(
    recordings: dict[str, Path],
    experiment: ExperimentFolder,
    config: ProjectConfig,
    *,
    device: str | None = None,
    workers: int | None = None,
    engine: Engine = "local",
    address: str | None = None,
    progress: Progress = silent,
) -> PreprocessResult:
    """Cut the recordings into clips and compute their features; does only what is missing.

    The arguments from `device` on are those of `prepare_recordings` and `extract_features`.

    Raises:
        AudioError: no recording gives a clip.
        FeatureError: no clip gives features; or, before anything is done, the encoder, the pitch
            method or the engine cannot be had.
        DeviceError: the device is not there.
        OSError: the experiment's folder cannot be written.
    """
    check_engine(engine, address)
    frames, n_fft = config.model.frames, config.model.n_fft
    # What is missing (weights, a device) is fetched or refused now, not after hours of cutting.
    FeatureExtractor(config.features, frames, str(resolve_device(device)), progress).plan(n_fft)
    experiment.root.mkdir(parents=True, exist_ok=True)
    sweep_temporaries(experiment.root)
    experiment.completion.unlink(missing_ok=True)  # not finished until it says so again
    _save_configuration(experiment, config)
    preparation = prepare_recordings(
        recordings,
        experiment,
        config.model.sample_rate,
        config.audio,
        workers=worker_count(workers),
        progress=progress,
    )
    extraction = extract_features(
        experiment,
        config.features,
        frames,
        n_fft,
        device=device,
        workers=workers,
        engine=engine,
        address=address,
        progress=progress,
    )
    finished = datetime.now(UTC).isoformat(timespec="microseconds")
    record = {"finished": finished, "speakers": sorted(recordings), "clips": preparation.n_clips}
    write_text(experiment.completion, json.dumps(record, ensure_ascii=False, indent=2) + "\n")
    return PreprocessResult(experiment, preparation, extraction)


def _save_configuration(experiment: ExperimentFolder, config: ProjectConfig) -> None:
    tree = config.to_tree()
    train_sections = ("features", "model", "train", "retrieval")
    save_yaml(experiment.train_config, {name: tree[name] for name in train_sections})
    save_yaml(
        experiment.preprocess_config,
        {"audio": tree["audio"], "features": tree["features"], "model": tree["model"]},
    )

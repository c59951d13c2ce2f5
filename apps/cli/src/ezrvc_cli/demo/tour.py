"""The tour itself: samples, preprocess, train, convert, pictures, page."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ezrvc_audio.experiment import ExperimentFolder
from ezrvc_audio.reading import read
from ezrvc_audio.waveform import Waveform
from ezrvc_cli.demo.figures import conversion_figure, save_figure, training_figure
from ezrvc_cli.demo.page import ConversionEntry, write_page
from ezrvc_cli.demo.samples import TARGET_SPEAKER, unpack_samples
from ezrvc_cli.pipeline.preprocess import preprocess
from ezrvc_cli.pipeline.train import train
from ezrvc_cli.settings import compose
from ezrvc_device.progress import Progress, silent
from ezrvc_device.storage import find_storage
from ezrvc_features.f0.base import F0Estimator
from ezrvc_features.f0.registry import load_f0_estimator
from ezrvc_features.frames import FrameSpec
from ezrvc_model.conversion import ConversionSettings, VoiceConverter
from ezrvc_model.errors import ModelError
from ezrvc_model.training import TrainingObserver, TrainingResult
from ezrvc_model.voice import VoiceModel

NOTICE = (
    "This voice is untrained: the tiny model saw {steps} steps on {minutes:.1f} minutes of audio. "
    "It shows that every part works, not how a trained voice sounds; {learned}."
)
_FOLLOWS_PITCH = 0.8
"""Correlation from which the pitch of a conversion counts as following that of its source."""
_CURVES = {
    "generator/mel": "mel loss",
    "generator/total": "generator loss",
    "discriminator/total": "discriminator loss",
}
_SEMITONES_TO_TARGET = {"puck": 9.0, "nova": 0.0}


@dataclass(frozen=True)
class TourResult:
    """What the tour left.

    Attributes:
        page: the HTML page.
        conversions: the converted recordings.
        pictures: the plots.
        notice: what a listener has to know.
        training: what training did.
        seconds: how long all of it took.
    """

    page: Path
    conversions: tuple[Path, ...]
    pictures: tuple[Path, ...]
    notice: str
    training: TrainingResult
    seconds: float


def take_tour(
    folder: Path,
    *,
    steps: int,
    device: str | None = None,
    workers: int | None = None,
    progress: Progress = silent,
    observers: Sequence[TrainingObserver] = (),
) -> TourResult:
    """Do the whole job in `folder`, which then holds data, models, conversions and the page.

    Started again, it goes on where it was.

    Raises:
        ModelError: training was asked to stop.
    """
    began = time.monotonic()
    config = compose(preset="tiny", options={"train": {"max_steps": steps}})
    samples = unpack_samples(folder)
    storage = find_storage(folder)
    experiment = ExperimentFolder(storage.processed / TARGET_SPEAKER)
    prepared = preprocess(
        {TARGET_SPEAKER: samples.target},
        experiment,
        config,
        device=device,
        workers=workers,
        progress=progress,
    )
    training = train(
        storage, experiment, config, device=device, progress=progress, observers=observers
    )
    if training.interrupted:
        raise ModelError(f"stopped at step {training.steps}; run the demo again to go on")
    voice = VoiceModel.load(training.voice)
    converter = VoiceConverter(voice, device=device or "auto")
    estimator = load_f0_estimator(config.features.f0.method)
    entries = [
        _convert(converter, source, folder, estimator, progress) for source in samples.sources
    ]
    curves = folder / "pictures" / "training.png"
    save_figure(training_figure(_read_metrics(training.run), _CURVES), curves)
    minutes = prepared.preparation.seconds_kept / 60
    notice = NOTICE.format(
        steps=training.steps,
        minutes=minutes,
        learned=what_was_learned([entry.pitch_correlation for entry in entries]),
    )
    page = folder / "report.html"
    write_page(
        page,
        notice=notice,
        facts={
            "clips": f"{prepared.preparation.n_clips} ({minutes:.1f} minutes)",
            "model": f"preset tiny, {config.model.sample_rate} Hz",
            "training": f"{training.steps} steps",
            "device": str(converter.device),
        },
        target=min(samples.target.glob("*.opus")),
        conversions=entries,
        training_picture=curves,
    )
    return TourResult(
        page=page,
        conversions=tuple(entry.result for entry in entries),
        pictures=(*(entry.picture for entry in entries), curves),
        notice=notice,
        training=training,
        seconds=time.monotonic() - began,
    )


def _convert(
    converter: VoiceConverter,
    source: Path,
    folder: Path,
    estimator: F0Estimator,
    progress: Progress,
) -> ConversionEntry:
    name = source.stem.removeprefix("source-")
    result = folder / "converted" / f"{name}_{TARGET_SPEAKER}.wav"
    picture = folder / "pictures" / f"{name}_{TARGET_SPEAKER}.png"
    shift = _SEMITONES_TO_TARGET.get(name, 0.0)
    settings = ConversionSettings(transpose_semitones=shift)
    report = converter.convert_file(
        source, result, speaker=TARGET_SPEAKER, settings=settings, progress=progress
    )
    before, after = read(source), read(result)
    save_figure(conversion_figure(before, after, estimator), picture)
    correlation = pitch_correlation(before, after, estimator)
    return ConversionEntry(
        title=f"{name} becomes {TARGET_SPEAKER}",
        source=source,
        result=result,
        picture=picture,
        pitch_correlation=correlation,
        facts={
            "length": f"{before.duration_s:.2f} s in, {after.duration_s:.2f} s out",
            "pitch shift": f"{shift:+g} semitones",
            "pitch correlation": f"{correlation:.3f}",
            "real-time factor": f"{report.real_time_factor:.2f}",
        },
    )


def what_was_learned(correlations: Sequence[float]) -> str:
    """What the voice does with pitch, by the correlations of its conversions with the sources."""
    if all(correlation >= _FOLLOWS_PITCH for correlation in correlations):  # nan is not
        return "all it has learned is to follow the source's pitch"
    return "it has not even learned to follow the source's pitch"


def pitch_correlation(before: Waveform, after: Waveform, estimator: F0Estimator) -> float:
    """Pearson correlation of log-F0 over the frames voiced in both; nan with fewer than two."""
    frames = FrameSpec(sample_rate=24000, hop_length=240)
    first, second = (estimator.estimate(each.mono(), frames) for each in (before, after))
    n_frames = min(len(first.hz), len(second.hz))
    both = first.voiced[:n_frames] & second.voiced[:n_frames]
    if both.sum() < 2:
        return float("nan")
    logs = np.log(np.stack([first.hz[:n_frames][both], second.hz[:n_frames][both]]))
    return float(np.corrcoef(logs)[0, 1])


def _read_metrics(run: Path) -> list[dict[str, float]]:
    lines = (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]

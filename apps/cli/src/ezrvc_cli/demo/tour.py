"""The tour itself: samples, built-in voices, preprocess, train, convert, measure, page."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ezrvc_audio.experiment import ExperimentFolder
from ezrvc_audio.preparation import PreparationReport
from ezrvc_cli.demo.chapters import built_in_chapter, draw, learnt_chapter
from ezrvc_cli.demo.conversions import Conversion, convert_into, lowest_and_highest
from ezrvc_cli.demo.figures import save_figure, training_figure
from ezrvc_cli.demo.learning import PRESET, configuration
from ezrvc_cli.demo.measuring import Measured, measure
from ezrvc_cli.demo.page import Chapter, write_page
from ezrvc_cli.demo.samples import TARGET_SPEAKER, unpack_samples
from ezrvc_cli.demo.verdict import notice
from ezrvc_cli.pipeline.preprocess import preprocess
from ezrvc_cli.pipeline.train import train
from ezrvc_cli.settings import ProjectConfig
from ezrvc_device.accelerator import resolve_device
from ezrvc_device.progress import Progress, silent
from ezrvc_device.storage import find_storage
from ezrvc_eval import EvaluationConfig, recordings_in
from ezrvc_features.f0.registry import load_f0_estimator
from ezrvc_model.builtin import BASE, built_in_voice
from ezrvc_model.errors import ModelError
from ezrvc_model.training import TrainingObserver, TrainingResult, read_metrics
from ezrvc_model.voice import VoiceModel

STEPS = 40
"""Of training: about a minute on two CPU cores."""
_CURVES = {
    "generator/mel": "mel loss",
    "generator/total": "generator loss",
    "discriminator/total": "discriminator loss",
}


@dataclass(frozen=True)
class TourResult:
    """What the tour left.

    Attributes:
        page: the HTML page.
        conversions: the converted recordings.
        pictures: the plots.
        scores: of each conversion, by name of its file and metric.
        notice: what a listener has to know.
        training: what training did.
        seconds: how long all of it took.
    """

    page: Path
    conversions: tuple[Path, ...]
    pictures: tuple[Path, ...]
    scores: Mapping[str, Mapping[str, float]]
    notice: str
    training: TrainingResult
    seconds: float


def take_tour(
    folder: Path,
    *,
    steps: int = STEPS,
    device: str | None = None,
    workers: int | None = None,
    whisper: str | None = None,
    progress: Progress = silent,
    observers: Sequence[TrainingObserver] = (),
) -> TourResult:
    """Do the whole job in `folder`, which then holds data, models, conversions and the page.

    Started again, it goes on where it was.

    Raises:
        ModelError: training was asked to stop, or no voice is built in.
        EvalError: there is no such recogniser as `whisper`.
    """
    began = time.monotonic()
    ready = VoiceModel.load(built_in_voice(BASE))
    samples = unpack_samples(folder)

    def converted(voice: VoiceModel, speakers: Sequence[str]) -> list[Conversion]:
        return convert_into(
            voice, speakers, samples.sources, folder / "converted", device=device, progress=progress
        )

    at_once = converted(ready, lowest_and_highest(ready))
    config = configuration(steps)
    prepared, training = _learn(
        folder, samples.target, config, device, workers, progress, observers
    )
    learnt = converted(VoiceModel.load(training.voice), [TARGET_SPEAKER])
    own = recordings_in(samples.target)
    measured = measure(at_once, learnt, own, whisper=whisper, device=device, progress=progress)
    pictures, chapters = _chapters(folder, measured, at_once, learnt, own[0], training)
    minutes = prepared.seconds_kept / 60
    words = notice(measured, speaker=TARGET_SPEAKER, steps=training.steps, minutes=minutes)
    page = folder / "report.html"
    facts = {
        "built-in voice": f"{BASE}: {', '.join(ready.speakers)}",
        "learnt from": f"{prepared.n_clips} clips ({minutes:.1f} minutes)",
        "training": f"{training.steps} steps from the built-in voice, preset {PRESET}, "
        f"{config.model.sample_rate} Hz",
        "device": str(resolve_device(device)),
    }
    write_page(page, notice=words, facts=facts, chapters=chapters)
    return TourResult(
        page=page,
        conversions=tuple(each.result for each in (*at_once, *learnt)),
        pictures=pictures,
        scores={
            take.name: {name: score.value for name, score in take.scores.items()}
            for take in (*measured.built_in.takes, *measured.learnt.takes)
        },
        notice=words,
        training=training,
        seconds=time.monotonic() - began,
    )


def _learn(
    folder: Path,
    recordings: Path,
    config: ProjectConfig,
    device: str | None,
    workers: int | None,
    progress: Progress,
    observers: Sequence[TrainingObserver],
) -> tuple[PreparationReport, TrainingResult]:
    """Prepare the recordings and train on them, as a user would."""
    storage = find_storage(folder)
    experiment = ExperimentFolder(storage.processed / TARGET_SPEAKER)
    prepared = preprocess(
        {TARGET_SPEAKER: recordings},
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
    return prepared.preparation, training


def _chapters(
    folder: Path,
    measured: Measured,
    at_once: Sequence[Conversion],
    learnt: Sequence[Conversion],
    target: Path,
    training: TrainingResult,
) -> tuple[tuple[Path, ...], list[Chapter]]:
    """The pictures, drawn into `folder`, and the chapters of the page that show them."""
    estimator = load_f0_estimator(EvaluationConfig().f0_method)
    pictures = folder / "pictures"
    curves = pictures / "training.png"
    save_figure(training_figure(read_metrics(training.run / "metrics.jsonl"), _CURVES), curves)
    first, second = (draw(group, pictures, estimator) for group in (at_once, learnt))
    return (*(entry.picture for entry in (*first, *second)), curves), [
        built_in_chapter(measured, at_once, first),
        learnt_chapter(measured, learnt, second, target=target, training_picture=curves),
    ]

"""From a prepared experiment to a voice."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ezrvc_audio.experiment import ExperimentFolder
from ezrvc_cli.listening import PITCH_METRICS, ListeningValidator
from ezrvc_cli.settings import ProjectConfig, compose
from ezrvc_cli.training_curves import CURVES_NAME, CurvePainter
from ezrvc_device.configuration import load_yaml
from ezrvc_device.progress import Progress, silent
from ezrvc_device.storage import Storage
from ezrvc_model.errors import ModelError
from ezrvc_model.training import (
    TrainingObserver,
    TrainingPlan,
    TrainingResult,
    newest_experiment,
    plan_training,
    prepared_experiments,
)
from ezrvc_model.training import train as train_voice
from ezrvc_model.training.run_folder import RunFolder


def choose_experiment(storage: Storage, name: str | None) -> ExperimentFolder:
    """The experiment of that name, or the one prepared last.

    Raises:
        ModelError: there is none, or its preparation is not finished.
    """
    if name is None:
        return newest_experiment(storage.processed)
    experiment = ExperimentFolder(storage.processed / name)
    if not experiment.completion.is_file():
        known = [each.name for each in prepared_experiments(storage.processed)]
        there = f"; prepared: {', '.join(known)}" if known else ""
        raise ModelError(
            f"experiment {name!r} is not prepared; run: ezrvc preprocess --speaker {name}{there}"
        )
    return experiment


def training_configuration(
    experiment: ExperimentFolder,
    *,
    config_file: str | None = None,
    assignments: Sequence[str] = (),
    options: Mapping[str, Any] | None = None,
) -> ProjectConfig:
    """What the experiment was prepared with, the user's changes on top."""
    return compose(
        base=load_yaml(experiment.train_config),
        config_file=config_file,
        assignments=assignments,
        options=options,
    )


def find_run(storage: Storage, name: str | None) -> Path:
    """The folder of the run of that name, or of the experiment prepared last.

    Raises:
        ModelError: no name is given and nothing is prepared.
    """
    return storage.models / (name or newest_experiment(storage.processed).name)


def plan(
    storage: Storage,
    experiment: ExperimentFolder,
    config: ProjectConfig,
    *,
    run: str,
    device: str | None = None,
    progress: Progress = silent,
) -> TrainingPlan:
    """What `train` would do with the same arguments; nothing is written."""
    return plan_training(
        experiment,
        storage.models / run,
        config.model,
        config.train,
        config.features,
        device=device or "auto",
        progress=progress,
    )


def train(
    storage: Storage,
    experiment: ExperimentFolder,
    config: ProjectConfig,
    *,
    run: str | None = None,
    device: str | None = None,
    progress: Progress = silent,
    observers: Sequence[TrainingObserver] = (),
    measure: Sequence[str] = (),
) -> TrainingResult:
    """Train, or go on training, the run of that name (the experiment's unless given).

    Held-out clips can be listened to and looked at in the run's `validation/`, and its curves in
    `curves.png`.

    Args:
        storage: where experiments and runs are.
        experiment: prepared clips.
        config: all settings.
        run: its name.
        device: where to train.
        progress: is told the step.
        observers: are told metrics and checkpoints.
        measure: metrics of ezrvc-eval for held-out clips; none: the error of pitch.

    Raises:
        EvalError: there is no such metric.
    """
    folder = RunFolder(storage.models / (run or experiment.name))
    listening = ListeningValidator(
        folder.validation,
        config.train.max_clip_frames,
        config.features.f0,
        measure=measure or PITCH_METRICS,
    )
    return train_voice(
        experiment,
        folder.root,
        config.model,
        config.train,
        config.features,
        device=device or "auto",
        progress=progress,
        observers=[*observers, CurvePainter(folder.metrics, folder.root / CURVES_NAME)],
        validators=[listening],
        retrieval=config.retrieval,
    )

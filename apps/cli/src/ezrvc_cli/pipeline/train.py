"""From a prepared experiment to a voice."""

from collections.abc import Mapping, Sequence
from typing import Any

from ezrvc_audio.experiment import ExperimentFolder
from ezrvc_cli.settings import ProjectConfig, compose
from ezrvc_device.configuration import load_yaml
from ezrvc_device.progress import Progress, silent
from ezrvc_device.storage import Storage
from ezrvc_model.errors import ModelError
from ezrvc_model.training import (
    TrainingObserver,
    TrainingResult,
    newest_experiment,
    prepared_experiments,
)
from ezrvc_model.training import train as train_voice


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


def train(
    storage: Storage,
    experiment: ExperimentFolder,
    config: ProjectConfig,
    *,
    run: str | None = None,
    device: str | None = None,
    progress: Progress = silent,
    observers: Sequence[TrainingObserver] = (),
) -> TrainingResult:
    """Train, or go on training, the run of that name (the experiment's unless given)."""
    return train_voice(
        experiment,
        storage.models / (run or experiment.name),
        config.model,
        config.train,
        config.features,
        device=device or "auto",
        progress=progress,
        observers=observers,
        retrieval=config.retrieval,
    )

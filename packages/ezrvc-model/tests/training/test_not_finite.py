"""A loss that is no number: the run goes back once with a lower rate, then stops, and says why."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from ezrvc_audio.experiment import ExperimentFolder
from ezrvc_features.config import FeatureConfig
from ezrvc_model.config import DiscriminatorConfig, TrainConfig
from ezrvc_model.errors import ModelError
from ezrvc_model.testing import small_config
from ezrvc_model.training import TrainingResult, train
from ezrvc_model.training import trainer as trainer_module
from ezrvc_model.training.checkpoint import read_record
from ezrvc_model.training.checkpoint_folder import list_checkpoints
from ezrvc_model.training.sinks import read_metrics
from ezrvc_model.training.state import TrainingState
from ezrvc_model.training.steps import training_step

Poison = Callable[[TrainingState], Any]


def settings(**changes: object) -> TrainConfig:
    values = {
        "max_steps": 6,
        "batch_size": 2,
        "segment_frames": 8,
        "max_clip_frames": 24,
        "learning_rate": 1e-3,
        "learning_rate_decay": 1.0,
        "discriminator": DiscriminatorConfig(periods=(2,), narrowing=64),
        "checkpoint_every": 2,
        "log_every": 1,
        "validation_clips": 0,
    }
    return TrainConfig.model_validate({**values, **changes})


@pytest.fixture
def train_poisoned(
    make_experiment: Callable[..., ExperimentFolder],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., TrainingResult]:
    """Trains; before some steps something is done to the state, each time or the first time."""
    experiment = make_experiment()
    whole_step = training_step

    def run(poison: Poison, step: int, times: int = 1, **changes: object) -> TrainingResult:
        left = [times]

        def poisoned_step(state: TrainingState, *rest: Any) -> Any:
            if state.step + 1 == step and left[0]:
                left[0] -= 1
                poison(state)
            return whole_step(state, *rest)

        monkeypatch.setattr(trainer_module, "training_step", poisoned_step)
        model, config = small_config(), settings(**changes)
        return train(
            experiment, tmp_path / "run", model, config, FeatureConfig(encoder="mel"), device="cpu"
        )

    return run


@torch.no_grad()
def break_flow(state: TrainingState) -> None:
    """Put NaN into one weight of one layer."""
    next(state.synthesizer.flow.parameters()).view(-1)[0] = float("nan")


def break_gradient(state: TrainingState) -> None:
    """Let the gradient of one layer become infinite, once."""
    parameter = next(state.synthesizer.decoder.parameters())
    handle = parameter.register_hook(lambda gradient: gradient * float("inf"))
    parameter.register_post_accumulate_grad_hook(lambda _: handle.remove())


def test_it_goes_back_once_with_a_lower_rate_and_completes(
    train_poisoned: Callable[..., TrainingResult],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        result = train_poisoned(break_flow, step=5)
    assert result.steps == 6
    said = caplog.text
    assert "step 5: " in said
    assert "(first: the parameter generator flow." in said
    assert "goes back to step 4, with 0.5 times the learning rate" in said
    rows = read_metrics(tmp_path / "run" / "metrics.jsonl")
    assert [row["step"] for row in rows] == [1, 2, 3, 4, 5, 6]
    assert [row["schedule/learning_rate"] for row in rows] == [1e-3] * 4 + [5e-4] * 2
    newest = list_checkpoints(tmp_path / "run" / "checkpoints")[-1]
    assert read_record(newest).rate_factor == 0.5


def test_the_second_time_it_stops(
    train_poisoned: Callable[..., TrainingResult], tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match=r"step 3: .*first: the parameter .*had been lowered"):
        train_poisoned(break_flow, step=3, times=2)
    kept = list_checkpoints(tmp_path / "run" / "checkpoints")
    assert [read_record(path).step for path in kept] == [2]
    for path in kept:
        assert read_record(path).rate_factor == 1.0


def test_before_any_checkpoint_it_goes_back_to_its_beginning(
    train_poisoned: Callable[..., TrainingResult], tmp_path: Path
) -> None:
    result = train_poisoned(break_flow, step=2, checkpoint_every=100, max_steps=3)
    assert result.steps == 3
    rows = read_metrics(tmp_path / "run" / "metrics.jsonl")
    assert [row["step"] for row in rows] == [1, 2, 3]
    assert {row["schedule/learning_rate"] for row in rows} == {5e-4}


def test_an_infinite_gradient_moves_nothing_and_its_layer_is_named(
    train_poisoned: Callable[..., TrainingResult],
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        train_poisoned(break_gradient, step=3, log_every=2, checkpoint_every=4)
    assert "step 3: generator/gradient_norm = " in caplog.text
    assert "(first: the gradient of generator decoder." in caplog.text


def test_a_module_whose_output_is_no_number_is_named(
    train_poisoned: Callable[..., TrainingResult],
    caplog: pytest.LogCaptureFixture,
) -> None:
    def break_output(state: TrainingState) -> None:
        posterior = state.synthesizer.posterior_encoder
        assert posterior is not None
        posterior.statistics.register_forward_hook(lambda *_: _[2] * float("nan"))

    with pytest.raises(ModelError, match=r"first: the output of generator posterior_encoder\.stat"):
        train_poisoned(break_output, step=3)

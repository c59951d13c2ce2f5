"""SIGKILL at random moments, then the same call again: it completes, and nothing is broken."""

import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ezrvc_audio.experiment import ExperimentFolder
from ezrvc_device.atomic import is_temporary
from ezrvc_features.config import FeatureConfig
from ezrvc_model.config import DiscriminatorConfig, TrainConfig
from ezrvc_model.testing import small_config, training_process
from ezrvc_model.training import train
from ezrvc_model.training.checkpoint import read_record
from ezrvc_model.training.checkpoint_folder import list_checkpoints
from ezrvc_model.training.sinks import read_metrics
from ezrvc_model.voice import VoiceModel

MODEL = small_config().model_copy(update={"dropout": 0.2})
SETTINGS = TrainConfig(
    batch_size=2,
    segment_frames=8,
    max_clip_frames=24,
    discriminator=DiscriminatorConfig(periods=(2,), narrowing=64),
    checkpoint_every=2,
    log_every=1,
    validation_clips=0,
)


@pytest.fixture
def experiment(make_experiment: Callable[..., ExperimentFolder]) -> ExperimentFolder:
    return make_experiment()


def steps_done(run: Path) -> list[int]:
    return [read_record(path).step for path in list_checkpoints(run / "checkpoints")]


@pytest.mark.parametrize(
    ("n_kills", "n_steps"),
    [(4, 24), pytest.param(20, 60, marks=[pytest.mark.slow, pytest.mark.timeout(900)])],
)
def test_killed_again_and_again(
    experiment: ExperimentFolder, tmp_path: Path, n_kills: int, n_steps: int
) -> None:
    settings = SETTINGS.model_copy(update={"max_steps": n_steps})
    run = tmp_path / "run"
    chance = random.Random(7)
    after = 0
    for _ in range(n_kills):
        process = training_process(
            train, experiment, run, MODEL, settings, FeatureConfig(encoder="mel"), device="cpu"
        )
        before = max(steps_done(run), default=0)
        process.start()
        wait_for_life(run, before, process.is_alive)
        time.sleep(chance.uniform(0.0, 0.3))
        process.kill()
        process.join()
        after = max(steps_done(run), default=0)  # every checkpoint there is can be read
        assert after >= before

    result = train(experiment, run, MODEL, settings, FeatureConfig(encoder="mel"), device="cpu")
    assert result.steps == n_steps
    assert result.resumed_from == after
    assert result.damaged_checkpoints == ()
    assert not [path for path in run.rglob("*") if is_temporary(path)]
    assert VoiceModel.load(result.voice).card.training.steps == n_steps

    whole = tmp_path / "whole"
    train(experiment, whole, MODEL, settings, FeatureConfig(encoder="mel"), device="cpu")
    expected, resumed = (read_metrics(each / "metrics.jsonl") for each in (whole, run))
    assert [row["step"] for row in resumed] == list(range(1, n_steps + 1))
    for one, other in zip(expected, resumed, strict=True):
        for name in ("generator/total", "discriminator/total"):
            assert other[name] == pytest.approx(one[name], rel=1e-6)


def wait_for_life(run: Path, before: int, alive: Callable[[], bool]) -> None:
    """Until a checkpoint is written that was not there, or the process ends."""
    deadline = time.monotonic() + 120
    while alive() and max(steps_done_quickly(run), default=0) <= before:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def steps_done_quickly(run: Path) -> list[int]:
    return [int(path.name.removeprefix("step-")) for path in list_checkpoints(run / "checkpoints")]

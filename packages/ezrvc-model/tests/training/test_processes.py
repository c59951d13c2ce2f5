"""Two processes train like one: the same losses, one set of files, one end."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from ezrvc_audio.experiment import ExperimentFolder
from ezrvc_features.config import FeatureConfig
from ezrvc_model.config import DiscriminatorConfig, TrainConfig
from ezrvc_model.testing import small_config, train_in_process, training_process
from ezrvc_model.training import train
from ezrvc_model.training.checkpoint_folder import list_checkpoints
from ezrvc_model.training.processes import Launch, find_launch
from ezrvc_model.training.sinks import read_metrics
from ezrvc_model.voice import VoiceModel

LIMIT_S = 90.0
"""After this the processes are ended and the test fails."""
N_STEPS = 20
MODEL = small_config().model_copy(update={"dropout": 0.0})


def settings(**changes: object) -> TrainConfig:
    values = {
        "max_steps": N_STEPS,
        "batch_size": 5,  # 3 and 2
        "segment_frames": 8,
        "max_clip_frames": 40,
        "volume_augmentation": True,
        "clip_norm": 50.0,
        "discriminator": DiscriminatorConfig(periods=(2, 3), narrowing=64),
        "checkpoint_every": 100,
        "log_every": 1,
        "validation_clips": 1,
    }
    return TrainConfig.model_validate({**values, **changes})


def start_two(
    experiment: ExperimentFolder, run: Path, config: TrainConfig
) -> Sequence[BaseProcess]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    processes = [
        training_process(train_in_process, rank, port, experiment, run, MODEL, config)
        for rank in range(2)
    ]
    for process in processes:
        process.start()
    return processes


def end(processes: Sequence[BaseProcess]) -> list[int | None]:
    """Wait for all of them, but not forever; gives their exit codes."""
    deadline = time.monotonic() + LIMIT_S
    try:
        for process in processes:
            process.join(max(deadline - time.monotonic(), 0.0))
        return [process.exitcode for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.join()


@pytest.fixture
def experiment(make_experiment: Callable[..., ExperimentFolder]) -> ExperimentFolder:
    return make_experiment(n_clips=7)


def test_two_processes_give_the_losses_of_one(experiment: ExperimentFolder, tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    processes = start_two(experiment, two, settings())
    train(experiment, one, MODEL, settings(), FeatureConfig(encoder="mel"), device="cpu")
    assert end(processes) == [0, 0]
    expected, found = (read_metrics(run / "metrics.jsonl") for run in (one, two))
    assert [row["step"] for row in found] == list(range(1, N_STEPS + 1))
    for single, shared in zip(expected, found, strict=True):
        for name, value in single.items():
            if not name.startswith("speed/"):
                assert shared[name] == pytest.approx(value, rel=1e-5), (shared["step"], name)
    assert [path.name for path in list_checkpoints(two / "checkpoints")] == ["step-00000020"]
    # Weights are not compared: AdamW moves those that no loss depends on (a bias before a softmax)
    # by rounding errors.
    assert VoiceModel.load(two / "voice").card.training.steps == N_STEPS


def test_asked_one_of_two_both_stop_and_the_run_goes_on_alone(
    experiment: ExperimentFolder, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    processes = start_two(experiment, run, settings(max_steps=100_000))
    deadline = time.monotonic() + LIMIT_S
    while not (run / "metrics.jsonl").exists() or not read_metrics(run / "metrics.jsonl"):
        assert time.monotonic() < deadline
        assert all(process.is_alive() for process in processes)
        time.sleep(0.02)
    second = processes[1].pid
    assert second is not None
    os.kill(second, signal.SIGTERM)
    assert end(processes) == [0, 0]
    (kept,) = list_checkpoints(run / "checkpoints")
    stopped_at = int(kept.name.removeprefix("step-"))
    assert stopped_at < 100_000
    config = settings(max_steps=stopped_at + 1)
    result = train(experiment, run, MODEL, config, FeatureConfig(encoder="mel"), device="cpu")
    assert (result.resumed_from, result.steps_now) == (stopped_at, 1)


SCRIPT = """
import sys
from pathlib import Path
from ezrvc_audio.experiment import ExperimentFolder
from ezrvc_features.config import FeatureConfig
from ezrvc_model.config import TrainConfig
from ezrvc_model.testing import small_config
from ezrvc_model.training import train

experiment, run, settings = ExperimentFolder(Path(sys.argv[1])), Path(sys.argv[2]), sys.argv[3]
train(experiment, run, small_config(), TrainConfig.model_validate_json(settings),
      FeatureConfig(encoder="mel"), device="cpu")
"""


@pytest.mark.slow
@pytest.mark.parametrize("starter", ["torchrun", "configuration"])
def test_processes_are_started_by_torchrun_or_by_the_configuration(
    experiment: ExperimentFolder, tmp_path: Path, starter: str
) -> None:
    script, run = tmp_path / "script.py", tmp_path / "run"
    script.write_text(SCRIPT, encoding="utf-8")
    config = settings(max_steps=2, processes=2 if starter == "configuration" else 1)
    command = [sys.executable]
    if starter == "torchrun":
        command += ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command += [str(script), str(experiment.root), str(run), config.model_dump_json()]
    done = subprocess.run(
        command, timeout=LIMIT_S, capture_output=True, text=True, check=False, env=dict(os.environ)
    )
    assert done.returncode == 0, done.stderr
    assert "Starting with 2 processes" in done.stderr
    assert [row["step"] for row in read_metrics(run / "metrics.jsonl")] == [1, 2]
    assert VoiceModel.load(run / "voice").card.training.steps == 2


def test_what_started_the_processes_says_how_many_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert find_launch(1) == Launch(1, 1)
    assert find_launch(4) == Launch(4, 1)
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "test")
    monkeypatch.setenv("WORLD_SIZE", "16")
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "8")
    assert find_launch(1) == Launch(8, 2)

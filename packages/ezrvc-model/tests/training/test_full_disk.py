"""A disk that fills up while a run is saved: one clear line, and the last checkpoint stays."""

import errno
import io
import multiprocessing
from collections.abc import Callable
from pathlib import Path

import pytest

from ezrvc_audio.experiment import ExperimentFolder
from ezrvc_device.atomic import is_temporary
from ezrvc_features.config import FeatureConfig
from ezrvc_model.config import DiscriminatorConfig, TrainConfig
from ezrvc_model.errors import ModelError
from ezrvc_model.testing import small_config, train_with_file_limit, training_process
from ezrvc_model.training import train
from ezrvc_model.training.checkpoint import read_record
from ezrvc_model.training.checkpoint_folder import list_checkpoints

SETTINGS = TrainConfig(
    max_steps=2,
    batch_size=2,
    segment_frames=8,
    max_clip_frames=24,
    discriminator=DiscriminatorConfig(periods=(2,), narrowing=64),
    checkpoint_every=1,
    log_every=1,
    validation_clips=0,
)


def run_training(experiment: ExperimentFolder, run: Path, steps: int) -> int:
    settings = SETTINGS.model_copy(update={"max_steps": steps})
    return train(
        experiment, run, small_config(), settings, FeatureConfig(encoder="mel"), device="cpu"
    ).steps


def test_a_file_limit_in_a_process_of_its_own(
    make_experiment: Callable[..., ExperimentFolder], tmp_path: Path
) -> None:
    experiment, run = make_experiment(), tmp_path / "run"
    run_training(experiment, run, 1)
    mine, theirs = multiprocessing.Pipe(duplex=False)
    process = training_process(
        train_with_file_limit, 30_000, theirs, experiment, run, small_config(), SETTINGS
    )
    process.start()
    assert mine.poll(120)
    line = mine.recv()
    process.join()
    assert process.exitcode == 0
    assert "step-00000002: step 2 cannot be saved" in line
    assert "make room on the disk and start again" in line
    assert "\n" not in line
    (kept,) = list_checkpoints(run / "checkpoints")
    assert read_record(kept).step == 1
    assert not [path for path in run.rglob("*") if is_temporary(path)]
    assert run_training(experiment, run, 2) == 2


class FullDisk(io.StringIO):
    """A file object on a disk without room."""

    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("victim", ["state.json", "metrics.jsonl"])
def test_a_file_object_without_room(
    make_experiment: Callable[..., ExperimentFolder],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    victim: str,
) -> None:
    experiment, run = make_experiment(), tmp_path / "run"
    run_training(experiment, run, 1)
    opened = Path.open

    def open_or_fail(path: Path, mode: str = "r", *rest: object, **options: object) -> object:
        writes = path.name == victim and mode[0] in "wa"
        return FullDisk() if writes else opened(path, mode, *rest, **options)  # pyright: ignore[reportArgumentType, reportCallIssue]

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", open_or_fail)
        with pytest.raises(ModelError, match="No space left on device") as caught:
            run_training(experiment, run, 2)
    assert "\n" not in str(caught.value)
    (kept,) = list_checkpoints(run / "checkpoints")
    assert read_record(kept).step == 1
    assert run_training(experiment, run, 2) == 2

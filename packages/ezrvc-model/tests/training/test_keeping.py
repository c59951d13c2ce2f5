"""Which checkpoints stay, and what batch size `auto` finds."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import cast

import pytest
import torch

from ezrvc_audio.experiment import ExperimentFolder
from ezrvc_features.config import FeatureConfig
from ezrvc_model.config import DiscriminatorConfig, TrainConfig
from ezrvc_model.data.clip import TrainingClip
from ezrvc_model.errors import ModelError
from ezrvc_model.synthesizer.synthesizer import Synthesizer
from ezrvc_model.testing import small_config
from ezrvc_model.training import TrainingResult, plan_training, train, trial
from ezrvc_model.training.checkpoint_folder import list_checkpoints
from ezrvc_model.training.listener import Listener
from ezrvc_model.training.trial import Trial, fitting_batch_size, try_steps

MODEL = small_config()
SETTINGS = TrainConfig(
    max_steps=6,
    batch_size=2,
    segment_frames=8,
    max_clip_frames=24,
    discriminator=DiscriminatorConfig(periods=(2,), narrowing=64),
    checkpoint_every=100,
    keep_checkpoints=1,
    log_every=1,
    validate_every=1,
)


class Script:
    """A validator that says what it is told to: it stands in for how well a voice does."""

    def __init__(self, values: Sequence[float]) -> None:
        self._values = values

    def validate(
        self, generator: Synthesizer, clips: Sequence[TrainingClip], step: int
    ) -> Mapping[str, float]:
        return {"validation/mel": self._values[step - 1]}


def run_training(
    experiment: ExperimentFolder, run: Path, values: Sequence[float] = (), **changes: object
) -> TrainingResult:
    settings = SETTINGS.model_copy(update=changes)
    validators = [Script(values)] if values else []
    return train(
        experiment,
        run,
        MODEL,
        settings,
        FeatureConfig(encoder="mel"),
        device="cpu",
        validators=validators,
    )


def steps_kept(run: Path) -> list[int]:
    return [int(path.name.removeprefix("step-")) for path in list_checkpoints(run / "checkpoints")]


def test_the_best_stays_beside_the_newest(
    make_experiment: Callable[..., ExperimentFolder], tmp_path: Path
) -> None:
    experiment, run = make_experiment(), tmp_path / "run"
    run_training(experiment, run, [5.0, 3.0, 4.0, 4.0], max_steps=4)
    assert steps_kept(run) == [2, 4]
    result = run_training(experiment, run, [5.0, 3.0, 4.0, 4.0, 2.0, 2.5], max_steps=6)
    assert result.resumed_from == 4
    assert steps_kept(run) == [5, 6]  # the best before the resume was remembered, and is beaten


def test_a_run_whose_validation_flattened_advises_to_stop(
    make_experiment: Callable[..., ExperimentFolder], tmp_path: Path
) -> None:
    result = run_training(make_experiment(), tmp_path / "run", [1.0] * 6)
    assert result.advice is not None
    assert "best 1.0000 at step 1" in result.advice
    assert "stop here" in result.advice


def test_auto_on_a_cpu_is_eight_and_never_more_than_there_are_clips() -> None:
    auto = SETTINGS.model_copy(update={"batch_size": "auto"})
    assert fitting_batch_size(MODEL, auto, torch.device("cpu"), 100) == 8
    assert fitting_batch_size(MODEL, auto, torch.device("cpu"), 3) == 3


@pytest.mark.parametrize(("room", "n_clips", "expected"), [(20, 100, 16), (200, 100, 64),
                                                           (200, 40, 32), (1, 100, 1)])  # fmt: skip
def test_auto_elsewhere_is_the_greatest_power_of_two_that_fits(
    monkeypatch: pytest.MonkeyPatch, room: int, n_clips: int, expected: int
) -> None:
    ears = cast(Listener, object())

    def tried(
        model: object, settings: TrainConfig, device: object, *, listener: object
    ) -> Trial | None:
        assert listener is ears  # its memory counts
        size = settings.resolved_batch_size
        return Trial(size, (1, 1), 1.0, size) if size <= room else None

    monkeypatch.setattr(trial, "try_steps", tried)
    auto = SETTINGS.model_copy(update={"batch_size": "auto"})
    assert fitting_batch_size(MODEL, auto, torch.device("meta"), n_clips, ears) == expected


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
        RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"),
    ],
)
def test_memory_that_runs_out_is_a_trial_that_does_not_fit(
    monkeypatch: pytest.MonkeyPatch, error: RuntimeError
) -> None:
    def run_out(*_: object) -> None:
        raise error

    monkeypatch.setattr(trial, "training_step", run_out)
    assert try_steps(MODEL, SETTINGS, torch.device("cpu")) is None


def test_another_failure_of_a_trial_is_not_taken_for_full_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("shapes differ")

    monkeypatch.setattr(trial, "training_step", fail)
    with pytest.raises(RuntimeError, match="shapes differ"):
        try_steps(MODEL, SETTINGS, torch.device("cpu"))


def test_trials_compile_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes minutes for each size, and a compiler remembers but a few."""
    compiled = SETTINGS.model_copy(update={"compile": True})
    with pytest.raises(ModelError, match=r"train\.compile is for CUDA devices, this run is on cpu"):
        try_steps(MODEL, compiled, torch.device("cpu"), n_steps=1)
    monkeypatch.setattr(trial, "check_compiles", lambda _: None)
    monkeypatch.setattr(torch, "compile", lambda *_, **__: pytest.fail("compiled"))
    assert try_steps(MODEL, compiled, torch.device("cpu"), n_steps=1) is not None


def test_a_trial_leaves_the_random_state(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    found = try_steps(MODEL, SETTINGS, torch.device("cpu"), n_steps=1)
    assert torch.equal(torch.rand(1), expected)
    assert found is not None
    n_parameters = sum(each.numel() for each in Synthesizer(MODEL).parameters())
    assert found.n_parameters[0] == n_parameters
    assert found.s_per_step > 0


def test_a_run_keeps_the_batch_size_it_found(
    make_experiment: Callable[..., ExperimentFolder], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    experiment, run = make_experiment(), tmp_path / "run"
    run_training(experiment, run, batch_size="auto", max_steps=1, validation_clips=0)
    assert "batch_size: 4" in (run / "config.yaml").read_text(encoding="utf-8")
    monkeypatch.setattr(trial, "CPU_BATCH_SIZE", 2)
    run_training(experiment, run, batch_size="auto", max_steps=2, validation_clips=0)
    assert "batch_size: 4" in (run / "config.yaml").read_text(encoding="utf-8")


def test_a_plan_says_what_would_be_done_and_does_nothing(
    make_experiment: Callable[..., ExperimentFolder], tmp_path: Path
) -> None:
    experiment, run = make_experiment(), tmp_path / "run"
    auto = SETTINGS.model_copy(update={"batch_size": "auto", "max_steps": 100})
    plan = plan_training(experiment, run, MODEL, auto, FeatureConfig(encoder="mel"), device="cpu")
    assert not run.exists()
    assert (plan.n_clips, plan.trial.batch_size, plan.speakers) == (4, 4, {"ada": 0})
    assert plan.audio_minutes == pytest.approx((0.5 + 0.6 + 0.7 + 0.8) / 60)
    assert plan.duration_s == pytest.approx(100 * plan.trial.s_per_step)
    run_training(experiment, run, max_steps=2, validation_clips=0)
    again = plan_training(
        experiment, run, MODEL, SETTINGS, FeatureConfig(encoder="mel"), device="cpu"
    )
    assert again.first_step == 2
    assert again.duration_s == pytest.approx(4 * again.trial.s_per_step)

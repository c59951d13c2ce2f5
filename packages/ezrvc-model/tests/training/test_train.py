"""Training from end to end on a network of a few thousand parameters."""

import json
import logging
import math
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
import torch

from ezrvc_audio.experiment import ExperimentFolder
from ezrvc_features.config import FeatureConfig
from ezrvc_model.config import DiscriminatorConfig, TrainConfig
from ezrvc_model.data.clip import TrainingClip
from ezrvc_model.errors import ModelError
from ezrvc_model.synthesizer.synthesizer import Synthesizer
from ezrvc_model.testing import small_config
from ezrvc_model.training import TrainingResult, listener, train
from ezrvc_model.training import generator_step as generator_step_module
from ezrvc_model.training.checkpoint_folder import list_checkpoints
from ezrvc_model.training.sinks import read_metrics
from ezrvc_model.voice import VoiceModel
from ezrvc_model.voice_card import Consent

MODEL = small_config().model_copy(update={"dropout": 0.2})
SMALL = DiscriminatorConfig(periods=(2, 3), narrowing=64)
MakeExperiment = Callable[..., ExperimentFolder]


def settings(**changes: object) -> TrainConfig:
    values = {
        "max_steps": 4,
        "batch_size": 3,
        "segment_frames": 8,
        "max_clip_frames": 40,
        "learning_rate": 1e-3,
        "discriminator": SMALL,
        "checkpoint_every": 100,
        "log_every": 1,
        "validation_clips": 0,
    }
    return TrainConfig.model_validate({**values, **changes})


def run_training(
    experiment: ExperimentFolder, run: Path, config: TrainConfig | None = None, **changes: object
) -> TrainingResult:
    options = {"model": MODEL, "features": FeatureConfig(encoder="mel"), "device": "cpu", **changes}
    return train(experiment, run, settings=config or settings(), **options)


def losses(run: Path) -> list[dict[str, float]]:
    rows = read_metrics(run / "metrics.jsonl")
    return [{k: v for k, v in row.items() if not k.startswith("speed/")} for row in rows]


@pytest.fixture
def experiment(make_experiment: MakeExperiment) -> ExperimentFolder:
    return make_experiment()


def test_a_run_leaves_what_the_contract_says(experiment: ExperimentFolder, tmp_path: Path) -> None:
    run = tmp_path / "models" / "ada"
    result = run_training(experiment, run)
    assert (result.steps, result.steps_now, result.resumed_from) == (4, 4, None)
    assert not result.interrupted
    assert not result.already_complete
    assert (result.run, result.voice) == (run, run / "voice")
    assert [path.name for path in list_checkpoints(run / "checkpoints")] == ["step-00000004"]
    assert (run / "config.yaml").is_file()
    assert list((run / "tensorboard").iterdir())
    rows = losses(run)
    assert [row["step"] for row in rows] == [1, 2, 3, 4]
    for name in ("generator/total", "generator/mel", "generator/kl", "discriminator/total"):
        assert all(math.isfinite(row[name]) for row in rows)
    assert result.metrics["generator/mel"] == rows[-1]["generator/mel"]


def test_the_voice_converts_and_says_how_it_was_trained(
    experiment: ExperimentFolder, tmp_path: Path
) -> None:
    result = run_training(experiment, tmp_path / "run", settings(good_from_step=5))
    voice = VoiceModel.load(result.voice)
    assert dict(voice.speakers) == {"ada": 0}
    assert voice.config == MODEL
    assert voice.card.training.steps == 4
    assert voice.card.training.untrained
    assert voice.card.training.audio_minutes == round((0.5 + 0.6 + 0.7 + 0.8) / 60, 2)
    assert voice.card.f0["ada"].low_hz == 110.0
    assert voice.card.f0["ada"].high_hz == 330.0
    assert voice.encoder_version == "1"


def test_what_a_person_wrote_on_the_card_stays_when_training_goes_on(
    experiment: ExperimentFolder, tmp_path: Path
) -> None:
    result = run_training(experiment, tmp_path / "run", settings(max_steps=1))
    voice = VoiceModel.load(result.voice)
    given = Consent(given=True, statement="Ada agreed to this test")
    voice.card = voice.card.model_copy(update={"consent": given, "licence": "CC-BY-4.0"})
    voice.save(result.voice)
    card = VoiceModel.load(run_training(experiment, tmp_path / "run").voice).card
    assert (card.consent, card.licence, card.training.steps) == (given, "CC-BY-4.0", 4)


def test_resumed_losses_are_those_of_an_uninterrupted_run(
    experiment: ExperimentFolder, tmp_path: Path
) -> None:
    changes: dict[str, object] = {"volume_augmentation": True, "learning_rate_decay": 0.9}
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    run_training(experiment, whole, settings(max_steps=6, **changes))
    for max_steps in (1, 4, 6):
        torch.manual_seed(max_steps)  # whatever happened in the process before must not matter
        result = run_training(experiment, parts, settings(max_steps=max_steps, **changes))
    assert result.resumed_from == 4
    assert len(losses(whole)) == 6
    for expected, resumed in zip(losses(whole), losses(parts), strict=True):
        assert resumed == pytest.approx(expected, rel=1e-6, abs=1e-6)
    first, second = (VoiceModel.load(run / "voice") for run in (whole, parts))
    for name, tensor in first.generator.state_dict().items():
        torch.testing.assert_close(second.generator.state_dict()[name], tensor)


def test_training_leaves_the_callers_random_state(
    experiment: ExperimentFolder, tmp_path: Path
) -> None:
    torch.manual_seed(5)
    expected = torch.rand(2)
    torch.manual_seed(5)
    run_training(experiment, tmp_path / "run", settings(max_steps=1))
    assert torch.equal(torch.rand(2), expected)


def test_a_complete_run_says_so_and_touches_nothing(
    experiment: ExperimentFolder, tmp_path: Path
) -> None:
    run_training(experiment, tmp_path / "run")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "run").rglob("*")}
    result = run_training(experiment, tmp_path / "run")
    assert result.already_complete
    assert (result.steps, result.steps_now, result.resumed_from) == (4, 0, 4)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "run").rglob("*")} == before


def test_a_complete_run_without_its_voice_exports_it(
    experiment: ExperimentFolder, tmp_path: Path
) -> None:
    voice = run_training(experiment, tmp_path / "run").voice
    expected = VoiceModel.load(voice).generator.state_dict()
    voice.rename(tmp_path / "elsewhere")
    assert run_training(experiment, tmp_path / "run").already_complete
    for name, tensor in VoiceModel.load(voice).generator.state_dict().items():
        assert torch.equal(tensor, expected[name])


def test_damaged_newest_checkpoint_is_passed_over(
    experiment: ExperimentFolder, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    run_training(experiment, run, settings(checkpoint_every=2))
    (run / "checkpoints" / "step-00000004" / "generator.safetensors").write_bytes(b"short")
    result = run_training(experiment, run, settings(max_steps=5))
    assert result.resumed_from == 2
    assert result.damaged_checkpoints == (run / "checkpoints" / "damaged-step-00000004",)
    assert [row["step"] for row in losses(run)] == [1, 2, 3, 4, 5]


def test_checkpoints_come_by_step_and_only_the_newest_stay(
    experiment: ExperimentFolder, tmp_path: Path
) -> None:
    observer = Recorder()
    config = settings(max_steps=7, checkpoint_every=2, keep_checkpoints=2)
    run_training(experiment, tmp_path / "run", config, observers=[observer])
    assert [path.name for path in observer.checkpoints] == [
        f"step-{step:08d}" for step in (2, 4, 6, 7)
    ]
    kept = list_checkpoints(tmp_path / "run" / "checkpoints")
    assert kept == observer.checkpoints[-2:]


def test_checkpoints_come_by_time(experiment: ExperimentFolder, tmp_path: Path) -> None:
    observer = Recorder()
    config = settings(max_steps=3, checkpoint_minutes=1e-9)
    run_training(experiment, tmp_path / "run", config, observers=[observer])
    assert len(observer.checkpoints) == 3


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_asked_to_stop_it_saves_and_stops(
    experiment: ExperimentFolder, tmp_path: Path, number: signal.Signals
) -> None:
    observer = Recorder(at_step=2, act=lambda: os.kill(os.getpid(), number))
    result = run_training(
        experiment, tmp_path / "run", settings(max_steps=50), observers=[observer]
    )
    assert result.interrupted
    assert 2 <= result.steps <= 3
    assert run_training(experiment, tmp_path / "run", settings(max_steps=5)).resumed_from in (2, 3)


def test_another_model_under_a_run_is_refused(experiment: ExperimentFolder, tmp_path: Path) -> None:
    run_training(experiment, tmp_path / "run", settings(max_steps=1))
    other = MODEL.model_copy(update={"hidden_channels": 32})
    with pytest.raises(ModelError, match=r"model\.hidden_channels is 16, asked 32.*new run name"):
        run_training(experiment, tmp_path / "run", model=other)


def test_a_loss_that_is_no_number_stops_and_is_not_saved(
    experiment: ExperimentFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_training(experiment, tmp_path / "run", settings(max_steps=2))
    broken = lambda *_: torch.tensor(float("nan"), requires_grad=True)  # noqa: E731
    monkeypatch.setattr(generator_step_module, "kl_loss", broken)
    with pytest.raises(ModelError, match=r"step 3: generator/total = nan, generator/kl = nan"):
        run_training(experiment, tmp_path / "run", settings(max_steps=5, log_every=100))
    kept = list_checkpoints(tmp_path / "run" / "checkpoints")
    assert [path.name for path in kept] == ["step-00000002"]


def test_a_full_disk_is_one_clear_line_and_the_last_checkpoint_stays(
    experiment: ExperimentFolder, tmp_path: Path, file_limit: Callable[[int], None]
) -> None:
    run = tmp_path / "run"
    run_training(experiment, run, settings(max_steps=1))
    file_limit(20_000)
    with pytest.raises(ModelError, match=r"step-00000002: step 2 cannot be saved") as caught:
        run_training(experiment, run, settings(max_steps=2))
    assert "\n" not in str(caught.value)
    file_limit(10**9)
    assert [path.name for path in list_checkpoints(run / "checkpoints")] == ["step-00000001"]
    assert run_training(experiment, run, settings(max_steps=2)).resumed_from == 1


def test_metrics_that_cannot_be_written_are_one_clear_line(
    experiment: ExperimentFolder, tmp_path: Path
) -> None:
    (tmp_path / "run" / "metrics.jsonl").mkdir(parents=True)
    with pytest.raises(ModelError, match=r"training stopped, a file cannot be .*metrics\.jsonl"):
        run_training(experiment, tmp_path / "run")


def test_a_damaged_clip_is_reported_and_left_out(
    experiment: ExperimentFolder, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (experiment.root / "audio/ada/001.wav").write_bytes(b"")
    (experiment.root / "features/ada/002.f0.npy").unlink()
    with caplog.at_level(logging.WARNING):
        result = run_training(experiment, tmp_path / "run", settings(max_steps=1))
    assert [left.path for left in result.left_out] == ["audio/ada/001.wav", "audio/ada/002.wav"]
    for left in result.left_out:
        assert left.path in left.reason
        assert left.reason in caplog.text


def test_no_usable_clip_is_an_error(experiment: ExperimentFolder, tmp_path: Path) -> None:
    for path in (experiment.root / "audio" / "ada").iterdir():
        path.write_bytes(b"")
    with pytest.raises(ModelError, match=r"none of 4 clips can be trained on .*000\.wav"):
        run_training(experiment, tmp_path / "run")


def test_content_of_another_width_says_what_to_set(
    experiment: ExperimentFolder, tmp_path: Path
) -> None:
    other = MODEL.model_copy(update={"content_dim": 256})
    with pytest.raises(ModelError, match=r"80 wide, model\.content_dim is 256"):
        run_training(experiment, tmp_path / "run", model=other)


def test_every_speaker_gets_a_row(make_experiment: MakeExperiment, tmp_path: Path) -> None:
    experiment = make_experiment("duo", ("ada", "grace"), n_clips=2)
    result = run_training(experiment, tmp_path / "run", settings(max_steps=1))
    voice = VoiceModel.load(result.voice)
    assert voice.config.n_speakers == 2
    assert dict(voice.speakers) == {"ada": 0, "grace": 1}


def test_validators_judge_held_out_clips(experiment: ExperimentFolder, tmp_path: Path) -> None:
    validator = Listener()
    config = settings(max_steps=5, validate_every=2, validation_clips=4)
    result = run_training(experiment, tmp_path / "run", config, validators=[validator])
    assert validator.heard == [(2, ["audio/ada/004.wav"]), (4, ["audio/ada/004.wav"]),
                               (5, ["audio/ada/004.wav"])]  # fmt: skip
    rows = [row for row in losses(tmp_path / "run") if "validation/mel" in row]
    assert [row["step"] for row in rows] == [2, 4, 5]
    assert result.metrics["validation/steps"] == 5.0


def test_mean_metrics_are_told_every_few_steps(
    experiment: ExperimentFolder, tmp_path: Path
) -> None:
    run_training(experiment, tmp_path / "fine")
    observer = Recorder()
    run_training(experiment, tmp_path / "coarse", settings(log_every=3), observers=[observer])
    fine = [row["generator/mel"] for row in losses(tmp_path / "fine")]
    coarse = [row["generator/mel"] for row in losses(tmp_path / "coarse")]
    assert coarse == pytest.approx([sum(fine[:3]) / 3, fine[3]])
    assert [step for step, _ in observer.steps] == [3, 4]
    assert observer.steps[0][1]["generator/mel"] == coarse[0]


def test_progress_is_told_every_step(experiment: ExperimentFolder, tmp_path: Path) -> None:
    told: list[tuple[str, float, float | None]] = []
    run_training(experiment, tmp_path / "run", progress=lambda *report: told.append(report))
    assert [report for report in told if report[0] == "training"] == [
        ("training", step, 4) for step in (1, 2, 3, 4)
    ]


def test_worker_processes_give_the_same_batches(
    experiment: ExperimentFolder, tmp_path: Path
) -> None:
    run_training(experiment, tmp_path / "none")
    run_training(experiment, tmp_path / "two", settings(num_workers=2))
    assert losses(tmp_path / "none") == losses(tmp_path / "two")


def test_an_encoder_that_cannot_listen_is_refused_before_anything_is_done(
    experiment: ExperimentFolder, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match=r"train\.content_weight needs"):
        run_training(experiment, tmp_path / "run", settings(content_weight=1.0))
    assert not (tmp_path / "run" / "metrics.jsonl").exists()


def test_a_run_that_is_listened_to_logs_it_and_resumes_exactly(
    experiment: ExperimentFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "load_encoder", lambda name, **how: Loudness())
    run_training(experiment, tmp_path / "whole", settings(content_weight=1.0))
    run_training(experiment, tmp_path / "parts", settings(content_weight=1.0, max_steps=2))
    run_training(experiment, tmp_path / "parts", settings(content_weight=1.0))
    assert all("generator/content" in row for row in losses(tmp_path / "whole"))
    assert losses(tmp_path / "parts") == losses(tmp_path / "whole")


def test_learns(experiment: ExperimentFolder, tmp_path: Path) -> None:
    """Forty steps on four tones: the mel difference falls clearly."""
    run_training(experiment, tmp_path / "run", settings(max_steps=40, learning_rate=5e-3))
    mel = [row["generator/mel"] for row in losses(tmp_path / "run")]
    assert sum(mel[-5:]) < 0.7 * sum(mel[:5])


def test_metrics_are_plain_json(experiment: ExperimentFolder, tmp_path: Path) -> None:
    run_training(experiment, tmp_path / "run", settings(max_steps=1))
    line = (tmp_path / "run" / "metrics.jsonl").read_text(encoding="utf-8")
    assert json.loads(line, parse_constant=lambda name: pytest.fail(name))["step"] == 1


class Loudness:
    """An encoder that hears how loud each stretch of 20 ms is."""

    def hear(self, samples: torch.Tensor) -> list[torch.Tensor]:
        return [samples.unfold(1, 320, 320).square().mean(dim=2, keepdim=True)]


class Recorder:
    """An observer that remembers, and may act at a step."""

    def __init__(self, at_step: int = 0, act: Callable[[], None] = lambda: None) -> None:
        self.steps: list[tuple[int, Mapping[str, float]]] = []
        self.checkpoints: list[Path] = []
        self._at_step = at_step
        self._act = act

    def on_step(self, step: int, metrics: Mapping[str, float]) -> None:
        self.steps.append((step, dict(metrics)))
        if step == self._at_step:
            self._act()

    def on_checkpoint(self, path: Path) -> None:
        self.checkpoints.append(path)


class Listener:
    """A validator that remembers what it was asked."""

    def __init__(self) -> None:
        self.heard: list[tuple[int, list[str]]] = []

    def validate(
        self, generator: Synthesizer, clips: Sequence[TrainingClip], step: int
    ) -> Mapping[str, float]:
        assert not generator.training
        assert not torch.is_grad_enabled()
        self.heard.append((step, [clip.name for clip in clips]))
        return {"validation/steps": float(step)}

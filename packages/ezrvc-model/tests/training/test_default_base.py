"""New voices start from the built-in one where it fits; runs that have begun stay as they are."""

import json
import logging
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import ezrvc_model.builtin
from ezrvc_audio.experiment import ExperimentFolder
from ezrvc_features.config import FeatureConfig
from ezrvc_model.builtin import BASE
from ezrvc_model.config import SynthesizerConfig, TrainConfig
from ezrvc_model.discriminators.discriminator import Discriminator
from ezrvc_model.errors import ModelError
from ezrvc_model.synthesizer.synthesizer import Synthesizer
from ezrvc_model.testing import small_config, untrained_voice
from ezrvc_model.training import TrainingResult, automatic, plan_training, read_status, train
from ezrvc_model.training.automatic import FINE_TUNING_STEPS
from ezrvc_model.training.bases.base import SPEAKER_TABLE
from ezrvc_model.training.bases.choosing import choose_base
from ezrvc_model.training.bases.fitting import start_from
from ezrvc_model.training.bases.reading import read_base
from ezrvc_model.training.checkpoint import CheckpointRecord, read_record
from ezrvc_model.training.checkpoint_folder import list_checkpoints
from ezrvc_model.training.sinks import read_metrics
from ezrvc_model.voice import VoiceModel
from ezrvc_model.voice_folder import read_voice_card

MODEL = small_config()
MEL = FeatureConfig(encoder="mel")
PERIODS = (2, 3)
FITS = "starts from the built-in voice (--base none: from nothing)"
MakeExperiment = Callable[..., ExperimentFolder]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation without a built-in voice."""
    monkeypatch.setattr(ezrvc_model.builtin, "_FOLDER", tmp_path / "package")
    return tmp_path / "package"


@pytest.fixture
def built_in(package: Path) -> Path:
    """A stand-in for the voice that ships: two speakers and a narrow opponent."""
    folder = package / BASE
    opponent = Discriminator(PERIODS, narrowing=128)
    untrained_voice(("willow", "rowan")).save(folder, storage="int8", discriminator=opponent)
    return folder


def settings(**changes: object) -> TrainConfig:
    values = {
        "max_steps": 1,
        "batch_size": 2,
        "segment_frames": 8,
        "max_clip_frames": 24,
        "discriminator": {"periods": PERIODS},
        "validation_clips": 0,
    }
    return TrainConfig.from_tree({**values, **changes})


def run_training(
    experiment: ExperimentFolder, run: Path, model: SynthesizerConfig = MODEL, **changes: object
) -> TrainingResult:
    return train(experiment, run, model, settings(**changes), MEL, device="cpu")


def last_record(run: Path) -> CheckpointRecord:
    return read_record(list_checkpoints(run / "checkpoints")[-1])


def fixed_in(run: Path) -> tuple[str | None, int]:
    """Base and width of the opponent, as the newest checkpoint records them."""
    fixed = last_record(run).fixed["train"]
    return fixed["base"], fixed["discriminator"]["narrowing"]


# --------------------------------------------------------------------------- whether it fits


def test_a_voice_that_fits_is_taken(built_in: Path) -> None:
    choice = choose_base("auto", MODEL.model_copy(update={"n_speakers": 7}), MEL)
    assert (choice.address, choice.account) == ("builtin:base", FITS)


def test_one_other_number_is_another_preset(built_in: Path) -> None:
    wide = MODEL.decoder.model_copy(update={"n_harmonics": 5})
    choice = choose_base("auto", MODEL.model_copy(update={"decoder": wide}), MEL)
    assert choice.address == "none"
    assert choice.account == (
        "starts from nothing: another preset than the built-in voice's "
        "(decoder.n_harmonics is 4 there, 5 here)"
    )
    other = MODEL.model_copy(update={"decoder": wide, "dropout": 0.0, "n_layers": 2})
    assert "(n_layers is 1 there, 2 here and 2 more)" in choose_base("auto", other, MEL).account


@pytest.mark.parametrize(
    ("features", "here"),
    [
        (FeatureConfig(encoder="soft-units"), "soft-units"),
        (FeatureConfig(encoder="mel", encoder_weights="mine"), "mel with weights of its own"),
    ],
)
def test_content_of_another_encoder_does_not_fit(
    built_in: Path, features: FeatureConfig, here: str
) -> None:
    choice = choose_base("auto", MODEL, features)
    assert choice.address == "none"
    assert choice.account == (
        f"starts from nothing: another encoder than the built-in voice's (mel there, {here} here)"
    )


def test_nothing_is_installed(package: Path) -> None:
    choice = choose_base("auto", MODEL, MEL)
    assert choice.address == "none"
    assert choice.account == "starts from nothing: no built-in voice is installed"


def test_what_is_asked_for_stays(built_in: Path) -> None:
    assert choose_base("none", MODEL, MEL).address == "none"
    assert choose_base("nova", MODEL, MEL).address == "nova"


def test_null_is_nothing() -> None:
    assert TrainConfig.from_tree({"base": None}).base == "none"
    assert TrainConfig().base == "auto"


def test_the_voice_that_ships_fits_the_preset_it_was_made_with() -> None:
    from ezrvc_model.presets import load_preset

    model = SynthesizerConfig.from_tree(load_preset("base-24k")["model"])
    assert choose_base("auto", model, FeatureConfig()).account == FITS


# -------------------------------------------------------------------------------- its parts


@pytest.mark.parametrize("name", ["willow", "ada"])
def test_every_speaker_begins_at_the_mean_whatever_the_name(built_in: Path, name: str) -> None:
    base = read_base("builtin:base", built_in, MODEL)
    generator = Synthesizer(MODEL)
    report = start_from(
        base,
        generator,
        Discriminator(PERIODS, narrowing=128),
        speakers={name: 0},
        encoder="mel",
        new_speakers="mean",
    )
    theirs = base.generator[SPEAKER_TABLE]
    row = generator.state_dict()[SPEAKER_TABLE][0]
    torch.testing.assert_close(row, (theirs[0] + theirs[1]) / 2)
    assert not torch.allclose(row, theirs[0])
    assert report.speakers == {name: "the mean of the 2 speakers of the base"}
    assert report.share_taken("discriminator") == 1.0


def test_a_new_run_knows_its_own_speakers_alone_and_takes_the_opponent_along(
    built_in: Path,
    make_experiment: MakeExperiment,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    experiment = make_experiment("willow", ("willow",))
    run = tmp_path / "models" / "willow"
    planned = plan_training(experiment, run, MODEL, settings(), MEL, device="cpu")
    assert planned.beginning == FITS
    assert planned.base is not None
    assert planned.base.share_taken("discriminator") == 1.0
    assert planned.speakers == {"willow": 0}
    with caplog.at_level(logging.INFO, logger="ezrvc_model.training"):
        result = run_training(experiment, run)
    assert [line for line in caplog.messages if "built-in" in line] == [f"{run}: {FITS}"]
    assert result.beginning == FITS
    assert result.base is not None
    assert result.base.share_taken("discriminator") == 1.0
    assert result.base.speakers == {"willow": "the mean of the 2 speakers of the base"}
    voice = VoiceModel.load(result.voice)
    assert dict(voice.speakers) == {"willow": 0}
    assert voice.config.n_speakers == 1
    assert voice.card.origin.note == "fine-tuned from builtin:base"
    assert fixed_in(run) == ("builtin:base", 128)


def test_a_width_that_is_asked_for_stays(
    built_in: Path, make_experiment: MakeExperiment, tmp_path: Path
) -> None:
    shape = {"periods": PERIODS, "narrowing": 64}
    result = run_training(make_experiment(), tmp_path / "run", discriminator=shape)
    assert result.base is not None
    assert result.base.share_taken("discriminator") < 0.1
    assert fixed_in(tmp_path / "run") == ("builtin:base", 64)


# ------------------------------------------------------------------------ how long it takes


@pytest.mark.parametrize(
    ("base", "steps"), [("auto", FINE_TUNING_STEPS), ("none", 100_000), ("old", 100_000)]
)
def test_few_steps_from_the_built_in_voice_and_many_from_any_other_beginning(
    built_in: Path, make_experiment: MakeExperiment, tmp_path: Path, base: str, steps: int
) -> None:
    untrained_voice().save(tmp_path / "models" / "old" / "voice")
    run = tmp_path / "models" / "ada"
    for asked, expected in (("auto", steps), (7, 7)):
        config = settings(base=base, max_steps=asked)
        planned = plan_training(make_experiment(str(asked)), run, MODEL, config, MEL, device="cpu")
        assert planned.max_steps == expected


def test_a_run_ends_where_it_was_to_end_when_it_began(
    built_in: Path,
    make_experiment: MakeExperiment,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    experiment, run = make_experiment(), tmp_path / "run"

    def steps_when(choice: int) -> tuple[int, int | None]:
        numbers = {**automatic._FROM_BUILT_IN, "max_steps": choice}
        monkeypatch.setattr(automatic, "_FROM_BUILT_IN", numbers)
        return run_training(experiment, run, max_steps="auto").steps, read_status(run).max_steps

    assert steps_when(2) == (2, 2)
    assert steps_when(4) == (2, 2)
    assert run_training(experiment, run, max_steps=3).steps == 3
    assert steps_when(4) == (3, 3)


def test_a_run_that_recorded_no_end_goes_on_to_the_end_of_old(
    built_in: Path, make_experiment: MakeExperiment, tmp_path: Path
) -> None:
    experiment, run = make_experiment(), tmp_path / "run"
    run_training(experiment, run, base="none")
    record = list_checkpoints(run / "checkpoints")[-1] / "state.json"
    tree = json.loads(record.read_bytes())
    assert tree.pop("settled")["max_steps"] == 1
    record.write_text(json.dumps(tree), encoding="utf-8")
    planned = plan_training(experiment, run, MODEL, settings(max_steps="auto"), MEL, device="cpu")
    assert (planned.first_step, planned.max_steps) == (1, 100_000)


@pytest.mark.parametrize(("base", "untrained"), [("auto", False), ("none", True)])
def test_a_fine_tuned_voice_is_not_called_untrained(
    built_in: Path, make_experiment: MakeExperiment, tmp_path: Path, base: str, untrained: bool
) -> None:
    experiment, run = make_experiment(), tmp_path / "run"
    for step in (1, 2):
        voice = run_training(experiment, run, base=base, max_steps=step).voice
        assert read_voice_card(voice).training.untrained == untrained
    voice = run_training(experiment, run, base=base, max_steps=3, good_from_step=4).voice
    assert read_voice_card(voice).training.untrained


# ---------------------------------------------------------------------------- its warm-up


@pytest.mark.parametrize(("base", "steps"), [("auto", 50), ("old", 50), ("none", 0)])
def test_rates_rise_from_a_base_and_not_from_nothing(
    built_in: Path, make_experiment: MakeExperiment, tmp_path: Path, base: str, steps: int
) -> None:
    untrained_voice().save(tmp_path / "models" / "old" / "voice")
    run = tmp_path / "models" / "ada"
    run_training(make_experiment(), run, base=base, log_every=1, learning_rate=1e-3)
    row = read_metrics(run / "metrics.jsonl")[0]  # says the rate of the step to come
    factor = 2 / steps if steps else 1
    assert row["schedule/learning_rate"] == pytest.approx(1e-3 * factor)
    assert last_record(run).settled["warm_up_steps"] == steps


def test_a_run_resumed_within_its_warm_up_has_the_losses_of_an_uninterrupted_one(
    built_in: Path, make_experiment: MakeExperiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = make_experiment()
    runs = whole, parts = tmp_path / "models" / "whole", tmp_path / "models" / "parts"
    changes = {"log_every": 1, "learning_rate": 2e-2}
    run_training(experiment, whole, max_steps=4, **changes)
    run_training(experiment, parts, max_steps=2, **changes)
    later = {**automatic._FROM_BUILT_IN, "warm_up_steps": 3}
    monkeypatch.setattr(automatic, "_FROM_BUILT_IN", later)  # as another version might choose
    assert run_training(experiment, parts, max_steps=4, **changes).resumed_from == 2
    expected, found = (read_metrics(run / "metrics.jsonl") for run in runs)
    assert len(expected) == len(found) == 4
    for before, after in zip(expected, found, strict=True):
        for name in ("generator/total", "discriminator/total", "schedule/learning_rate"):
            assert after[name] == pytest.approx(before[name], rel=1e-6)


# ------------------------------------------------------------------- runs that have begun


def test_a_run_from_the_built_in_voice_goes_on_without_it(
    built_in: Path, make_experiment: MakeExperiment, tmp_path: Path
) -> None:
    experiment, run = make_experiment(), tmp_path / "run"
    run_training(experiment, run)
    built_in.rename(tmp_path / "gone")
    resumed = run_training(experiment, run, max_steps=2)
    assert (resumed.resumed_from, resumed.base) == (1, None)
    assert resumed.beginning == "goes on from step 1, began from builtin:base"
    assert fixed_in(run) == ("builtin:base", 128)
    assert dict(VoiceModel.load(resumed.voice).speakers) == {"ada": 0}
    with pytest.raises(ModelError, match=r"train\.base is 'builtin:base', asked None"):
        run_training(experiment, run, max_steps=3, base="none")


@pytest.mark.parametrize("asked", ["auto", "none", None])
def test_a_run_from_nothing_goes_on_from_nothing(
    built_in: Path, make_experiment: MakeExperiment, tmp_path: Path, asked: str | None
) -> None:
    experiment, run = make_experiment(), tmp_path / "run"
    narrow = {"periods": PERIODS, "narrowing": 64}
    begun = run_training(experiment, run, base="none", discriminator=narrow)
    assert begun.base is None
    assert begun.beginning == "starts from nothing, as asked for"
    assert fixed_in(run) == (None, 64)  # as programs wrote it that knew of no built-in voice
    resumed = run_training(experiment, run, base=asked, max_steps=2)
    assert (resumed.resumed_from, resumed.base) == (1, None)
    assert resumed.beginning == "goes on from step 1"
    assert fixed_in(run) == (None, 64)
    with pytest.raises(ModelError, match=r"train\.base is None, asked 'builtin:base'"):
        run_training(experiment, run, base="builtin:base", max_steps=3)


def test_speakers_of_a_run_from_the_built_in_voice_cannot_go(
    built_in: Path, make_experiment: MakeExperiment, tmp_path: Path
) -> None:
    experiment, run = make_experiment("two", ("ada", "grace")), tmp_path / "run"
    run_training(experiment, run)
    experiment.speaker_map.write_text('{"ada": 0}', encoding="utf-8")
    with pytest.raises(ModelError, match=r"speakers\.grace is 1, asked None"):
        run_training(experiment, run, max_steps=2)

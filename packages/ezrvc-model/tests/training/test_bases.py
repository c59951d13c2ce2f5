"""Training that starts from a voice, a checkpoint or a file of another program."""

import csv
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from ezrvc_audio.experiment import ExperimentFolder
from ezrvc_features.config import FeatureConfig
from ezrvc_model.config import DiscriminatorConfig, SynthesizerConfig, TrainConfig
from ezrvc_model.discriminators.discriminator import Discriminator
from ezrvc_model.errors import ModelError
from ezrvc_model.interop.names import discriminator_names
from ezrvc_model.synthesizer.synthesizer import Synthesizer
from ezrvc_model.testing import (
    save_rvc_voice,
    save_sovits_voice,
    small_config,
    untrained_voice,
)
from ezrvc_model.training import TrainingResult, train
from ezrvc_model.training.bases.base import SPEAKER_TABLE, Base
from ezrvc_model.training.bases.fitting import start_from
from ezrvc_model.training.bases.reading import read_base
from ezrvc_model.training.bases.report import BaseReport
from ezrvc_model.training.sinks import read_metrics
from ezrvc_model.voice import VoiceModel

MODEL = small_config()
SMALL = DiscriminatorConfig(periods=(2, 3), narrowing=64)
MakeExperiment = Callable[..., ExperimentFolder]


def settings(**changes: object) -> TrainConfig:
    values = {
        "max_steps": 2,
        "batch_size": 2,
        "segment_frames": 8,
        "max_clip_frames": 24,
        "discriminator": SMALL,
        "log_every": 1,
        "validation_clips": 0,
    }
    return TrainConfig.model_validate({**values, **changes})


def run_training(experiment: ExperimentFolder, run: Path, **changes: object) -> TrainingResult:
    return train(
        experiment, run, MODEL, settings(**changes), FeatureConfig(encoder="mel"), device="cpu"
    )


def fit(
    base: Base, model: SynthesizerConfig = MODEL, *, encoder: str = "mel", **options: object
) -> tuple[BaseReport, dict[str, torch.Tensor]]:
    generator = Synthesizer(model)
    chosen = {"speakers": {"ada": 0}, "new_speakers": "mean", **options}
    report = start_from(base, generator, discriminator(), encoder=encoder, **chosen)
    return report, generator.state_dict()


def discriminator() -> Discriminator:
    return Discriminator(SMALL.periods, narrowing=SMALL.resolved_narrowing)


def base_of(model: SynthesizerConfig, speakers: dict[str, int], **changes: Any) -> Base:
    state = Synthesizer(model).state_dict()
    return Base("old", state, (), config=model, speakers=speakers, encoder="mel", **changes)


def fates(report: BaseReport) -> dict[str, str]:
    return {layer.layer: layer.reason for layer in report.layers if layer.network == "generator"}


def test_everything_of_an_equal_network_is_taken() -> None:
    opponent = discriminator()
    base = base_of(MODEL, {"ada": 0}, discriminator=opponent)
    target = discriminator()
    generator = Synthesizer(MODEL)
    report = start_from(
        base, generator, target, speakers={"ada": 0}, encoder="mel", new_speakers="mean"
    )
    for name, tensor in generator.state_dict().items():
        assert torch.equal(tensor, base.generator[name])
    for name, tensor in target.state_dict().items():
        assert torch.equal(tensor, opponent.state_dict()[name])
    assert (report.share_taken("generator"), report.share_taken("discriminator")) == (1.0, 1.0)
    assert report.speakers == {"ada": "row 0 of the base, which knows the speaker"}
    assert (report.unused, report.notes) == ((), ())


def test_layers_of_another_shape_stay_fresh_and_say_why() -> None:
    wide = MODEL.model_copy(update={"filter_channels": 48})
    torch.manual_seed(0)
    base = base_of(wide, {"ada": 0})
    torch.manual_seed(1)
    untouched = Synthesizer(MODEL).state_dict()
    torch.manual_seed(1)
    report, state = fit(base)
    layer = "prior_encoder.transformer.layers.0.feed_forward.expand"
    assert fates(report)[layer] == "another shape: 48x16x3 in the base, 32x16x3 here"
    assert torch.equal(state[f"{layer}.weight"], untouched[f"{layer}.weight"])
    assert torch.equal(state[f"{layer}.bias"], untouched[f"{layer}.bias"])
    assert 0.5 < report.share_taken("generator") < 1
    part = next(part for part in report.parts if part.reason and "prior" in part.part)
    assert part.part == "generator/prior_encoder"
    assert part.reason == "another shape"


def test_a_layer_the_base_lacks_is_named_and_what_has_no_place_too() -> None:
    base = base_of(MODEL.model_copy(update={"predict_f0": False, "n_layers": 2}), {"ada": 0})
    report, _ = fit(base)
    assert fates(report)["f0_decoder.input"] == "the base has no such layer"
    assert "prior_encoder.transformer.layers.1.attention.query.weight" in report.unused


def test_content_of_another_encoder_is_not_mixed_in() -> None:
    report, _ = fit(base_of(MODEL, {"ada": 0}), encoder="other")
    assert fates(report)["content_embedding.projection"] == (
        "made for other content: mel in the base, other here"
    )
    assert fates(report)["content_embedding.voiced"] == ""


@pytest.mark.parametrize("how", ["mean", "fresh"])
def test_new_speakers_begin_at_the_mean_of_those_that_are_known_or_afresh(how: str) -> None:
    base = base_of(MODEL.model_copy(update={"n_speakers": 3}), {"ada": 0, "grace": 2})
    table = base.generator[SPEAKER_TABLE]
    model = MODEL.model_copy(update={"n_speakers": 2})
    report, state = fit(base, model, speakers={"emmy": 0, "grace": 1}, new_speakers=how)
    assert torch.equal(state[SPEAKER_TABLE][1], table[2])
    assert report.speakers["grace"] == "row 2 of the base, which knows the speaker"
    is_mean = torch.allclose(state[SPEAKER_TABLE][0], (table[0] + table[2]) / 2)
    assert is_mean == (how == "mean")
    assert report.speakers["emmy"] == (
        "the mean of the 2 speakers of the base" if how == "mean" else "afresh"
    )


def test_rows_without_names_are_taken_as_they_stand() -> None:
    base = base_of(MODEL.model_copy(update={"n_speakers": 3}), {})
    report, state = fit(base)
    assert torch.equal(state[SPEAKER_TABLE][0], base.generator[SPEAKER_TABLE][0])
    assert report.speakers["ada"] == "row 0 of the base, whose speakers have no names"


def test_discriminators_are_matched_by_what_they_look_at() -> None:
    opponent = Discriminator((3, 5), narrowing=SMALL.resolved_narrowing)
    target = discriminator()
    base = base_of(MODEL, {"ada": 0}, discriminator=opponent)
    report = start_from(
        base, Synthesizer(MODEL), target, speakers={"ada": 0}, encoder="mel", new_speakers="mean"
    )
    for name, tensor in target.members[2].state_dict().items():  # period 3 is the base's second
        assert torch.equal(tensor, opponent.members[1].state_dict()[name])
    judged = [layer for layer in report.layers if layer.network == "discriminator"]
    for layer in judged:
        taken = not layer.layer.startswith("members.1.")  # period 2 is new
        assert layer.taken == taken


def test_a_base_of_which_nothing_fits_is_refused() -> None:
    base = Base("strange", {"some.weight": torch.zeros(3)}, ())
    with pytest.raises(ModelError, match="strange: no layer of it fits this network"):
        fit(base)


def test_numbers_that_shapes_do_not_show_are_noted() -> None:
    base = base_of(MODEL.model_copy(update={"sample_rate": 16000, "n_heads": 4}), {"ada": 0})
    report, _ = fit(base)
    assert "sample_rate is 16000 in the base, 24000 here" in report.notes
    assert "n_heads is 4 in the base, 2 here" in report.notes


# ------------------------------------------------------------------ where bases come from


def test_a_voice_folder_gives_what_conversion_keeps(tmp_path: Path) -> None:
    voice = untrained_voice(("ada", "grace"))
    voice.save(tmp_path / "old" / "voice", discriminator=discriminator())
    expected = voice.generator.state_dict()
    base = read_base("old", tmp_path, MODEL)
    assert (base.name, base.encoder, dict(base.speakers)) == ("old", "mel", {"ada": 0, "grace": 1})
    assert [file.name for file in base.files] == [
        "generator.safetensors",
        "discriminator.safetensors",
    ]
    report, state = fit(base)
    reasons = set(fates(report).values())
    assert reasons == {"", "the base has no such layer"}
    for name, reason in fates(report).items():
        assert (reason != "") == name.startswith("posterior_encoder.")
    prefix = "decoder.stages.0.upsample"  # a folded weight is a length and a direction again
    for each in ("original0", "original1"):
        name = f"{prefix}.parametrizations.weight.{each}"
        torch.testing.assert_close(state[name], expected[name])
    assert report.share_taken("discriminator") == 1.0


def test_a_so_vits_folder_with_its_discriminator(tmp_path: Path) -> None:
    checkpoint = save_sovits_voice(
        tmp_path / "sza", ("sza",), encoder="contentvec768l12", content_dim=768
    )
    full = Discriminator()
    state = full.state_dict()
    names = discriminator_names(state)
    torch.save(
        {"model": {names[name]: tensor for name, tensor in state.items()}},
        checkpoint.parent / "D_800.pth",
    )
    for source in (checkpoint.parent, checkpoint):
        base = read_base(str(source), tmp_path, MODEL)
        assert dict(base.speakers) == {"sza": 0}
        assert base.encoder == "contentvec768l12"
        assert base.discriminator is not None
        assert [file.name for file in base.files] == ["G_800.pth", "config.json", "D_800.pth"]
        assert any(name.startswith("posterior_encoder.") for name in base.generator)


def test_a_so_vits_generator_alone_is_read_as_one_of_the_runs_shape(tmp_path: Path) -> None:
    checkpoint = save_sovits_voice(
        tmp_path / "sza", ("sza",), encoder="contentvec768l12", content_dim=768
    )
    with_config = read_base(str(checkpoint), tmp_path, MODEL)
    assert with_config.config is not None
    (checkpoint.parent / "config.json").unlink()
    alone = read_base(str(checkpoint.rename(tmp_path / "G_0.pth")), tmp_path, with_config.config)
    assert (alone.speakers, alone.encoder) == ({}, None)
    assert "G_0.pth has no configuration beside it" in alone.notes[0]
    assert alone.generator.keys() >= with_config.generator.keys()
    for name, tensor in with_config.generator.items():
        assert torch.equal(alone.generator[name], tensor)
    other = with_config.config.model_copy(
        update={"decoder": with_config.config.decoder.model_copy(
            update={"resblock_kernel_sizes": (3, 7), "resblock_dilations": ((1, 3), (1, 3))}
        )}
    )  # fmt: skip
    with pytest.raises(ModelError, match=r"has 3 residual blocks, .* 6, .* config\.json beside"):
        read_base(str(tmp_path / "G_0.pth"), tmp_path, other)


def test_an_rvc_voice(tmp_path: Path) -> None:
    base = read_base(str(save_rvc_voice(tmp_path / "nova.pth")), tmp_path, MODEL)
    assert (base.name, dict(base.speakers), base.encoder) == (
        "nova.pth",
        {"nova": 0},
        "contentvec768l12",
    )
    assert not any(name.startswith("posterior_encoder.") for name in base.generator)


def test_an_unknown_base_names_the_nearest(tmp_path: Path) -> None:
    untrained_voice().save(tmp_path / "nova" / "voice")
    with pytest.raises(ModelError, match=r"unknown base 'nove'; did you mean 'nova'\?"):
        read_base("nove", tmp_path, MODEL)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match="holds no run, checkpoint, voice or"):
        read_base("empty", tmp_path, MODEL)


# ----------------------------------------------------------------------------- whole runs


def test_a_run_starts_from_a_run_and_resumes_exactly_without_it(
    make_experiment: MakeExperiment, tmp_path: Path
) -> None:
    run_training(make_experiment("old", ("grace",)), tmp_path / "models" / "old")
    experiment = make_experiment("ada")
    whole, parts = tmp_path / "models" / "whole", tmp_path / "models" / "parts"
    result = run_training(experiment, whole, base="old", max_steps=4)
    assert result.base is not None
    assert result.base.share_taken("generator") == 1.0
    assert result.base.speakers == {
        "ada": "the only speaker of the base",
        "grace": "row 0 of the base, which knows the speaker",
    }
    run_training(experiment, parts, base="old", max_steps=2)
    shutil.rmtree(tmp_path / "models" / "old")  # it is not needed any more
    resumed = run_training(experiment, parts, max_steps=4)
    assert (resumed.resumed_from, resumed.base) == (2, None)
    rows = [read_metrics(run / "metrics.jsonl") for run in (whole, parts)]
    for expected, found in zip(*rows, strict=True):
        for name in ("generator/total", "discriminator/total"):
            assert found[name] == pytest.approx(expected[name], rel=1e-6)
    for run in (whole, parts):
        voice = VoiceModel.load(run / "voice")
        assert dict(voice.speakers) == {"ada": 0, "grace": 1}
        assert voice.speaker_by_default == "ada"
        assert voice.card.origin.kind == "trained"
        assert voice.card.origin.note == "fine-tuned from old, step 2"
        assert [file.name for file in voice.card.origin.files] == [
            "generator.safetensors",
            "discriminator.safetensors",
        ]
    with (whole / "base.csv").open(encoding="utf-8", newline="") as stream:
        table = list(csv.DictReader(stream))
    assert {"what": "generator", "name": "prior_encoder.statistics", "fate": "taken"} in table
    with pytest.raises(ModelError, match=r"train\.base is 'old', asked 'other'"):
        run_training(experiment, parts, base="other", max_steps=5)


def test_a_base_helps(make_experiment: MakeExperiment, tmp_path: Path) -> None:
    """The first loss of a run from a trained base is lower than that of one from nothing."""
    experiment = make_experiment()
    models = tmp_path / "models"
    run_training(experiment, models / "old", max_steps=20, learning_rate=5e-3)
    run_training(experiment, models / "tuned", base="old", max_steps=1)
    run_training(experiment, models / "fresh", max_steps=1)
    tuned, fresh = (
        read_metrics(models / name / "metrics.jsonl")[0]["generator/mel"]
        for name in ("tuned", "fresh")
    )
    assert tuned < 0.8 * fresh


def test_the_licence_of_a_base_is_on_the_card(
    make_experiment: MakeExperiment, tmp_path: Path
) -> None:
    voice = untrained_voice()
    voice.card = voice.card.model_copy(update={"licence": "CC-BY-NC-4.0"})
    voice.save(tmp_path / "models" / "old" / "voice")
    result = run_training(make_experiment(), tmp_path / "models" / "new", base="old")
    note = VoiceModel.load(result.voice).card.origin.note
    assert note == "fine-tuned from old (licence of the base: CC-BY-NC-4.0)"

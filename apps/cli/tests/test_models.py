import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from ezrvc_cli.main import main
from ezrvc_cli.testing import Command, Finished, check_one_clear_line
from ezrvc_model.interop.sovits import import_sovits
from ezrvc_model.testing import (
    save_rvc_voice,
    save_sovits_voice,
    save_untrained_voice,
    untrained_voice,
)
from ezrvc_model.voice import VoiceModel
from ezrvc_model.voice_weights import trainable_tensors


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for voices."""
    monkeypatch.setenv("EZRVC_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("EZRVC_DEBUG", raising=False)
    return tmp_path / "home" / "models"


@pytest.fixture
def run(models: Path, capfd: pytest.CaptureFixture[str]) -> Command:
    """Run `ezrvc models` with arguments in this process."""

    def run_models(*arguments: str | Path) -> Finished:
        capfd.readouterr()
        with pytest.raises(SystemExit) as stop:
            main(["models", *map(str, arguments)])
        captured = capfd.readouterr()
        return Finished(int(stop.value.code or 0), captured.out, captured.err)

    return run_models


@pytest.fixture
def sovits(tmp_path: Path) -> Path:
    """A folder as so-vits-svc leaves it, of two speakers."""
    folder = tmp_path / "44k"
    save_sovits_voice(folder, ["ada", "bob"], encoder="contentvec768l12", content_dim=768)
    return folder


def edit_config(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    path = folder / "config.json"
    tree = json.loads(path.read_text("utf-8"))
    change(tree)
    path.write_text(json.dumps(tree), encoding="utf-8")


def test_a_sovits_folder_becomes_a_voice_with_its_origin(
    sovits: Path, models: Path, run: Command
) -> None:
    def add_training(tree: dict[str, Any]) -> None:
        tree["train"] = {"batch_size": 6, "vol_aug": True}
        tree["data"]["unit_interpolate_mode"] = "left"

    edit_config(sovits, add_training)
    finished = run("import", sovits, "--name", "duo", "--speaker", "bob")
    assert finished.code == 0, finished.err
    assert "train.batch_size, train.vol_aug" in finished.out
    assert "contentvec768l12" in finished.out
    voice = VoiceModel.load(models / "duo" / "voice")
    assert dict(voice.speakers) == {"ada": 0, "bob": 1}
    assert voice.speaker_by_default == "bob"
    assert (voice.features.encoder, voice.stretch, voice.unvoiced) == (
        "contentvec768l12",
        "left",
        "interpolate",
    )
    origin = voice.card.origin
    assert origin.kind == "imported"
    assert [file.name for file in origin.files] == ["G_800.pth", "config.json"]
    expected = import_sovits(sovits).build().prepare_for_inference().state_dict()
    found = voice.generator.state_dict()
    assert expected.keys() == found.keys()
    assert all(torch.equal(found[name], tensor) for name, tensor in expected.items())


def test_a_voice_is_called_after_its_folder_and_an_old_one_is_never_replaced(
    sovits: Path, models: Path, run: Command
) -> None:
    assert run("import", sovits / "G_800.pth", "--json").json["voice"]["name"] == "44k"
    before = (models / "44k/voice/card.yaml").read_bytes()
    check_one_clear_line(run("import", sovits), "44k is there already")
    check_one_clear_line(run("import", sovits, "--name", "../x"), "cannot name a voice")
    check_one_clear_line(run("import", sovits, "--name", "y", "--speaker", "adda"), "'ada'")
    assert (models / "44k/voice/card.yaml").read_bytes() == before
    assert [path.name for path in models.iterdir()] == ["44k"]


def test_an_rvc_file_becomes_a_voice(tmp_path: Path, models: Path, run: Command) -> None:
    path = save_rvc_voice(tmp_path / "Ada Lovelace.pth")
    finished = run("import", path, "--speaker", "ada", "--json")
    assert finished.code == 0, finished.err
    assert finished.json["ignored"] == ["sr"]
    assert "noise_scale" not in finished.err
    again = run("import", path, "--name", "the lady")
    assert "--voice 'the lady' --speaker 'Ada Lovelace'" in again.out
    voice = VoiceModel.load(models / "Ada Lovelace" / "voice")
    assert dict(voice.speakers) == {"ada": 0}
    assert (voice.unvoiced, voice.noise_scale) == ("zero", 0.66666)
    assert "scale 0.66666" in again.out
    assert voice.card.origin.note.startswith("RVC v2, with F0")
    assert not list(models.rglob("*.tmp"))


def test_an_ambiguous_width_asks_which_encoder(tmp_path: Path, run: Command) -> None:
    folder = tmp_path / "old"
    save_sovits_voice(folder, encoder="hubert-soft", content_dim=256)
    edit_config(folder, lambda tree: tree["model"].pop("speech_encoder"))
    refused = run("import", folder)
    check_one_clear_line(refused, "contentvec256l9", "hubert-soft", "--encoder NAME")
    known = run("import", folder, "--encoder", "hubertsoft", "--speaker", "eve", "--json")
    assert known.json["voice"]["config"]["features"]["encoder"] == "hubert-soft"
    assert known.json["voice"]["speakers"] == {"eve": 0}
    unable = run("import", folder, "--name", "other", "--encoder", "unheard-of")
    assert unable.code == 0
    assert "'unheard-of', which ezrvc cannot run yet" in unable.err


def test_files_that_do_not_fit_are_refused_with_a_table(
    sovits: Path, models: Path, run: Command
) -> None:
    path = sovits / "G_800.pth"
    content = torch.load(path, weights_only=True)
    content["model"]["stranger"] = content["model"].pop("dec.conv_pre.bias")
    torch.save(content, path)
    refused = run("import", path)
    check_one_clear_line(refused, "1 missing, 1 unknown tensors")
    table = [line.split() for line in refused.err.splitlines()]
    assert ["missing", "dec.conv_pre.bias", "32"] in table
    assert ["unknown", "stranger", "32"] in table
    assert not models.exists()


def test_what_is_no_voice_is_refused(tmp_path: Path, run: Command) -> None:
    (tmp_path / "empty").mkdir()
    check_one_clear_line(run("import", tmp_path / "empty"), "holds no so-vits-svc generator")
    check_one_clear_line(run("import", tmp_path / "gone.pth"), "gone.pth", "cannot be read")
    (tmp_path / "words.pth").write_text("these are words")
    check_one_clear_line(run("import", tmp_path / "words.pth"), "words.pth", "not a checkpoint")


def test_scales_of_eight_bits_are_no_parameters(models: Path, run: Command) -> None:
    voice = untrained_voice(["ada"])
    voice.save(models / "ada" / "voice", storage="int8")
    n_weights = sum(tensor.numel() for tensor in trainable_tensors(voice.generator).values())
    assert run("info", "ada", "--json").json["parameters"] == n_weights


def test_info_tells_what_a_voice_holds(models: Path, run: Command) -> None:
    folder = save_untrained_voice(models / "ada" / "voice", ["ada", "grace"])
    told = run("info", "ada", "--json").json
    weights = load_file(folder / "generator.safetensors")
    assert told["parameters"] == sum(tensor.numel() for tensor in weights.values())
    assert told["bytes"] == sum(path.stat().st_size for path in folder.iterdir())
    assert (told["precision"], told["speakers"]) == ("F32", {"ada": 0, "grace": 1})
    assert told["card"]["training"]["untrained"] is True
    lines = run("info", folder).out
    for words in ("ada, grace", "24000 Hz", f"{told['parameters']} parameters", "mel, width 80"):
        assert words in lines
    check_one_clear_line(run("info", "adda"), "did you mean 'ada'?")
    (folder / "generator.safetensors").write_bytes(b"cut")
    check_one_clear_line(run("info", "ada"), "generator.safetensors", "cannot be read")


def test_an_exported_voice_is_the_one_that_was_imported(
    sovits: Path, tmp_path: Path, run: Command
) -> None:
    edit_config(sovits, lambda tree: tree["data"].update(unit_interpolate_mode="left"))
    assert run("import", sovits, "--name", "duo").code == 0
    out = tmp_path / "out"
    assert run("export", "duo", out).code == 0
    original, back = import_sovits(sovits), import_sovits(out)
    assert (back.config, back.speakers, back.encoder, back.stretch) == (
        original.config,
        original.speakers,
        original.encoder,
        "left",
    )
    ours = back.build().prepare_for_inference().state_dict()
    theirs = original.build().prepare_for_inference().state_dict()
    for name, tensor in theirs.items():
        torch.testing.assert_close(ours[name], tensor)
    check_one_clear_line(run("export", "duo", out), "something is here already")


def test_a_voice_that_sovits_cannot_express_is_not_exported(
    models: Path, tmp_path: Path, run: Command
) -> None:
    save_untrained_voice(models / "ada" / "voice")
    check_one_clear_line(run("export", "ada", tmp_path / "out"), "has no encoder 'mel'")
    assert not (tmp_path / "out").exists()


def test_a_blend_is_the_average_and_says_so(models: Path, run: Command) -> None:
    a = save_untrained_voice(models / "a", ["ada"], seed=1)
    b = save_untrained_voice(models / "b", ["bob"], seed=2)
    finished = run("blend", "a:3", f"{b}:1", "--name", "ab", "--json")
    assert finished.code == 0, finished.err
    assert finished.json["speakers"] == {"ada+bob": 0}
    origin = finished.json["card"]["origin"]
    assert origin["kind"] == "blended"
    assert len({file["sha256"] for file in origin["files"]}) == 2
    of_a, of_b, of_ab = (
        load_file(folder / "generator.safetensors") for folder in (a, b, models / "ab" / "voice")
    )
    for name, tensor in of_ab.items():
        torch.testing.assert_close(tensor, 0.75 * of_a[name] + 0.25 * of_b[name])


def test_a_blend_that_makes_no_sense_is_refused(models: Path, run: Command) -> None:
    save_untrained_voice(models / "a")
    save_untrained_voice(models / "b", sample_rate=32000)
    refused = run("blend", "a:0.5", "b:0.5", "--name", "ab")
    check_one_clear_line(refused, "sample_rate 24000 and 32000")
    check_one_clear_line(run("blend", "a:-1", "--name", "ab"), "must be above 0")
    check_one_clear_line(run("blend", "a:1", "--name", "b"), "is there already")
    for part in ("a", "a:much", ":0.5"):
        assert run("blend", part, "--name", "ab").code == 2
    assert not (models / "ab").exists()


def test_a_compressed_voice_is_the_same_at_half_the_size(
    models: Path, tmp_path: Path, run: Command
) -> None:
    folder = save_untrained_voice(models / "ada" / "voice")
    told = run("compress", "ada", "--json").json
    assert (told["name"], told["precision"]) == ("ada-half", "F16")
    weights = folder / "generator.safetensors"
    compressed = models / "ada-half" / "voice" / "generator.safetensors"
    n_bytes = sum(tensor.nbytes for tensor in load_file(weights).values())
    assert sum(tensor.nbytes for tensor in load_file(compressed).values()) * 2 == n_bytes
    before = VoiceModel.load(folder).generator.state_dict()
    after = VoiceModel.load(compressed.parent).generator.state_dict()
    for name, tensor in before.items():
        torch.testing.assert_close(after[name], tensor, rtol=1e-3, atol=1e-6)
    assert run("compress", "ada", "-o", tmp_path / "small").code == 0
    assert (tmp_path / "small" / "generator.safetensors").is_file()
    check_one_clear_line(run("compress", "ada", "-o", folder), "something is here already")
    check_one_clear_line(run("compress", "ada"), "ada-half is there already")

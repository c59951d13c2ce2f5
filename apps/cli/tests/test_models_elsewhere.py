"""Voices from the Hub, with the discriminator that came along, and voices as ONNX graphs."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from ezrvc_cli.main import main
from ezrvc_cli.testing import Command, Finished, check_one_clear_line
from ezrvc_device.testing import StandInHub
from ezrvc_model.discriminators.discriminator import Discriminator
from ezrvc_model.discriminators.discriminator_file import load_discriminator
from ezrvc_model.testing import save_sovits_voice, save_untrained_voice
from ezrvc_model.voice import VoiceModel


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
    """A folder as so-vits-svc leaves it."""
    save_sovits_voice(tmp_path / "44k", encoder="contentvec768l12", content_dim=768)
    return tmp_path / "44k"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandInHub]:
    with StandInHub() as hub:
        for variable in ("EZRVC_OFFLINE", "HF_HUB_OFFLINE", "HF_TOKEN"):
            monkeypatch.delenv(variable, raising=False)
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_TELEMETRY", True)
        yield hub


def test_a_repository_becomes_a_voice_that_says_where_it_is_from(
    sovits: Path, hub: StandInHub, models: Path, run: Command
) -> None:
    files = {f"sza/{path.name}": path.read_bytes() for path in sovits.iterdir()}
    commit = hub.commit("org/voices", files)
    assert run("import", "hf:org/voices", "--json").json["voice"]["name"] == "sza"
    note = VoiceModel.load(models / "sza" / "voice").card.origin.note
    assert note.endswith(f"from hf:org/voices@{commit}/sza/G_800.pth")
    assert run("import", "hf:org/voices/sza", "--name", "other").code == 0
    check_one_clear_line(run("import", "hf:org/none"), "org/none is not there or private")
    check_one_clear_line(run("import", "hf:voices"), "'hf:voices'", "hf:owner/name")
    check_one_clear_line(run("import", "hf:org/voices/x"), "holds no .pth generator")
    assert sorted(path.name for path in models.iterdir()) == ["other", "sza"]


def test_a_discriminator_comes_along_until_the_voice_is_compressed(
    sovits: Path, models: Path, run: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    (sovits / "D_800.pth").touch()
    small = Discriminator((2, 3), narrowing=64)
    read: list[str] = []

    def read_small(path: Path) -> Discriminator:
        read.append(path.name)
        return small

    monkeypatch.setattr("ezrvc_model.interop.companion.import_discriminator", read_small)
    finished = run("import", sovits)
    assert "a discriminator of periods 2, 3, kept for training" in finished.out
    assert read == ["D_800.pth"]
    kept = load_discriminator(models / "44k" / "voice" / "discriminator.safetensors")
    for name, tensor in small.state_dict().items():
        assert torch.equal(kept.state_dict()[name], tensor)
    assert run("info", "44k", "--json").json["discriminator"]["periods"] == [2, 3]
    assert run("compress", "44k", "--json").json["discriminator"] is None


def test_a_discriminator_that_cannot_be_read_does_not_stop_the_import(
    sovits: Path, models: Path, run: Command
) -> None:
    (sovits / "D_800.pth").write_text("these are words")
    finished = run("import", sovits)
    assert finished.code == 0
    assert "its discriminator was left out: " in finished.err
    assert "D_800.pth: not a checkpoint" in finished.err
    assert not (models / "44k" / "voice" / "discriminator.safetensors").exists()


def test_onnx_takes_a_folder_or_a_file_and_what_the_graph_is_told(
    models: Path, tmp_path: Path, run: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_untrained_voice(models / "ada" / "voice")
    asked: list[tuple[str, dict[str, Any]]] = []

    def export(path: Path, voice: VoiceModel, **options: Any) -> Path:
        asked.append((voice.card.name, options))
        path.parent.mkdir(exist_ok=True)
        path.touch()
        return path

    monkeypatch.setattr("ezrvc_cli.pipeline.onnx.export_onnx", export)
    finished = run("export", "ada", tmp_path / "out", "--format", "onnx", "--json")
    assert finished.json == {"graph": str(tmp_path / "out" / "ada.onnx")}
    chosen = ("--format", "onnx", "--speaker-input", "curves", "--predict-f0")
    assert "exported" in run("export", "ada", tmp_path / "x.onnx", *chosen).out
    assert asked == [
        ("untrained", {"speaker": "id", "predict_f0": False}),
        ("untrained", {"speaker": "curves", "predict_f0": True}),
    ]
    again = run("export", "ada", tmp_path / "out", "--format", "onnx")
    check_one_clear_line(again, "ada.onnx: is there already")
    assert run("export", "ada", tmp_path / "y", "--predict-f0").code == 2


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_voice_becomes_a_graph(models: Path, tmp_path: Path, run: Command) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    save_untrained_voice(models / "ada" / "voice")
    finished = run("export", "ada", tmp_path / "ada.onnx", "--format", "onnx")
    assert (finished.code, finished.err) == (0, "")
    told = onnxruntime.InferenceSession(tmp_path / "ada.onnx").get_modelmeta()
    assert told.custom_metadata_map["sample_rate"] == "24000"

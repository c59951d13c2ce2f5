"""The checker passes recordings that are right and fails those that are not."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from ezrvc_model.config import DecoderConfig, SynthesizerConfig
from ezrvc_model.errors import ModelError
from ezrvc_model.interop.nsf_hifigan import import_nsf_hifigan
from ezrvc_model.interop.rvc import import_rvc
from ezrvc_model.interop.sovits import import_sovits
from ezrvc_model.interop.sovits_export import export_sovits
from ezrvc_model.noise import TorchNoise, ZeroNoise
from ezrvc_model.synthesizer.synthesizer import Synthesizer
from ezrvc_model.testing import save_nsf_hifigan, save_rvc_voice

CHECKER = Path(__file__).with_name("check_fixture.py")
CONFIG = SynthesizerConfig(
    content_dim=256,
    n_speakers=2,
    speaker_dim=8,
    inter_channels=8,
    hidden_channels=8,
    filter_channels=16,
    n_layers=1,
    decoder=DecoderConfig(
        upsample_rates=(8, 8),
        upsample_kernel_sizes=(16, 16),
        upsample_initial_channels=16,
        resblock_kernel_sizes=(3,),
        resblock_dilations=((1, 3),),
    ),
)


@pytest.fixture
def fixture(tmp_path: Path) -> Path:
    """A voice and a recording of one conversion by it."""
    torch.manual_seed(0)
    network = Synthesizer(CONFIG).eval()
    folder = tmp_path / "tiny"
    export_sovits(
        folder,
        CONFIG,
        network.state_dict(),
        {"ada": 0, "bob": 1},
        encoder="contentvec256l9",
        step=100,
    )
    inputs = {
        "c": torch.randn(1, 256, 12),
        "f0": torch.full((1, 12), 200.0),
        "uv": torch.ones(1, 12),
        "sid": torch.tensor([[1]]),
    }
    with torch.no_grad():
        given = (inputs["c"], inputs["f0"], inputs["uv"], inputs["sid"][0])
        audio = network.infer(*given, noise=ZeroNoise())
        f0 = network.predict_f0(*given)
        latent = network.encode(*given, noise=ZeroNoise())
        predicted = network.infer(*given, noise=ZeroNoise(), predict_f0=True)
    record(folder / "infer_zero_predf0_0.npz", **inputs, audio=audio, flow__z=latent)
    record(folder / "infer_zero_predf0_1.npz", audio=predicted, f0_out=f0)
    return folder


def record(path: Path, **arrays: torch.Tensor) -> None:
    np.savez(path, allow_pickle=False, **{name: tensor.numpy() for name, tensor in arrays.items()})


@pytest.fixture
def check(monkeypatch, capsys):
    """Runs the checker; gives its exit status and its lines."""
    spec = importlib.util.spec_from_file_location("check_fixture", CHECKER)
    assert spec is not None
    assert spec.loader is not None
    checker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(checker)

    def run(*arguments: Path | str) -> tuple[int, list[str]]:
        monkeypatch.setattr(sys, "argv", [str(CHECKER), *map(str, arguments)])
        return checker.main(), capsys.readouterr().out.splitlines()

    return run


def test_it_runs_as_a_command(fixture, tmp_path):
    """Everything else is checked in this process, which has its imports already."""
    command = [sys.executable, str(CHECKER), str(fixture), str(tmp_path)]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 1, checked.stderr
    assert [line.split()[0] for line in checked.stdout.splitlines()] == [*["ok"] * 6, "FAIL"]


def test_a_right_recording_passes_line_by_line(fixture, check):
    status, lines = check(fixture)
    assert status == 0, lines
    assert [" ".join(line.split()[2:-1]) for line in lines] == [
        "infer_zero_predf0_0 flow__z",
        "infer_zero_predf0_0 audio",
        "infer_zero_predf0_0 audio, prepared",
        "infer_zero_predf0_1 f0_out",
        "infer_zero_predf0_1 audio",
        "infer_zero_predf0_1 audio, prepared",
    ]
    assert all(line.startswith("ok") and float(line.split()[-1]) <= 1e-4 for line in lines)


def test_wrong_recordings_and_folders_fail_and_the_rest_is_still_checked(fixture, tmp_path, check):
    path = fixture / "infer_zero_predf0_1.npz"
    with np.load(path) as arrays:
        recorded = dict(arrays)
    recorded["audio"][..., 5] += 0.01
    np.savez(path, allow_pickle=False, **recorded)
    empty = tmp_path / "empty"
    empty.mkdir()
    status, lines = check(empty, fixture)
    assert status == 1
    failed = [line for line in lines if line.startswith("FAIL")]
    assert len(failed) == 3
    assert "neither G_*.pth nor an RVC .pth nor a vocoder's model" in failed[0]
    assert "1.00e-02" in failed[1]


def test_a_checkpoint_without_decoder_borrows_one(fixture, tmp_path, check):
    whole = fixture / "G_100.pth"
    content = torch.load(whole, weights_only=True)
    donor = tmp_path / "donor"
    donor.mkdir()
    torch.save(content, donor / "G_100.pth")
    content["model"] = {k: v for k, v in content["model"].items() if not k.startswith("dec.")}
    torch.save(content, fixture / "G_100.nodec.pth")
    whole.unlink()
    status, (line,) = check(fixture)
    assert status == 1
    assert "give --decoder-from FOLDER" in line
    status, lines = check(fixture, "--decoder-from", donor)
    assert status == 0, lines


def test_recordings_by_other_names_and_of_mixes_are_found_and_strange_parts_named(fixture, check):
    with np.load(fixture / "infer_zero_predf0_0.npz") as arrays:
        recorded = {name: torch.from_numpy(arrays[name]) for name in arrays.files}
    network = import_sovits(fixture / "G_100.pth").build().eval()
    told = (recorded["c"], recorded["f0"], recorded["uv"])
    with torch.no_grad():
        mixed = network.infer(*told, torch.tensor([[1.0, 0.0]]), noise=ZeroNoise())
        seeded = network.infer(*told, recorded["sid"][0], noise=TorchNoise.seeded(7))
    record(fixture / "infer_zero_spkmix.npz", mix=torch.ones(12, 1), audio=mixed)
    record(fixture / "another_seed7.npz", audio=seeded, dec_mystery__out=torch.zeros(2))
    (fixture / "infer_zero_predf0_0.npz").rename(fixture / "infer_zero_T12_predf0_0.npz")
    (fixture / "infer_zero_predf0_1.npz").rename(fixture / "infer_zero_T12_predf0_1.npz")
    status, printed = check(fixture)
    lines = [line.split() for line in printed]
    assert status == 0, printed
    assert ["skip", "tiny", "another_seed7", "dec_mystery__out"] in lines
    assert {line[2] for line in lines if line[3] == "audio"} == {
        "another_seed7",
        "infer_zero_T12_predf0_0",
        "infer_zero_T12_predf0_1",
        "infer_zero_spkmix",
    }


def test_a_user_is_asked_which_encoder_it_was_but_a_recording_brings_its_content(fixture, check):
    path = fixture / "config.json"
    tree = json.loads(path.read_text())
    del tree["model"]["speech_encoder"]
    path.write_text(json.dumps(tree))
    with pytest.raises(ModelError, match="say with encoder"):
        import_sovits(fixture / "G_100.pth")
    assert check(fixture)[0] == 0


@pytest.mark.parametrize("has_f0", [True, False])
def test_voices_of_rvc_are_checked_with_and_without_f0(tmp_path, check, has_f0):
    path = save_rvc_voice(tmp_path / "ada.pth", has_f0=has_f0)
    network = import_rvc(path).build().eval()
    f0 = torch.full((1, 12), 150.0) * has_f0
    content, lengths = torch.randn(1, 768, 12), torch.tensor([9])
    with torch.no_grad():
        audio = network.infer(
            content, f0, (f0 > 0).float(), torch.tensor([0]), lengths=lengths, noise=ZeroNoise()
        )
    inputs = {"phone": content.mT, "lengths": lengths, "sid": torch.tensor([0]), "audio": audio}
    record(tmp_path / "io_main.npz", **(inputs | {"nsff0": f0} if has_f0 else inputs))
    assert check(tmp_path)[0] == 0
    record(tmp_path / "io_main.npz", **(inputs | {"nsff0": f0, "audio": audio + 1e-3}))
    assert check(tmp_path)[0] == 1


def test_vocoders_are_checked(tmp_path, check):
    vocoder = import_nsf_hifigan(save_nsf_hifigan(tmp_path) / "model").eval()
    mel, f0 = torch.randn(1, 128, 5), torch.full((1, 5), 150.0)
    with torch.no_grad():
        audio = vocoder.vocode(mel, f0, noise=ZeroNoise())
    record(tmp_path / "io.npz", mel=mel, f0=f0, audio=audio)
    assert check(tmp_path)[0] == 0
    record(tmp_path / "io.npz", mel=mel, f0=f0, audio=audio + 1e-3)
    assert check(tmp_path)[0] == 1

"""The checker passes recordings that are right and fails those that are not."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from ezrvc_model.config import DecoderConfig, SynthesizerConfig
from ezrvc_model.interop.sovits_export import export_sovits
from ezrvc_model.noise import ZeroNoise
from ezrvc_model.synthesizer.synthesizer import Synthesizer

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


def check(*arguments: Path | str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(CHECKER), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_right_recording_passes_line_by_line(fixture):
    checked = check(fixture)
    lines = checked.stdout.splitlines()
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert [" ".join(line.split()[2:-1]) for line in lines] == [
        "infer_zero_predf0_0 flow__z",
        "infer_zero_predf0_0 audio",
        "infer_zero_predf0_0 audio, prepared",
        "infer_zero_predf0_1 f0_out",
        "infer_zero_predf0_1 audio",
        "infer_zero_predf0_1 audio, prepared",
    ]
    assert all(line.startswith("ok") and float(line.split()[-1]) <= 1e-4 for line in lines)


def test_wrong_recordings_and_folders_fail_and_the_rest_is_still_checked(fixture, tmp_path):
    path = fixture / "infer_zero_predf0_1.npz"
    with np.load(path) as arrays:
        recorded = dict(arrays)
    recorded["audio"][..., 5] += 0.01
    np.savez(path, allow_pickle=False, **recorded)
    empty = tmp_path / "empty"
    empty.mkdir()
    checked = check(empty, fixture)
    assert checked.returncode == 1
    failed = [line for line in checked.stdout.splitlines() if line.startswith("FAIL")]
    assert len(failed) == 3
    assert "neither config.json nor an RVC .pth" in failed[0]
    assert "1.00e-02" in failed[1]


def test_a_checkpoint_without_decoder_borrows_one(fixture, tmp_path):
    whole = fixture / "G_100.pth"
    content = torch.load(whole, weights_only=True)
    donor = tmp_path / "donor"
    donor.mkdir()
    torch.save(content, donor / "G_100.pth")
    content["model"] = {k: v for k, v in content["model"].items() if not k.startswith("dec.")}
    torch.save(content, fixture / "G_100.nodec.pth")
    whole.unlink()
    lacking = check(fixture)
    assert lacking.returncode == 1
    assert "give --decoder-from FOLDER" in lacking.stdout
    assert check(fixture, "--decoder-from", donor).returncode == 0

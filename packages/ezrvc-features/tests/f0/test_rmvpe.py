"""RMVPE without its weights: the network's shape, the way in and the way out."""

from pathlib import Path

import librosa
import numpy as np
import pytest
import torch
from torch import nn

from ezrvc_audio.testing import harmonic_tone
from ezrvc_device.progress import Progress
from ezrvc_device.weights import WeightSpec
from ezrvc_features.config import F0Config
from ezrvc_features.errors import FeatureError
from ezrvc_features.f0 import rmvpe
from ezrvc_features.f0.registry import configured_f0_estimator
from ezrvc_features.f0.rmvpe import RmvpeEstimator, convert_rmvpe, rmvpe_mel
from ezrvc_features.f0.rmvpe_network import RmvpeNetwork
from ezrvc_features.f0.salience import CREPE_BIN_CENTS
from ezrvc_features.frames import FrameSpec

FRAMES = FrameSpec(sample_rate=16000, hop_length=160)


class SmallNetwork(RmvpeNetwork):
    """The same build in a hundredth of the size."""

    def __init__(self) -> None:
        super().__init__(channels=2, n_middle=1, n_blocks=1, hidden=4)


@pytest.fixture
def checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of random weights, half precision as the published one."""
    monkeypatch.setenv("EZRVC_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(rmvpe, "RmvpeNetwork", SmallNetwork)
    torch.manual_seed(0)
    path = tmp_path / "rmvpe.pt"
    torch.save({name: t.half() for name, t in SmallNetwork().state_dict().items()}, path)
    return path


def test_the_published_network_has_these_tensors() -> None:
    with torch.device("meta"):
        state = RmvpeNetwork().state_dict()
    shapes = {name: tuple(tensor.shape) for name, tensor in state.items()}
    # 181 MB of half precision are what the published file has
    assert sum(tensor.numel() for tensor in state.values()) == 90_472_917
    assert len(shapes) == 741
    assert shapes["unet.encoder.bn.running_mean"] == (1,)
    assert shapes["unet.encoder.layers.0.conv.0.conv.0.weight"] == (16, 1, 3, 3)
    assert shapes["unet.encoder.layers.0.conv.0.shortcut.weight"] == (16, 1, 1, 1)
    assert shapes["unet.encoder.layers.4.conv.3.conv.4.bias"] == (256,)
    assert shapes["unet.intermediate.layers.0.conv.0.shortcut.weight"] == (512, 256, 1, 1)
    assert shapes["unet.intermediate.layers.3.conv.3.conv.3.weight"] == (512, 512, 3, 3)
    assert shapes["unet.decoder.layers.0.conv1.0.weight"] == (512, 256, 3, 3)
    assert shapes["unet.decoder.layers.0.conv2.0.conv.0.weight"] == (256, 512, 3, 3)
    assert shapes["unet.decoder.layers.4.conv2.0.shortcut.bias"] == (16,)
    assert shapes["unet.decoder.layers.4.conv2.3.conv.1.weight"] == (16,)
    assert shapes["cnn.weight"] == (3, 16, 3, 3)
    assert shapes["fc.0.gru.weight_ih_l0"] == (768, 384)
    assert shapes["fc.0.gru.weight_hh_l0_reverse"] == (768, 256)
    assert shapes["fc.1.weight"] == (360, 512)
    assert not any(".shortcut." in name for name in shapes if "conv.1." in name)


def test_the_network_gives_activations_of_every_frame() -> None:
    network = SmallNetwork().eval()
    with torch.inference_mode():
        found = network(torch.randn(2, 128, 64))
    assert found.shape == (2, 64, 360)
    assert ((found > 0) & (found < 1)).all()


def test_maps_before_pooling_meet_those_of_their_size_again() -> None:
    """With every branch but the outermost silenced, only the first encoder maps come through."""
    network = SmallNetwork().eval()
    kept: dict[str, torch.Tensor] = {}
    network.get_submodule("unet.encoder.layers.0").register_forward_hook(
        lambda *made: kept.update(encoded=made[-1])
    )
    network.get_submodule("unet.decoder.layers.4.conv2").register_forward_pre_hook(
        lambda _, given: kept.update(decoded=given[0])
    )
    with torch.inference_mode():
        network(torch.randn(1, 128, 32))
    assert kept["decoded"].shape == (1, 4, 32, 128)
    assert kept["decoded"][:, 2:].equal(kept["encoded"])


def test_the_mel_is_that_of_the_definition() -> None:
    samples = np.random.default_rng(0).normal(0, 0.1, 8000).astype(np.float32)
    expected = librosa.feature.melspectrogram(
        y=samples, sr=16000, n_fft=1024, hop_length=160, n_mels=128, fmin=30, fmax=8000,
        htk=True, power=1.0, center=True, pad_mode="reflect",
    )  # fmt: skip
    found = rmvpe_mel(torch.from_numpy(samples)[None])[0].numpy()
    assert found.shape == (128, 51)
    np.testing.assert_allclose(found, np.log(np.maximum(expected, 1e-5)), atol=1e-3)


class Salience(nn.Module):
    """A network that answers with maps made by hand: a bump that rises one bin a frame."""

    frame_multiple = 32

    def __init__(self, first_bin: float, height: float) -> None:
        super().__init__()
        self.first_bin = first_bin
        self.height = height
        self.seen: list[torch.Size] = []

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        self.seen.append(mel.shape)
        centre = self.first_bin + torch.arange(mel.shape[-1])[:, None]
        return self.height * torch.exp(-(((torch.arange(360) - centre) / 1.5) ** 2))[None]


@pytest.mark.parametrize("first_bin", [100.0, 100.4])
def test_salience_made_by_hand_is_decoded(checkpoint: Path, first_bin: float) -> None:
    estimator = RmvpeEstimator(device="cpu", weights=checkpoint)
    salience = Salience(first_bin, height=0.5)
    estimator._network = salience  # pyright: ignore[reportAttributeAccessIssue]
    curve = estimator.estimate(harmonic_tone(100.0, 0.4, 16000), FRAMES)
    # 0.16 s of silence lie before the sound, so its first frame is the network's 16th
    cents = np.interp(first_bin + 16 + np.arange(40), np.arange(360), CREPE_BIN_CENTS)
    assert curve.voiced.all()
    np.testing.assert_allclose(1200 * np.log2(curve.hz / 10), cents, atol=0.5)
    assert salience.seen == [(1, 128, 96)]  # 73 frames, filled to a multiple of 32


@pytest.mark.parametrize(("height", "voiced"), [(0.029, False), (0.031, True)])
def test_the_threshold_is_that_of_the_field(checkpoint: Path, height: float, voiced: bool) -> None:
    estimator = RmvpeEstimator(device="cpu", weights=checkpoint)
    estimator._network = Salience(100.0, height)  # pyright: ignore[reportAttributeAccessIssue]
    curve = estimator.estimate(harmonic_tone(100.0, 0.4, 16000), FRAMES)
    assert set(curve.voiced.tolist()) == {voiced}


def test_a_checkpoint_is_converted_once_and_named_in_the_version(checkpoint: Path) -> None:
    first = RmvpeEstimator(device="cpu", weights=checkpoint)
    (kept,) = (checkpoint.parent / "home").rglob("rmvpe-1-*.safetensors")
    written_ns = kept.stat().st_mtime_ns
    second = RmvpeEstimator(device="cpu", weights=checkpoint, voicing_threshold=0.05)
    assert kept.stat().st_mtime_ns == written_ns
    assert first.version.split(",")[0] == second.version.split(",")[0]
    assert first.version.startswith("rmvpe ")
    assert first.version.endswith("50-1040 Hz, threshold 0.03")
    sound = harmonic_tone(220.0, 0.2)
    np.testing.assert_array_equal(
        first.estimate(sound, FRAMES).hz, first.estimate(sound, FRAMES).hz
    )


def test_every_tensor_reaches_the_network(checkpoint: Path) -> None:
    stored = torch.load(checkpoint, weights_only=True)
    loaded = RmvpeEstimator(device="cpu", weights=checkpoint)._network.state_dict()
    names = {name for name in stored if not name.endswith("num_batches_tracked")}
    assert names == {name for name in loaded if not name.endswith("num_batches_tracked")}
    for name in names:
        assert loaded[name].equal(stored[name].float()), name


def test_the_layout_of_so_vits_svc_is_read_too(checkpoint: Path, tmp_path: Path) -> None:
    stored = torch.load(checkpoint, weights_only=True)
    wrapped = tmp_path / "wrapped.pt"
    torch.save({"model": stored, "global_step": 7}, wrapped)
    assert convert_rmvpe(wrapped).tensors.keys() == convert_rmvpe(checkpoint).tensors.keys()


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda state: state.pop("cnn.bias"), "1 missing: cnn.bias"),
        (lambda state: state.update(extra=torch.zeros(1)), "1 unknown: extra"),
        (lambda state: state.update({"fc.1.bias": torch.zeros(3)}), r"fc.1.bias \(3,\) instead of"),
    ],
)
def test_a_checkpoint_of_something_else_is_refused(
    checkpoint: Path, change: object, problem: str
) -> None:
    stored = torch.load(checkpoint, weights_only=True)
    assert callable(change)
    change(stored)
    torch.save(stored, checkpoint)
    with pytest.raises(FeatureError, match=problem):
        convert_rmvpe(checkpoint)


def test_without_weights_and_network_the_message_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EZRVC_HOME", str(tmp_path))
    monkeypatch.setenv("EZRVC_OFFLINE", "1")
    with pytest.raises(FeatureError, match=r"weights of rmvpe \(181 MB\) are not here: .*put the"):
        RmvpeEstimator(device="cpu")


def test_the_download_is_reported(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also of a member of an ensemble, as a configuration asks for it."""
    told: list[str] = []

    def fetched(spec: WeightSpec, progress: Progress) -> Path:
        progress(f"fetch {spec.name}", 1, 2)
        return checkpoint

    def note(step: str, completed: float, total: float | None = None) -> None:
        told.append(step)

    monkeypatch.setattr(rmvpe, "fetch", fetched)
    config = F0Config(method="ensemble:rmvpe,dio")
    configured_f0_estimator(config, device="cpu", progress=note)
    assert told == ["fetch rmvpe"]

from pathlib import Path

import numpy as np
import pytest
import torch

from ezrvc_audio.testing import speech_like
from ezrvc_audio.waveform import Waveform
from ezrvc_device.weights.compact_file import write_compact
from ezrvc_features.content.base import Hearing
from ezrvc_features.content.mel import MelEncoder
from ezrvc_features.content.soft_units import SoftUnitsEncoder
from ezrvc_features.content.soft_units_network import SoftUnitsNetwork
from ezrvc_features.errors import FeatureError
from ezrvc_features.testing.content import ContentConformance

CPU = torch.device("cpu")
CHUNK_FRAMES = 8


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained network in the layout of the one that ships."""
    torch.manual_seed(0)
    network = SoftUnitsNetwork(dim=16, width=64, n_layers=2, n_heads=2)
    path = tmp_path_factory.mktemp("weights") / "soft_units.safetensors"
    write_compact(path, network.state_dict(), network.config)
    return path


@pytest.fixture(scope="module")
def encoder(weights: Path) -> SoftUnitsEncoder:
    return SoftUnitsEncoder(SoftUnitsEncoder.open(weights), name="soft-units", device=CPU)


class TestConformance(ContentConformance):
    window_error = 1.5
    """Untrained, units say little but where in the window they are."""


def test_live_units_are_final_after_their_chunk(weights: Path) -> None:
    """What has been said so far settles all units of whole chunks, but for 12.5 ms of analysis."""
    live = SoftUnitsEncoder(
        SoftUnitsEncoder.open(weights), name="live", device=CPU, chunk_frames=CHUNK_FRAMES
    )
    spoken = speech_like(2.0, 16_000, seed=4)
    whole = live.encode(spoken)
    for n_chunks in (1, 2, 5):
        n_frames = n_chunks * CHUNK_FRAMES
        heard = n_frames * 320 + 200
        changed = spoken.samples.copy()
        changed[:, heard:] = np.random.default_rng(0).normal(0, 0.1, changed[:, heard:].shape)
        units = live.encode(Waveform(changed, 16_000))
        assert torch.allclose(units[:, : n_frames - 1], whole[:, : n_frames - 1], atol=1e-5)
        assert not torch.allclose(units[:, n_frames:], whole[:, n_frames:], atol=1e-2)


def test_hearing_ends_in_the_units_and_leads_back_to_the_sound(encoder: SoftUnitsEncoder) -> None:
    spoken = speech_like(1.0, 16_000, seed=4)
    samples = torch.from_numpy(spoken.samples).requires_grad_()
    *layers, units = encoder.hear(samples)
    assert [tuple(layer.shape) for layer in layers] == [(1, 50, 64)] * 2
    torch.testing.assert_close(units[0].T, encoder.encode(spoken), atol=1e-5, rtol=1e-5)
    for layer in layers:  # no layer counts for more than another
        torch.testing.assert_close(layer.square().mean(), torch.tensor(1.0), atol=1e-2, rtol=0)
    for heard in (*layers, units):
        (gradient,) = torch.autograd.grad(heard[:, 25].square().sum(), samples, retain_graph=True)
        assert gradient.isfinite().all()
        assert gradient.any()
    assert isinstance(encoder, Hearing)
    assert not isinstance(MelEncoder(device=CPU), Hearing)


def test_other_weights_are_refused(tmp_path: Path) -> None:
    network = SoftUnitsNetwork(dim=4, width=8, n_layers=1, n_heads=1)
    state = network.state_dict()
    unknown, lacking = tmp_path / "unknown", tmp_path / "lacking"
    write_compact(unknown, state, {**network.config, "n_mouths": 2})
    with pytest.raises(FeatureError, match=r"unknown: not weights of soft-units .*n_mouths"):
        SoftUnitsEncoder.open(unknown)
    state.pop("conv1.bias")
    write_compact(lacking, state, network.config)
    with pytest.raises(FeatureError, match=r"1 missing: conv1\.bias"):
        SoftUnitsEncoder.open(lacking)

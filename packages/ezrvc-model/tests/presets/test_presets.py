"""Every preset loads, is valid, and is the size it says."""

import pytest
import torch

from ezrvc_features.config import FeatureConfig
from ezrvc_features.content.registry import encoder_dim
from ezrvc_model.config import SynthesizerConfig, TrainConfig
from ezrvc_model.errors import ModelError
from ezrvc_model.presets import load_preset, preset_files, preset_names
from ezrvc_model.synthesizer.synthesizer import Synthesizer

MILLIONS = {"tiny": (0.5, 3.0), "base-24k": (12.0, 15.0), "sovits-44k": (50.0, 55.0)}


def test_there_are_these() -> None:
    assert preset_names() == ("base-24k", "sovits-44k", "tiny")


@pytest.mark.parametrize("name", preset_names())
def test_loads_and_fits_its_encoder(name: str) -> None:
    tree = load_preset(name)
    assert set(tree) <= {"features", "model", "train"}
    model = SynthesizerConfig.from_tree(tree["model"])
    TrainConfig.from_tree(tree["train"])
    features = FeatureConfig.from_tree(tree.get("features", {}))
    assert encoder_dim(features.encoder) == model.content_dim
    with torch.device("meta"):
        network = Synthesizer(model)
    low, high = MILLIONS[name]
    assert low < sum(p.numel() for p in network.parameters()) / 1e6 < high


@pytest.mark.parametrize(("name", "rate", "hop"), [
    ("tiny", 24000, 240), ("base-24k", 24000, 240), ("sovits-44k", 44100, 512),
])  # fmt: skip
def test_frame_grids(name: str, rate: int, hop: int) -> None:
    model = SynthesizerConfig.from_tree(load_preset(name)["model"])
    assert (model.sample_rate, model.hop_length) == (rate, hop)


def test_sovits_is_the_full_configuration_of_4_1() -> None:
    """Values of so-vits-svc 4.1's template that are not those of an older or smaller variant."""
    tree = load_preset("sovits-44k")
    assert SynthesizerConfig.from_tree(tree["model"]) == SynthesizerConfig(mel_fmax_hz=22050.0)
    train = TrainConfig.from_tree(tree["train"])
    assert (train.segment_frames * 512, train.learning_rate_decay) == (10240, 0.999875)


@pytest.mark.parametrize("name", preset_names())
def test_opens_with_the_command_that_runs_it(name: str) -> None:
    path = next(path for path in preset_files() if path.stem == name)
    text = path.read_text(encoding="utf-8")
    opening = text[: text.index("\n\n")]
    assert f"ezrvc preprocess --speaker NAME --preset {name}" in opening
    assert "ezrvc train" in opening


def test_unknown_names_the_nearest_and_all() -> None:
    with pytest.raises(ModelError, match=r"'tniy'; did you mean 'tiny'\? .*sovits-44k"):
        load_preset("tniy")
